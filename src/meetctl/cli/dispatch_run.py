"""What `meetctl dispatch` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.confirmation import confirm
from meetctl.cli.diagnostics import note
from meetctl.cli.output import print_json, print_table
from meetctl.cli.room_server import ask_server, count_people
from meetctl.errors import NotFoundError
from meetctl.reports.rooms import make_dispatches_table
from meetctl.reports.rooms_document import document_dispatch
from meetctl.services.rooms import find_room

if TYPE_CHECKING:
    from meetctl.domain.rooms import Dispatch, Participant
    from meetctl.ports import RoomAdmin


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """Who was sent where, and who is there."""

    dispatches: tuple[Dispatch, ...]
    participants: tuple[Participant, ...]


def run_list(room: str | None, *, everything: bool, url: str | None, json: bool) -> None:
    """Print the dispatches of one room, or of all.

    Raises:
        NotFoundError: There is no such room.
        ServiceError: The server cannot be reached, or refuses.
    """
    sent = ask_server(url, lambda rooms: _look(rooms, room))
    shown = [one for one in sent.dispatches if everything or one.agent_name]
    now = bootstrap.system_clock().now()
    if json:
        print_json(
            {
                "schema": "meetctl.dispatches/1",
                "at": now.isoformat(),
                "dispatches": [document_dispatch(one) for one in shown],
            }
        )
    elif shown:
        present = frozenset(one.identity for one in sent.participants)
        print_table(make_dispatches_table(shown, now, present=present))
    else:
        note(f"no agent was sent into {room}" if room else "no agent was sent into any room")


def run_delete(room: str, ids: Sequence[str], *, yes: bool, url: str | None, json: bool) -> None:
    """Take dispatches back, after asking where an agent leaves people because of it.

    Raises:
        NotFoundError: There is no such room or dispatch; then none is taken back.
        UsageError: Nobody can be asked.
        MeetctlError: The answer was no.
        ServiceError: The server cannot be reached, or refuses.
    """

    async def delete(rooms: RoomAdmin) -> None:
        for id_ in wanted:
            await rooms.delete_dispatch(room, id_)

    wanted = list(dict.fromkeys(ids))
    sent = ask_server(url, lambda rooms: _look(rooms, room))
    known = {one.id: one for one in sent.dispatches}
    for id_ in wanted:
        if id_ not in known:
            named = ", ".join(one.id for one in sent.dispatches if one.agent_name)
            raise NotFoundError(
                f"there is no dispatch {id_!r} in room {room!r}",
                hint=f"there is {named}" if named else "no agent was sent there",
            )
    leaving = _find_agents(sent, [known[id_] for id_ in wanted])
    people = sum(one.is_person for one in sent.participants)
    if leaving and people:
        confirm(f"{count_people(people)} in {room} with {', '.join(leaving)}. Take it out?", yes=yes)
    ask_server(url, delete)
    if json:
        print_json(
            {
                "schema": "meetctl.dispatch.delete/1",
                "room": room,
                "deleted": wanted,
                "agents_taken_out": leaving,
            }
        )
    else:
        out = f"; taken out: {', '.join(leaving)}" if leaving else ""
        note(f"taken back in {room}: {', '.join(wanted)}{out}")


async def _look(rooms: RoomAdmin, room: str | None) -> _Sent:
    names = [one.name for one in await rooms.list_rooms()] if room is None else [room]
    if room is not None:
        await find_room(rooms, room)
    dispatches: list[Dispatch] = []
    participants: list[Participant] = []
    for name in names:
        try:
            dispatches += await rooms.list_dispatches(name)
            participants += await rooms.list_participants(name)
        except NotFoundError:
            # It was closed since it was listed; one that was named is missed.
            if room is not None:
                raise
    return _Sent(dispatches=tuple(dispatches), participants=tuple(participants))


def _find_agents(sent: _Sent, dispatches: Sequence[Dispatch]) -> list[str]:
    """Return who came because of these dispatches and is still there."""
    came = {job.participant for one in dispatches for job in one.jobs}
    return [one.identity for one in sent.participants if one.identity in came]
