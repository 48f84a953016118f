"""What the dashboard is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.domain.state import SessionState
    from meetctl.domain.view.projection import HourProjection
    from meetctl.ports import Clock, DashboardFeed, FramePictures, MeetingActions


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
    no_actions: str = "the dashboard only watches"
    """Why nothing may be done, where that is so."""
    project: ProjectHour | None = None
    """None where nobody knows prices."""
