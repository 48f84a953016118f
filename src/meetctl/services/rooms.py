"""Looking at rooms, and finding what is named in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.domain.room_view import AgentView, RoomView
from meetctl.domain.rooms import find_close_names
from meetctl.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from meetctl.domain.rooms import Participant, Room, Track, TrackSource
    from meetctl.ports import RoomAdmin, SessionStates

_AT_ONCE = 8
"""How many rooms are asked about at a time."""


async def find_room(rooms: RoomAdmin, name: str) -> Room:
    """Return a room.

    Raises:
        NotFoundError: It is not there; the hint names close ones.
        ServiceError: The server cannot be reached, or refuses.
    """
    room = await rooms.find_room(name)
    if room is not None:
        return room
    known = [one.name for one in await rooms.list_rooms()]
    raise NotFoundError(f"there is no room {name!r}", hint=_hint(name, known, "room"))


def find_participant(participants: Iterable[Participant], room: str, identity: str) -> Participant:
    """Return one of a room's participants.

    Raises:
        NotFoundError: They are not there; the hint names close ones.
    """
    present = {one.identity: one for one in participants}
    if identity not in present:
        raise NotFoundError(
            f"there is no participant {identity!r} in room {room!r}",
            hint=_hint(identity, present, "participant"),
        )
    return present[identity]


async def view_rooms(
    rooms: RoomAdmin, sessions: SessionStates, *, names: Collection[str] = ()
) -> tuple[RoomView, ...]:
    """Return all rooms, or those of these names that are there, each with everybody in it.

    Raises:
        ServiceError: The server cannot be reached, or refuses.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def view(room: Room) -> RoomView | None:
        async with turns:
            try:
                return await view_room(rooms, sessions, room)
            except NotFoundError:
                # It was closed since it was listed.
                return None

    wanted = [room for room in await rooms.list_rooms() if not names or room.name in names]
    views = await asyncio.gather(*map(view, wanted))
    return tuple(one for one in views if one is not None)


async def view_room(rooms: RoomAdmin, sessions: SessionStates, room: Room) -> RoomView:
    """Return a room with everybody in it.

    Raises:
        NotFoundError: It is not there any more.
        ServiceError: The server cannot be reached, or refuses.
    """
    participants = await rooms.list_participants(room.name)
    agents = [
        AgentView(participant=one, state=await sessions.read(one.session_id) if one.session_id else None)
        for one in participants
        if one.kind == "agent"
    ]
    return RoomView(room=room, participants=participants, agents=tuple(agents))


def choose_tracks(
    participant: Participant, *, track: str | None, sources: Collection[TrackSource]
) -> tuple[Track, ...]:
    """Return which of a participant's tracks are meant: one by its id, or all of some sources.

    Raises:
        NotFoundError: There is none; the hint says what they publish.
    """
    chosen = tuple(one for one in participant.tracks if one.sid == track or one.source in sources)
    if chosen:
        return chosen
    wanted = repr(track) if track is not None else " or ".join(source.replace("_", " ") for source in sources)
    published = ", ".join(f"{one.source.replace('_', ' ')} ({one.sid})" for one in participant.tracks)
    raise NotFoundError(
        f"{participant.identity!r} publishes no {wanted if track is None else f'track {wanted}'}",
        hint=f"published: {published}" if published else "nothing is published",
    )


def _hint(name: str, known: Collection[str], what: str) -> str:
    close = find_close_names(name, known)
    if close:
        return f"is it {' or '.join(map(repr, close))}?"
    if not known:
        return f"there are no {what}s"
    if len(known) == 1:
        return f"there is one {what}, with another name"
    return f"there are {len(known)} {what}s, and none with a name like it"
