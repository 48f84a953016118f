"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from meetctl.bootstrap import session_catalogue, system_clock
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.ports import DashboardFeed, EventSource


def live_feed(sessions: Path) -> DashboardFeed:
    """Return the meetings that go on."""
    from meetctl.services.dashboard.feed import LiveFeed

    return LiveFeed(session_catalogue(sessions), _open_journal, clock=system_clock())


def run_dashboard(feed: DashboardFeed, *, theme: str | None = None, is_read_only: bool = False) -> int:
    """Show the dashboard until it is left, and return the command's exit code.

    Raises:
        UsageError: There is no terminal to show it on, or no such theme.
        MeetctlError: The feed failed.
    """
    from meetctl.tui.dependencies import Dependencies
    from meetctl.tui.run import run_app
    from meetctl.tui.themes import check_theme

    check_theme(theme)
    _check_terminal()
    return run_app(Dependencies(feed=feed, clock=system_clock(), is_read_only=is_read_only), theme=theme)


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


def _open_journal(journal: Path) -> EventSource:
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.services.following import JournalFollower

    return JournalFollower(JournalReader(journal))
