"""Taking an agent out of a room: by asking it, and otherwise by putting it out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.domain.leaving import Leave
from meetctl.errors import NotFoundError, ServiceError, UsageError

if TYPE_CHECKING:
    from meetctl.domain.rooms import Participant
    from meetctl.ports import AgentControl, Clock, RoomAdmin

GOING_S = 10.0
"""How long an agent that leaves is waited for; one with a long recording finishes that first."""
_LOOK_EVERY_S = 0.2


def choose_agent(participants: tuple[Participant, ...], room: str, *, session_id: str | None) -> Participant:
    """Return the agent that is meant: ours before those of others.

    Raises:
        NotFoundError: There is none.
        UsageError: It is not said which of several.
    """
    agents = [one for one in participants if one.kind == "agent"]
    if session_id is not None:
        agents = [one for one in agents if one.session_id == session_id]
        if not agents:
            sessions = ", ".join(sorted(one.session_id for one in participants if one.session_id))
            raise NotFoundError(
                f"session {session_id!r} is not in room {room!r}",
                hint=f"in it: {sessions}" if sessions else "no agent of meetctl is in it",
            )
    candidates = [one for one in agents if one.session_id] or agents
    if not candidates:
        raise NotFoundError(
            f"there is no agent in room {room!r}",
            hint=f"one that was sent may still come: `meetctl dispatch list {room}`",
        )
    if len(candidates) > 1:
        names = ", ".join(sorted(one.session_id or one.identity for one in candidates))
        way = "--session" if candidates[0].session_id else "`meetctl participants remove`"
        raise UsageError(f"{len(candidates)} agents are in room {room!r}", hint=f"{way} says which: {names}")
    return candidates[0]


async def take_out(
    agent: Participant, room: str, *, rooms: RoomAdmin, control: AgentControl, clock: Clock
) -> Leave:
    """Ask an agent of ours to leave, and wait until it has; put out one that does not answer, or is no ours.

    Raises:
        NotFoundError: It has gone meanwhile.
        ServiceError: The server cannot be reached, or refuses.
    """
    reason = "it is no agent of meetctl"
    if agent.session_id is not None:
        try:
            await control.send(room, "leave", {}, session_id=agent.session_id)
        except NotFoundError:
            raise
        except ServiceError as error:
            reason = error.message
        else:
            is_gone = await _wait_until_gone(agent.identity, room, rooms=rooms, clock=clock)
            return Leave(agent=agent.identity, session_id=agent.session_id, way="asked", is_gone=is_gone)
    await rooms.remove_participant(room, agent.identity)
    return Leave(agent=agent.identity, session_id=agent.session_id, way="removed", reason=reason)


async def _wait_until_gone(identity: str, room: str, *, rooms: RoomAdmin, clock: Clock) -> bool:
    until_s = clock.monotonic() + GOING_S
    while clock.monotonic() < until_s:
        try:
            present = await rooms.list_participants(room)
        except NotFoundError:
            return True
        if all(one.identity != identity for one in present):
            return True
        await asyncio.sleep(_LOOK_EVERY_S)
    return False
