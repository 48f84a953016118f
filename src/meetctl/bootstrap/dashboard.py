"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from meetctl.bootstrap import price_book, room_admin, session_catalogue, system_clock
from meetctl.bootstrap.rooms import local_workers, room_observer

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import DashboardFeed, EventSource
    from meetctl.services.dashboard.sources import RoomSources


def live_feed(
    sessions: Path, access: LiveKitAccess | None = None, *, rooms: Collection[str] = ()
) -> DashboardFeed:
    """Return the meetings that go on: on this machine, and on a LiveKit server; of all rooms, or of these."""
    from meetctl.adapters.running_sessions import DirectoryRuns
    from meetctl.services.dashboard.feed import LiveFeed
    from meetctl.services.dashboard.sources import FeedSources

    sources = FeedSources(
        sessions=DirectoryRuns(sessions, session_catalogue(sessions).look_up),
        open_journal=_open_journal,
        workers=local_workers(),
        livekit=_room_sources(access) if access is not None else None,
    )
    return LiveFeed(sources, clock=system_clock(), rooms=rooms)


def run_dashboard(feed: DashboardFeed) -> int:
    """Show the dashboard until it is left, and return the command's exit code."""
    from meetctl.tui.app import Dashboard
    from meetctl.tui.dependencies import Dependencies

    # Where nobody takes what libraries log, Python writes their warnings into the middle of the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    app = Dashboard(Dependencies(feed=feed, clock=system_clock()))
    app.run()
    return app.return_code or 0


def agent_session(access: LiveKitAccess, room: str, agent: str, session_id: str) -> EventSource:
    """Return what a LiveKit agent that is not ours tells in its room, as events of a session."""
    from meetctl.adapters.agent_session_observer import AgentSessionObserver

    _silence_livekit()
    return AgentSessionObserver(access, room, agent, session_id, book=price_book(()), clock=system_clock())


def _room_sources(access: LiveKitAccess) -> RoomSources:
    from meetctl.services.dashboard.sources import RoomSources

    return RoomSources(
        open_rooms=lambda: room_admin(access),
        open_agent=lambda room, session_id: room_observer(access, room, session_id),
        open_session=lambda room, agent, session_id: agent_session(access, room, agent, session_id),
    )


def _silence_livekit() -> None:
    """What the WebRTC library says of its connections is for its developers; failures come as errors."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)


def _open_journal(journal: Path) -> EventSource:
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.services.following import JournalFollower

    return JournalFollower(JournalReader(journal))
