"""What the dashboard is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.domain.state import SessionState
    from meetctl.domain.view.projection import HourProjection
    from meetctl.ports import Clock, DashboardFeed, FramePictures, MeetingActions
    from meetctl.services.dashboard.player import Player
    from meetctl.services.dashboard.shared_prices import SharedPrices
    from meetctl.services.dashboard.what_if import WhatIf


class ProjectHour(Protocol):
    """Tells what an hour of a meeting costs by another policy."""

    def __call__(self, state: SessionState, changes: Mapping[str, Any], /) -> HourProjection | None:
        """Return an hour by the policy that holds now, with changes as `policy` messages have them.

        None where the journal does not say by which policy the agent looks.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Ports, for the dashboard and its panels."""

    feed: DashboardFeed
    clock: Clock
    pictures: FramePictures | None = None
    """None where there are no pictures to show."""
    actions: MeetingActions | None = None
    """None where nothing may be done to meetings."""
    is_read_only: bool = False
    """Whether the operator wants only to look, which the totals' line says then."""
    prices: SharedPrices | None = None
    """None where nothing is projected."""
    player: Player | None = None
    """The feed where it is a replay; None where meetings go on."""
    what_if: WhatIf | None = None
    """What other policies would have cost a replayed session; None where there is no recording."""
    no_actions: str = "the dashboard only watches"
    """Why nothing may be done, where that is so."""
    project: ProjectHour | None = None
    """None where nobody knows prices."""
