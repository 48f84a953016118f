"""What the dashboard is given to act on meetings: actions, and what they would cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from meetctl.bootstrap import price_book, room_admin, system_clock, token_signer

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.state import SessionState
    from meetctl.domain.view.projection import HourProjection
    from meetctl.ports import MeetingActions
    from meetctl.tui.dependencies import ProjectHour


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
    """Return what tells an hour's cost by another policy, at today's prices, read when first asked for."""
    from meetctl.domain.control import change_policy
    from meetctl.services.dashboard.projection import current_policy, project_hour
    from meetctl.services.image_prices import DatedPrices

    clock = system_clock()

    @cache
    def find_prices() -> DatedPrices:
        return DatedPrices(price_book(()))

    def project(state: SessionState, changes: Mapping[str, Any]) -> HourProjection | None:
        policy = current_policy(state)
        if policy is None:
            return None
        return project_hour(state, change_policy(changes, policy), find_prices(), clock.now().date())

    return project
