"""Asking a LiveKit server about its rooms, one command at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from meetctl import bootstrap
from meetctl.cli.configuration import find_server

if TYPE_CHECKING:
    from meetctl.ports import RoomAdmin

ResultT = TypeVar("ResultT")


def ask_server(url: str | None, use: Callable[[RoomAdmin], Awaitable[ResultT]]) -> ResultT:
    """Return what `use` makes of the server's rooms.

    Raises:
        UsageError: There is no server, or its key or secret is missing.
        NotFoundError: Something that was named is not there.
        ServiceError: The server cannot be reached, or refuses.
    """

    async def run() -> ResultT:
        rooms = bootstrap.room_admin(access)
        try:
            return await use(rooms)
        finally:
            await rooms.aclose()

    access = find_server(url)
    return asyncio.run(run())


def count_people(people: int) -> str:
    """Return how many people there are, and a verb.

    >>> count_people(1), count_people(3)
    ('1 person is', '3 people are')
    """
    return "1 person is" if people == 1 else f"{people} people are"
