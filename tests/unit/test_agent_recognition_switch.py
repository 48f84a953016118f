"""Recognition that is closed and opened again: one connection at a time, and none while it is closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import run_virtually

from meetctl.agent.recognition_switch import RecognitionSwitch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator


class Recognition:
    """A provider that repeats what it hears, and the session that reads it."""

    def __init__(self) -> None:
        self.switch = RecognitionSwitch()
        self.sound: asyncio.Queue[str | None] = asyncio.Queue()
        self.heard: list[str] = []
        self.connections: list[str] = []
        self.error: Exception | None = None
        self.reading = asyncio.create_task(self._read())

    async def give(self, *pieces: str | None) -> None:
        for piece in pieces:
            self.sound.put_nowait(piece)
        await asyncio.sleep(1)

    async def end(self) -> None:
        self.reading.cancel()
        await asyncio.wait([self.reading])

    async def _pieces(self) -> AsyncIterator[str]:
        while (piece := await self.sound.get()) is not None:
            yield piece

    async def _read(self) -> None:
        async for event in self.switch.run(self._pieces(), self._recognise):
            self.heard.append(event)

    async def _recognise(self, sound: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        self.connections.append("open")
        try:
            async for piece in sound:
                if self.error is not None:
                    raise self.error
                yield piece
            # A real connection stays until it is closed.
            await asyncio.Event().wait()
        finally:
            self.connections[-1] = "closed"


def test_closed_it_has_no_connection_and_what_is_said_meanwhile_is_lost() -> None:
    async def run() -> None:
        recognition = Recognition()
        await recognition.give("one")
        recognition.switch.close()
        await recognition.give("two", "three")
        assert (recognition.connections, recognition.switch.is_open) == (["closed"], False)
        recognition.switch.open()
        await recognition.give("four")
        assert recognition.connections == ["closed", "open"]
        assert recognition.heard == ["one", "four"]
        await recognition.end()
        assert recognition.connections == ["closed", "closed"]

    run_virtually(run())


def test_closed_from_the_first_it_never_connects() -> None:
    async def run() -> None:
        recognition = Recognition()
        recognition.switch.close()
        await recognition.give("one", None)
        assert recognition.connections == []
        await recognition.end()

    run_virtually(run())


def test_closing_and_opening_at_once_is_one_new_connection_at_most() -> None:
    async def run() -> None:
        recognition = Recognition()
        await recognition.give("one")
        for _ in range(3):
            recognition.switch.close()
            recognition.switch.open()
        await recognition.give("two")
        assert recognition.heard == ["one", "two"]
        assert recognition.connections.count("open") == 1
        await recognition.end()

    run_virtually(run())


def test_what_recognition_fails_with_is_the_sessions_to_judge() -> None:
    async def run() -> None:
        recognition = Recognition()
        recognition.error = ConnectionError("lost")
        await recognition.give("one")
        with pytest.raises(ConnectionError, match="lost"):
            await recognition.reading
        assert recognition.connections == ["closed"]
        assert [task for task in asyncio.all_tasks() if task.get_name() == "recognition-sound"] == []

    run_virtually(run())


def test_recognition_that_ends_by_itself_is_not_begun_again() -> None:
    async def run() -> None:
        switch = RecognitionSwitch()
        connections = 0

        async def silence() -> AsyncIterator[str]:
            await asyncio.Event().wait()
            yield ""

        async def recognise(_: AsyncIterable[str]) -> AsyncGenerator[str, None]:
            nonlocal connections
            connections += 1
            yield "done"

        assert [event async for event in switch.run(silence(), recognise)] == ["done"]
        assert connections == 1
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)

    run_virtually(run())
