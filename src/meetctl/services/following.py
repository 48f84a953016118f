"""A running session's events, read from its journal on this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from meetctl.domain.events import parse_journal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meetctl.domain.events import Event

_LOOK_EVERY_S = 0.2
_PIECE_BYTES = 65_536


class JournalBytes(Protocol):
    """A journal's file, to read while it is written."""

    async def read(self, offset: int, limit: int) -> bytes:
        """Return at most `limit` bytes from `offset` on; fewer where the file ends.

        Raises:
            MediaError: It cannot be read.
        """


class JournalFollower:
    """The EventSource port over a journal's file; a session whose process was killed is followed for ever."""

    def __init__(self, journal: JournalBytes) -> None:
        self._journal = journal

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Yield the journal's events, and what is written to it from now on."""
        offset, rest = 0, b""
        while True:
            data = await self._journal.read(offset, _PIECE_BYTES)
            offset += len(data)
            rest += data
            whole = rest[: rest.rfind(b"\n") + 1]
            rest = rest[len(whole) :]
            for event in parse_journal(whole):
                if event is not None:
                    yield event
                    if event.type == "session.ended":
                        return
            if len(data) < _PIECE_BYTES:
                await asyncio.sleep(_LOOK_EVERY_S)
