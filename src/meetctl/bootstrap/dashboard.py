"""What the dashboard is given: feeds, pictures and actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meetctl.bootstrap import price_book, room_admin, session_catalogue, system_clock, token_signer

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.state import SessionState
    from meetctl.domain.view.projection import HourProjection
    from meetctl.ports import DashboardFeed, EventSource, MeetingActions
    from meetctl.tui.dependencies import ProjectHour


def live_feed(sessions: Path) -> DashboardFeed:
    """Return the meetings that go on."""
    from meetctl.services.dashboard.feed import LiveFeed

    return LiveFeed(session_catalogue(sessions), _open_journal, clock=system_clock())


def meeting_actions(access: LiveKitAccess, agent_name: str) -> MeetingActions:
    """Return what can be done to meetings on a LiveKit server; `agent_name` is whom it sends into rooms."""
    from meetctl.bootstrap.rooms import agent_control, local_workers
    from meetctl.services.dashboard.actions import LiveKitActions

    return LiveKitActions(
        url=access.url,
        open_rooms=lambda: room_admin(access),
        control=agent_control(access),
        signer=token_signer(access),
        workers=local_workers(),
        clock=system_clock(),
        agent_name=agent_name,
    )


def hour_projection() -> ProjectHour:
    """Return what tells an hour's cost by another policy, at today's prices."""
    from meetctl.domain.control import change_policy
    from meetctl.services.dashboard.projection import current_policy, project_hour
    from meetctl.services.image_prices import DatedPrices

    prices, clock = DatedPrices(price_book(())), system_clock()

    def project(state: SessionState, changes: Mapping[str, Any]) -> HourProjection | None:
        policy = current_policy(state)
        if policy is None:
            return None
        return project_hour(state, change_policy(changes, policy), prices, clock.now().date())

    return project


def run_dashboard(feed: DashboardFeed, *, actions: MeetingActions | None = None, no_actions: str = "") -> int:
    """Show the dashboard until it is left, and return the command's exit code.

    `no_actions` says why there are none, where that is so.
    """
    from meetctl.tui.app import Dashboard
    from meetctl.tui.dependencies import Dependencies

    app = Dashboard(
        Dependencies(
            feed=feed,
            clock=system_clock(),
            actions=actions,
            no_actions=no_actions,
            project=hour_projection(),
        )
    )
    app.run()
    return app.return_code or 0


def _open_journal(journal: Path) -> EventSource:
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.services.following import JournalFollower

    return JournalFollower(JournalReader(journal))
