"""Waiting until there is something to record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.domain.rooms import find_close_names
from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.ports import RoomAdmin

LOOK_EVERY_S = 1.0


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but no longer than so many seconds; tell whether it has come."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def require_room(admin: RoomAdmin, name: str) -> None:
    """Check that a room is there: who joins one that is not there makes it.

    Raises:
        NotFoundError: It is not there; the hint names close matches.
        ServiceError: The LiveKit server cannot be reached, or refuses.
    """
    if await admin.find_room(name) is not None:
        return
    close = find_close_names(name, [room.name for room in await admin.list_rooms()])
    meant = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    raise NotFoundError(f"there is no room {name!r}", hint=f"{meant}--wait waits for it")


async def wait_for_person(
    admin: RoomAdmin, name: str, stop: asyncio.Event, *, tell: Callable[[ServiceError], None]
) -> bool:
    """Wait until a person is in the room, whether it is there yet or not; False when stopped before.

    A server that goes away meanwhile is waited for too, and `tell` is told of it each time.

    Raises:
        ServiceError: The LiveKit server cannot be reached at first, or refuses.
    """
    was_reached = is_away = False
    while not stop.is_set():
        try:
            if await _has_person(admin, name):
                return True
            was_reached, is_away = True, False
        except ServiceError as error:
            if not was_reached:
                raise
            if not is_away:
                tell(error)
            is_away = True
        await wait_for(stop, LOOK_EVERY_S)
    return False


async def _has_person(admin: RoomAdmin, name: str) -> bool:
    try:
        return any(one.is_person for one in await admin.list_participants(name))
    except NotFoundError:
        return False
