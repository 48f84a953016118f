"""What the meeting costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.domain.view.dashboard import DashboardView, Meeting


class CostPanel(Panel):
    """What the meeting costs."""

    NUMBER: ClassVar[int] = 4
    SUBJECT: ClassVar[str] = "Cost"

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(markup=False)

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:
        """Show the meeting as it is now."""
        self.query_one(Static).update(f"{meeting.state.events} events at {view.at:%H:%M:%S}")
