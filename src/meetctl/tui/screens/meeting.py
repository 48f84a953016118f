"""One meeting: numbered panels, each of which can fill the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Grid
from textual.screen import Screen
from textual.widgets import Footer

from meetctl.reports.plain_text import show_plain
from meetctl.tui.messages import ViewWanted
from meetctl.tui.widgets.conversation import ConversationPanel
from meetctl.tui.widgets.cost import CostPanel
from meetctl.tui.widgets.latency import LatencyPanel
from meetctl.tui.widgets.logs import LogsPanel
from meetctl.tui.widgets.panel import Panel
from meetctl.tui.widgets.participants import ParticipantsPanel
from meetctl.tui.widgets.totals_strip import TotalsStrip
from meetctl.tui.widgets.vision import VisionPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.tui.dependencies import Dependencies

PANELS: tuple[type[Panel], ...] = (
    ConversationPanel,
    LatencyPanel,
    VisionPanel,
    CostPanel,
    LogsPanel,
    ParticipantsPanel,
)


class MeetingScreen(Screen[None]):
    """One meeting's panels; a number goes to one, `m` lets it fill the screen and shrinks it again."""

    BINDING_GROUP_TITLE = "Meeting"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "Back"),
        ("m", "toggle_maximized", "Maximise"),
        *((str(panel.NUMBER), f"focus_panel({panel.NUMBER})", panel.SUBJECT) for panel in PANELS),
    ]

    def __init__(self, key: str, dependencies: Dependencies) -> None:
        super().__init__()
        self.key = key
        self.dependencies = dependencies

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TotalsStrip(is_read_only=self.dependencies.is_read_only)
        with Grid(id="panels"):
            for panel in PANELS:
                yield panel(self.dependencies)
        yield Footer()

    def on_screen_resume(self) -> None:
        """Show what is known at once, not only when it next changes."""
        self.post_message(ViewWanted())

    def show_view(self, view: DashboardView) -> None:
        """Show the meeting as it is now; one that has gone is left as it last was."""
        meeting = view.find(self.key)
        if meeting is None:
            self.sub_title = "this meeting is not known any more"
            return
        self.sub_title = show_plain(meeting.room)
        for panel in self.query(Panel):
            panel.show_meeting(meeting, view)

    def action_focus_panel(self, number: int) -> None:
        """Go to a panel."""
        for panel in self.query(Panel):
            if number == panel.NUMBER:
                panel.focus()

    def action_toggle_maximized(self) -> None:
        """Let the panel in focus fill the screen, or give the others their places again."""
        if self.maximized is not None:
            self.minimize()
        elif isinstance(self.focused, Panel):
            self.maximize(self.focused)

    def action_back(self) -> None:
        """Give the other panels their places again, or go back to all meetings."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.app.pop_screen()
