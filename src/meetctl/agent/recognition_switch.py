"""The connection to speech recognition, which is billed as long as it is open: closed, and opened again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

Recognise: TypeAlias = Callable[[AsyncIterable[Any]], AsyncGenerator[Any, None]]
"""Opens a connection and yields what is recognised of the sound; closing it lets the connection go."""

_CLOSED = object()


class _Ways:
    """Where sound goes: to the connection that was opened last."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[Any] = asyncio.Queue()
        self._has_ended = False

    def put(self, piece: Any) -> None:
        """Pass on a piece; None after the last one."""
        self._has_ended = self._has_ended or piece is None
        self._pieces.put_nowait(piece)

    def begin(self) -> AsyncIterator[Any]:
        """Return what is put in from now on; what nobody has taken is lost."""
        self._pieces = asyncio.Queue()
        if self._has_ended:
            self._pieces.put_nowait(None)
        return self._take(self._pieces)

    async def _take(self, pieces: asyncio.Queue[Any]) -> AsyncIterator[Any]:
        while (piece := await pieces.get()) is not None:
            yield piece


class RecognitionSwitch:
    """Passes sound on to recognition while it is open; while it is closed sound goes nowhere."""

    def __init__(self) -> None:
        """Begin open."""
        self._opened = asyncio.Event()
        self._closed = asyncio.Event()
        self._opened.set()

    @property
    def is_open(self) -> bool:
        """Whether sound is recognised."""
        return self._opened.is_set()

    def open(self) -> None:
        """Connect again."""
        self._closed.clear()
        self._opened.set()

    def close(self) -> None:
        """Let the connection go; words under way are lost."""
        self._opened.clear()
        self._closed.set()

    async def run(self, sound: AsyncIterable[Any], recognise: Recognise) -> AsyncGenerator[Any, None]:
        """Yield what is recognised, until recognition ends by itself."""
        ways = _Ways()
        # One reader throughout: whoever cancels the reading of a generator has ended it for good.
        reading = asyncio.create_task(self._read(sound, ways), name="recognition-sound")
        try:
            while True:
                await self._opened.wait()
                async with aclosing(recognise(ways.begin())) as events:
                    while (event := await self._next(events)) is not _CLOSED:
                        if event is None:
                            return
                        yield event
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(self, sound: AsyncIterable[Any], ways: _Ways) -> None:
        async for piece in sound:
            if self.is_open:
                ways.put(piece)
        ways.put(None)

    async def _next(self, events: AsyncGenerator[Any, None]) -> Any:
        """Return the next event, None where there is none any more, or that the switch was closed."""
        waiting = (asyncio.ensure_future(anext(events, None)), asyncio.create_task(self._closed.wait()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return waiting[0].result() if waiting[0].done() else _CLOSED
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
