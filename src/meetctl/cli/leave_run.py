"""Taking an agent out of a room, after asking where people are in it."""

from __future__ import annotations

import asyncio

from meetctl import bootstrap
from meetctl.bootstrap.rooms import agent_control
from meetctl.cli.configuration import find_server
from meetctl.cli.confirmation import confirm
from meetctl.cli.diagnostics import note
from meetctl.cli.output import print_json
from meetctl.cli.room_server import count_people
from meetctl.domain.leaving import Leave
from meetctl.services.leaving import choose_agent, take_out
from meetctl.services.rooms import find_room

SCHEMA = "meetctl.leave/1"


def run_leave(room: str, *, session_id: str | None, yes: bool, url: str | None, json: bool) -> None:
    """Take the agent out, and say how.

    Raises:
        UsageError: It is not said which of several agents, or nobody can be asked.
        NotFoundError: There is no such room or agent.
        ServiceError: The server cannot be reached, or refuses.
        MeetctlError: The answer was no.
    """
    left = asyncio.run(_leave(room, session_id=session_id, yes=yes, url=url))
    if json:
        print_json(
            {
                "schema": SCHEMA,
                "room": room,
                "agent": left.agent,
                "session_id": left.session_id,
                "way": left.way,
                "gone": left.is_gone,
                "reason": left.reason or None,
            }
        )
    elif not left.is_gone:
        note(f"{left.agent} is leaving {room}, and finishes its recording first (session {left.session_id})")
    elif left.way == "asked":
        note(f"{left.agent} has left {room} (session {left.session_id})")
    else:
        note(f"{left.agent} was put out of {room}: {left.reason}")


async def _leave(room: str, *, session_id: str | None, yes: bool, url: str | None) -> Leave:
    access = find_server(url)
    rooms = bootstrap.room_admin(access)
    try:
        await find_room(rooms, room)
        participants = await rooms.list_participants(room)
        agent = choose_agent(participants, room, session_id=session_id)
        people = sum(one.is_person for one in participants)
        if people:
            confirm(f"{count_people(people)} in {room} with {agent.identity}. Take it out?", yes=yes)
        return await take_out(
            agent, room, rooms=rooms, control=agent_control(access), clock=bootstrap.system_clock()
        )
    finally:
        await rooms.aclose()
