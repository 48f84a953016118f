"""The tasks of one feed: all of them end with it, and none ends unnoticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_FAREWELL_S = 2.0
"""How long tasks may take to say goodbye, such as to a server that does not answer."""


class Tasks:
    """Tasks that are ended together."""

    def __init__(self, on_failure: Callable[[], None]) -> None:
        """Begin without any; `on_failure` is told when one has failed."""
        self.failure: BaseException | None = None
        """What the first one that failed has raised."""
        self._on_failure = on_failure
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task until it ends, is cancelled, or all are closed."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._note_end)
        return task

    async def aclose(self) -> None:
        """End all that still run; who takes long over it is cut short."""
        for limit_s in (_FAREWELL_S, None):
            waiting = set(self._running)
            if not waiting:
                return
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=limit_s)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failure = self.failure or failure
            self._on_failure()
