"""A session's events, told one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meetctl.domain.events import Event
    from meetctl.errors import MeetctlError


class FakeEventSource:
    """The EventSource port over a list that may still grow."""

    def __init__(self, *events: Event, error: MeetctlError | None = None) -> None:
        self._events = list(events)
        self._error = error
        self._news = asyncio.Event()

    def add(self, event: Event) -> None:
        """Tell one more event."""
        self._events.append(event)
        self._news.set()

    async def follow(self) -> AsyncGenerator[Event, None]:
        told = 0
        while True:
            self._news.clear()
            for event in self._events[told:]:
                told += 1
                yield event
                if event.type == "session.ended":
                    return
            if self._error is not None:
                raise self._error
            await self._news.wait()
