"""What `meetctl rooms` does, but for watching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.bootstrap.rooms import local_sessions
from meetctl.cli.confirmation import confirm
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_lines, print_table
from meetctl.cli.room_server import ask_server, count_people
from meetctl.core.places import sessions_directory
from meetctl.reports.rooms import (
    describe_room,
    make_dispatches_table,
    make_participants_table,
    make_rooms_table,
)
from meetctl.reports.rooms_document import (
    document_dispatch,
    document_participant,
    document_room,
    document_rooms,
    document_view,
)
from meetctl.services.rooms import find_room, view_room, view_rooms

if TYPE_CHECKING:
    from meetctl.domain.room_view import RoomView
    from meetctl.domain.rooms import Room
    from meetctl.ports import RoomAdmin, SessionStates


def run_list(*, sessions: Path | None, url: str | None, json: bool) -> None:
    """Print all rooms.

    Raises:
        ServiceError: The server cannot be reached, or refuses.
    """
    states = open_sessions(sessions)
    views = ask_server(url, lambda rooms: view_rooms(rooms, states))
    now = bootstrap.system_clock().now()
    if json:
        print_json(document_rooms(views, now))
    elif views:
        print_table(make_rooms_table(views, now))
    else:
        note("there are no rooms")


def run_show(name: str, *, sessions: Path | None, url: str | None, json: bool) -> None:
    """Print one room with everybody in it.

    Raises:
        NotFoundError: It is not there.
        ServiceError: The server cannot be reached, or refuses.
    """

    async def look(rooms: RoomAdmin) -> RoomView:
        view = await view_room(rooms, states, await find_room(rooms, name))
        return replace(view, dispatches=await rooms.list_dispatches(name))

    states = open_sessions(sessions)
    view = ask_server(url, look)
    now = bootstrap.system_clock().now()
    dispatches = view.dispatches or ()
    if json:
        print_json(
            {
                "schema": "meetctl.room/1",
                "at": now.isoformat(),
                **document_view(view, now),
                "participants": [document_participant(one) for one in view.participants],
                "dispatches": [document_dispatch(one) for one in dispatches],
            }
        )
        return
    print_lines(describe_room(view, now))
    if view.participants:
        print_table(make_participants_table(view.participants, now))
    if any(one.agent_name for one in dispatches):
        present = frozenset(one.identity for one in view.participants)
        named = [one for one in dispatches if one.agent_name]
        print_table(make_dispatches_table(named, now, present=present))


def run_create(
    name: str,
    *,
    metadata: str,
    empty_timeout_s: int | None,
    departure_timeout_s: int | None,
    max_participants: int | None,
    url: str | None,
    json: bool,
) -> None:
    """Make a room, and say what of it is otherwise than asked, where it was there already.

    Raises:
        ServiceError: The server cannot be reached, or refuses.
    """

    async def make(rooms: RoomAdmin) -> tuple[bool, Room]:
        was_there = await rooms.find_room(name) is not None
        room = await rooms.create_room(
            name,
            metadata=metadata,
            empty_timeout_s=empty_timeout_s,
            departure_timeout_s=departure_timeout_s,
            max_participants=max_participants,
        )
        return was_there, room

    was_there, room = ask_server(url, make)
    now = bootstrap.system_clock().now()
    if json:
        print_json({"schema": "meetctl.rooms.create/1", "created": not was_there, **document_room(room, now)})
    else:
        note(
            f"{name} is there already, and was left as it is" if was_there else f"{name} is open ({room.sid})"
        )
    wanted = {
        "--metadata": (metadata or None, room.metadata),
        "--empty-timeout": (empty_timeout_s, room.empty_timeout_s),
        "--departure-timeout": (departure_timeout_s, room.departure_timeout_s),
        "--max-participants": (max_participants, room.max_participants),
    }
    for option, (asked, found) in wanted.items():
        if asked is not None and asked != found:
            warn(f"{option} is {found!r} in {name}, not {asked!r}")


def run_close(names: Sequence[str], *, yes: bool, url: str | None, json: bool) -> None:
    """Close rooms, after asking where somebody is in them.

    Raises:
        NotFoundError: One is not there; then none is closed.
        UsageError: Nobody can be asked.
        MeetctlError: The answer was no.
        ServiceError: The server cannot be reached, or refuses.
    """

    async def count(rooms: RoomAdmin) -> dict[str, int]:
        found = [await find_room(rooms, name) for name in dict.fromkeys(names)]
        return {
            room.name: sum(one.is_person for one in await rooms.list_participants(room.name))
            for room in found
        }

    async def close(rooms: RoomAdmin) -> None:
        for name in people:
            await rooms.close_room(name)

    people = ask_server(url, count)
    occupied = [f"{count_people(number)} in {name}" for name, number in people.items() if number]
    if occupied:
        confirm(f"{'; '.join(occupied)}. Close it for everybody?", yes=yes)
    ask_server(url, close)
    if json:
        print_json({"schema": "meetctl.rooms.close/1", "closed": list(people)})
    else:
        note(f"closed: {', '.join(people)}")


def open_sessions(directory: Path | None) -> SessionStates:
    """Return what sessions on this machine have come to."""
    return local_sessions((directory or sessions_directory()).absolute())
