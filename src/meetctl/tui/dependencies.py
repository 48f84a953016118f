"""What the dashboard is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock, DashboardFeed, FramePictures, MeetingActions
    from meetctl.services.dashboard.shared_prices import SharedPrices


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
