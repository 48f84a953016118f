"""The live dashboard's feed: meetings of this machine's journals and of a LiveKit server's rooms, as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import TYPE_CHECKING, Any

from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
from meetctl.services.dashboard.gathering import Gathering
from meetctl.services.dashboard.sources import Inquiry
from meetctl.services.dashboard.tasks import Tasks
from meetctl.services.rooms import view_rooms

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.room_view import RoomView
    from meetctl.domain.workers import LocalWorker
    from meetctl.ports import Clock, RoomAdmin
    from meetctl.services.dashboard.followed import Followed
    from meetctl.services.dashboard.sources import FeedSources

VIEWS_A_SECOND = 10
SESSIONS_EVERY_S = 1.0
ROOMS_EVERY_S = 2.0
WORKERS_EVERY_S = 2.0


class LiveFeed:
    """The DashboardFeed port over everything that goes on.

    Journals of this machine are read as they are written. What runs elsewhere is followed through its room:
    our agent sends its journal, of another LiveKit agent as much is known as it tells.
    """

    def __init__(self, sources: FeedSources, *, clock: Clock, rooms: Collection[str] = ()) -> None:
        """Gather from these sources, all rooms or those of these names."""
        self._sources = sources
        self._clock = clock
        self._rooms = frozenset(rooms)
        self._changed = asyncio.Event()
        self._followed: dict[str, Followed] = {}

    async def watch(self) -> AsyncGenerator[DashboardView, None]:
        """Yield what is known, at once and then whenever it changes, at most ten times a second.

        It may be watched once at a time; to watch again reads every source again.
        """
        tasks = Tasks(self._changed.set)
        gathering = self._gather(tasks)
        self._followed = gathering.meetings
        livekit = self._sources.livekit
        admin = livekit.open_rooms() if livekit is not None else None
        watch = _Watch(self._sources, gathering, admin, clock=self._clock, rooms=self._rooms)
        try:
            for inquiry in watch.inquiries:
                tasks.start(inquiry.run(self._changed.set), f"dashboard: {inquiry.health.name}")
            while True:
                if tasks.failure is not None:
                    raise tasks.failure
                self._changed.clear()
                yield watch.view()
                await asyncio.sleep(1 / VIEWS_A_SECOND)
                await self._changed.wait()
        finally:
            await tasks.aclose()
            if admin is not None:
                await admin.aclose()

    def recent_events(self, key: str) -> Sequence[Event]:
        """Return a meeting's last events, oldest first."""
        followed = self._followed.get(key)
        return tuple(followed.events) if followed else ()

    def _gather(self, tasks: Tasks) -> Gathering:
        def start(followed: Followed) -> None:
            followed.task = tasks.start(followed.follow(self._changed.set), f"dashboard: {followed.key}")

        def stop(followed: Followed) -> None:
            if followed.task is not None:
                followed.task.cancel()

        return Gathering(self._sources, clock=self._clock, rooms=self._rooms, start=start, stop=stop)


class _Watch:
    """What one watch has been answered so far."""

    def __init__(
        self,
        sources: FeedSources,
        gathering: Gathering,
        admin: RoomAdmin | None,
        *,
        clock: Clock,
        rooms: frozenset[str],
    ) -> None:
        self._gathering = gathering
        self._clock = clock
        self._workers: tuple[LocalWorker, ...] | None = None

        async def look_at_rooms() -> tuple[RoomView, ...]:
            assert admin is not None
            return await view_rooms(admin, gathering, names=rooms)

        self._sessions = Inquiry(
            "journals", sources.sessions.look, gathering.take_sessions, every_s=SESSIONS_EVERY_S, clock=clock
        )
        self._livekit = Inquiry(
            "livekit", look_at_rooms, gathering.take_rooms, every_s=ROOMS_EVERY_S, clock=clock
        )
        self._census = Inquiry(
            "workers", sources.workers.list_workers, self._take_workers, every_s=WORKERS_EVERY_S, clock=clock
        )
        self._has_livekit = admin is not None

    @property
    def inquiries(self) -> tuple[Inquiry[Any], ...]:
        """Those that are to run."""
        asked: tuple[Inquiry[Any], ...] = (self._sessions, self._livekit, self._census)
        return tuple(one for one in asked if one is not self._livekit or self._has_livekit)

    def view(self) -> DashboardView:
        """Return everything as it is known now."""
        livekit = (
            self._livekit.health
            if self._has_livekit
            else SourceHealth(name="livekit", seen_at=None, is_configured=False)
        )
        return DashboardView(
            at=self._clock.now(),
            meetings=tuple(self._show(one) for one in self._gathering.meetings.values()),
            workers=self._workers,
            sources=(self._sessions.health, livekit, self._census.health),
        )

    def _show(self, followed: Followed) -> Meeting:
        return followed.show(lost=None if followed.channel == "journal" else self._livekit.error)

    def _take_workers(self, workers: tuple[LocalWorker, ...]) -> None:
        self._workers = workers
