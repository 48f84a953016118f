"""Time that only the test moves, and an event loop that sleeps in no time."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

START = datetime(2026, 11, 16, 9, tzinfo=UTC)


class ManualClock:
    """The Clock port, standing still until it is told to go on."""

    def __init__(self, monotonic_us: int = 5_000_000) -> None:
        self.monotonic_us = monotonic_us
        self._passed_us = 0

    def now(self) -> datetime:
        return START + timedelta(microseconds=self._passed_us)

    def monotonic(self) -> float:
        return self.monotonic_us / 1_000_000

    def advance(self, us: int) -> None:
        self.monotonic_us += us
        self._passed_us += us

    def advance_to(self, monotonic_us: int) -> None:
        self.advance(monotonic_us - self.monotonic_us)


class LoopClock:
    """The Clock port over the running event loop's time."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Goes straight to the next timer when nothing else is due; not for work in other threads."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        super().__init__(_ImpatientSelector(self))

    def time(self) -> float:
        return self._now_s

    def pass_time(self, seconds: float) -> None:
        self._now_s += seconds


class _ImpatientSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._loop.pass_time(timeout)
        return ready


def run_virtually(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test whose sleeping takes no time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(coroutine)
