"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.bootstrap import price_book, session_catalogue, system_clock

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.ports import DashboardFeed, EventSource


def live_feed(sessions: Path) -> DashboardFeed:
    """Return the meetings that go on."""
    from meetctl.services.dashboard.feed import LiveFeed

    return LiveFeed(session_catalogue(sessions), _open_journal, clock=system_clock())


def run_dashboard(feed: DashboardFeed) -> int:
    """Show the dashboard until it is left, and return the command's exit code."""
    from meetctl.adapters.media_av.frame_pictures import RecordedPictures
    from meetctl.services.dashboard.shared_prices import SharedPrices
    from meetctl.tui.app import Dashboard
    from meetctl.tui.dependencies import Dependencies

    app = Dashboard(
        Dependencies(
            feed=feed,
            clock=system_clock(),
            pictures=RecordedPictures(),
            prices=SharedPrices(lambda: price_book(())),
        )
    )
    app.run()
    return app.return_code or 0


def _open_journal(journal: Path) -> EventSource:
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.services.following import JournalFollower

    return JournalFollower(JournalReader(journal))
