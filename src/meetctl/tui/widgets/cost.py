"""What the meeting costs, where that goes, and what it would cost by another policy."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.widgets import Static

from meetctl.domain.view.costs import Costs, projected_policies, view_costs
from meetctl.errors import MeetctlError
from meetctl.reports.panel_cost import tell_costs
from meetctl.reports.plain_text import show_plain
from meetctl.services.dashboard.projection import current_policy, project_hour
from meetctl.tui.widgets.cost_drawing import draw_costs
from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.worker import Worker

    from meetctl.domain.state import SessionState
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.domain.view.projection import HourProjection
    from meetctl.services.image_prices import DatedPrices

_SHOWN_EVERY_S = 5
"""Rates change with time alone, and need not be drawn again with each event."""

_LOADING = "loading prices …"
_NO_PRICES = "no prices to project with"
_NO_POLICY = "the policy of this agent is not known"


class CostPanel(Panel):
    """What the meeting costs: sums, the rate, the budget, by model, over time, and projected."""

    NUMBER: ClassVar[int] = 4
    SUBJECT: ClassVar[str] = "Cost"

    _costs: Costs | None = None
    _state: SessionState | None = None
    """What is shown; newer ones that look alike are not."""
    _hours: tuple[HourProjection, ...] = ()
    _note: str = _LOADING
    _projecting: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(markup=False)

    def on_resize(self) -> None:
        """Draw everything in the size that there is now."""
        self._draw()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:
        """Show the meeting as it is now."""
        if self._state is not None and _is_alike(self._state, meeting.state):
            return
        self._state = meeting.state
        self._costs = view_costs(meeting.state)
        self._draw()
        if self._projecting is None or self._projecting.is_finished:
            self._projecting = self._project(view.at.date())

    def plain_text(self) -> str:
        """Return everything for copying."""
        return "" if self._costs is None else tell_costs(self._costs, self._hours)

    @work(group="prices")
    async def _project(self, day: date) -> None:
        """Work out what other policies would cost, beside everything else; prices may still be loading."""
        prices, state = self.dependencies.prices, None
        if prices is None:
            self._note = _NO_PRICES
            self._draw()
            return
        try:
            loaded = await prices.get()
        except MeetctlError as error:
            self._note = show_plain(error.message)
            self._draw()
            return
        while self._state is not None and state is not self._state:
            state = self._state
            self._hours = await asyncio.to_thread(_project_all, state, loaded, day)
            self._note = "" if self._hours else _NO_POLICY
            self._draw()

    def _draw(self) -> None:
        size = self.scrollable_content_region.size
        if self._costs is not None and size.width and size.height:
            drawn = draw_costs(self._costs, self._hours, self._note, width=size.width, height=size.height)
            self.query_one(Static).update(drawn)


def _project_all(state: SessionState, prices: DatedPrices, day: date) -> tuple[HourProjection, ...]:
    policy = current_policy(state)
    if policy is None:
        return ()
    return tuple(project_hour(state, one, prices, day) for one in projected_policies(policy))


def _is_alike(old: SessionState, new: SessionState) -> bool:
    """Tell whether nothing has changed that is shown."""
    return (
        old.usage is new.usage
        and old.looking is new.looking
        and old.steering.budget_steps is new.steering.budget_steps
        and int(old.t) // _SHOWN_EVERY_S == int(new.t) // _SHOWN_EVERY_S
    )
