"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from meetctl.bootstrap import price_book, room_admin, session_catalogue, system_clock
from meetctl.bootstrap.dashboard_actions import hour_projection
from meetctl.bootstrap.rooms import local_workers, room_observer
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.ports import DashboardFeed, EventSource, MeetingActions
    from meetctl.services.dashboard.player import Player
    from meetctl.services.dashboard.sources import RoomSources
    from meetctl.services.dashboard.what_if import WhatIf


def live_feed(
    sessions: Path, access: LiveKitAccess | None = None, *, rooms: Collection[str] = ()
) -> DashboardFeed:
    """Return the meetings that go on: on this machine, and on a LiveKit server; of all rooms, or of these."""
    from meetctl.adapters.running_sessions import DirectoryRuns
    from meetctl.adapters.session_catalogue import is_written
    from meetctl.services.dashboard.feed import LiveFeed
    from meetctl.services.dashboard.sources import FeedSources

    sources = FeedSources(
        sessions=DirectoryRuns(sessions, session_catalogue(sessions).look_up, is_written),
        open_journal=_open_journal,
        workers=local_workers(),
        livekit=_room_sources(access) if access is not None else None,
    )
    return LiveFeed(sources, clock=system_clock(), rooms=rooms)


def run_dashboard(
    feed: DashboardFeed,
    *,
    theme: str | None = None,
    is_read_only: bool = False,
    actions: MeetingActions | None = None,
    no_actions: str = "",
    player: Player | None = None,
    what_if: WhatIf | None = None,
) -> int:
    """Show the dashboard until it is left, and return the command's exit code.

    `no_actions` says why there are none, where that is so.

    Raises:
        UsageError: There is no terminal to show it on, or no such theme.
        MeetctlError: The feed failed.
    """
    from meetctl.adapters.media_av.frame_pictures import RecordedPictures
    from meetctl.services.dashboard.shared_prices import SharedPrices
    from meetctl.tui.dependencies import Dependencies
    from meetctl.tui.run import run_app
    from meetctl.tui.themes import check_theme

    check_theme(theme)
    _check_terminal()
    # Where nobody takes what libraries log, Python writes their warnings into the middle of the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    dependencies = Dependencies(
        feed=feed,
        clock=system_clock(),
        pictures=RecordedPictures(),
        prices=SharedPrices(lambda: price_book(())),
        is_read_only=is_read_only,
        actions=actions,
        no_actions=no_actions,
        project=hour_projection(),
        player=player,
        what_if=what_if,
    )
    return run_app(dependencies, theme=theme)


def read_view(feed: DashboardFeed) -> DashboardView:
    """Return what the dashboard would show once every source has answered, or after some seconds.

    Raises:
        MeetctlError: The feed failed.
    """
    import asyncio

    from meetctl.services.dashboard.first_view import read_first_view

    return asyncio.run(read_first_view(feed))


def serve_dashboard(
    command: str, *, host: str, port: int, password: str | None, ready: Callable[[str], None]
) -> None:
    """Serve a command that shows a dashboard to browsers, until Ctrl-C.

    Raises:
        ServiceError: The address cannot be had.
    """
    from meetctl.adapters.dashboard_server import DashboardServer

    DashboardServer(command, host=host, port=port, password=password, ready=ready).run()


def _check_terminal() -> None:
    """Make sure that there is a terminal, or a browser that stands in for one.

    Textual reads keys from stdin and draws on stderr.
    """
    if "TEXTUAL_DRIVER" in os.environ:
        return
    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    for name, stream in streams.items():
        if stream is None or not stream.isatty():
            raise UsageError(
                f"the dashboard needs a terminal, and {name} is none",
                hint="`meetctl tui --json` prints what it would show",
            )


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
