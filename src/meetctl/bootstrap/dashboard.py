"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.bootstrap import session_catalogue, system_clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import DashboardFeed, EventSource
    from meetctl.services.dashboard.player import Player


def live_feed(sessions: Path) -> DashboardFeed:
    """Return the meetings that go on."""
    from meetctl.services.dashboard.feed import LiveFeed

    return LiveFeed(session_catalogue(sessions), _open_journal, clock=system_clock())


def replay_player(bundles: Sequence[SessionBundle]) -> Player:
    """Return what plays recorded sessions: one, or two side by side."""
    from meetctl.services.dashboard.player import Player

    # A bundle says itself where its journal is, so any catalogue reads it.
    catalogue = session_catalogue(bundles[0].path.parent)
    return Player(bundles, catalogue.read_events, clock=system_clock())


def run_replay_dashboard(player: Player) -> int:
    """Show recorded sessions until the dashboard is left, and return the command's exit code."""
    return _run(feed=player, player=player)


def run_dashboard(feed: DashboardFeed) -> int:
    """Show the dashboard until it is left, and return the command's exit code."""
    return _run(feed=feed)


def _run(*, feed: DashboardFeed, player: Player | None = None) -> int:
    from meetctl.tui.app import Dashboard
    from meetctl.tui.dependencies import Dependencies

    app = Dashboard(Dependencies(feed=feed, clock=system_clock(), player=player))
    app.run()
    return app.return_code or 0


def _open_journal(journal: Path) -> EventSource:
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.services.following import JournalFollower

    return JournalFollower(JournalReader(journal))
