"""The live dashboard's feed: what the journals of this machine tell of the sessions that run."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.state import SessionState, reduce
from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from meetctl.domain.events import Event
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import Clock, EventSource, SessionCatalogue

VIEWS_A_SECOND = 10
_LIST_EVERY_S = 1.0
_EVENTS_KEPT = 5_000


@dataclass(slots=True, kw_only=True)
class _Followed:
    """One session that is being followed."""

    bundle: SessionBundle
    state: SessionState = field(default_factory=SessionState)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=_EVENTS_KEPT))
    problem: str | None = None

    def take(self, event: Event) -> None:
        self.state = reduce(self.state, event)
        self.events.append(event)


class LiveFeed:
    """The DashboardFeed port over the running sessions of this machine."""

    def __init__(
        self, catalogue: SessionCatalogue, open_journal: Callable[[Path], EventSource], *, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._open_journal = open_journal
        self._clock = clock
        self._followed: dict[str, _Followed] = {}
        self._changed = asyncio.Event()
        self._listed_at: datetime | None = None
        self._error: str | None = None

    async def watch(self) -> AsyncGenerator[DashboardView, None]:
        """Yield what is known, at once and then whenever it changes, at most ten times a second."""
        async with asyncio.TaskGroup() as tasks:
            gathering = tasks.create_task(self._gather(tasks), name="dashboard: sessions")
            try:
                while True:
                    yield self._view()
                    await asyncio.sleep(1 / VIEWS_A_SECOND)
                    await self._changed.wait()
                    self._changed.clear()
            finally:
                gathering.cancel()

    def recent_events(self, key: str) -> Sequence[Event]:
        """Return a meeting's last events, oldest first."""
        followed = self._followed.get(key)
        return tuple(followed.events) if followed else ()

    async def _gather(self, tasks: asyncio.TaskGroup) -> None:
        """List the sessions again and again, and follow those that have begun."""
        following: list[asyncio.Task[None]] = []
        try:
            while True:
                try:
                    bundles = await asyncio.to_thread(self._catalogue.list_sessions)
                except MeetctlError as error:
                    self._error = error.message
                else:
                    self._error, self._listed_at = None, self._clock.now()
                    for bundle in bundles:
                        if bundle.is_running and bundle.session_id not in self._followed:
                            self._followed[bundle.session_id] = followed = _Followed(bundle=bundle)
                            following.append(tasks.create_task(self._follow(followed)))
                self._changed.set()
                await asyncio.sleep(_LIST_EVERY_S)
        finally:
            for task in following:
                task.cancel()

    async def _follow(self, followed: _Followed) -> None:
        if followed.bundle.journal is None:
            return
        try:
            async for event in self._open_journal(followed.bundle.journal).follow():
                followed.take(event)
                self._changed.set()
        except MeetctlError as error:
            followed.problem = error.message
            self._changed.set()

    def _view(self) -> DashboardView:
        meetings = tuple(
            Meeting(
                key=key,
                room=one.state.about.room or one.bundle.room or "",
                channel="journal",
                state=one.state,
                session_id=key,
                bundle=one.bundle.path,
                problem=one.problem,
            )
            for key, one in self._followed.items()
        )
        health = SourceHealth(name="journals", seen_at=self._listed_at, error=self._error)
        return DashboardView(at=self._clock.now(), meetings=meetings, sources=(health,))
