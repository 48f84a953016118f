"""One meeting: numbered panels, each of which can fill the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Grid
from textual.screen import Screen
from textual.widgets import Footer, Static

from meetctl.tui.messages import ViewWanted
from meetctl.tui.screens.frame import FrameScreen
from meetctl.tui.widgets.conversation import ConversationPanel
from meetctl.tui.widgets.cost import CostPanel
from meetctl.tui.widgets.latency import LatencyPanel
from meetctl.tui.widgets.logs import LogsPanel
from meetctl.tui.widgets.meeting_header import MeetingHeaderLine
from meetctl.tui.widgets.panel import Panel
from meetctl.tui.widgets.participants import ParticipantsPanel
from meetctl.tui.widgets.totals_strip import TotalsStrip
from meetctl.tui.widgets.vision import FrameOpened, VisionPanel

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
    """One meeting's panels; a number goes to one, `m` lets it fill the screen and shrinks it again.

    On a small terminal there is one panel at a time, and a line that names them all.
    """

    ALLOW_IN_MAXIMIZED_VIEW = "Footer, TotalsStrip, #meeting-header"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  Textual declares it as it is
        (0, "-narrow"),
        (110, "-medium"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (36, "-tall")]  # noqa: RUF012  as above
    BINDING_GROUP_TITLE = "Meeting"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "Back"),
        ("m", "toggle_maximized", "Maximise"),
        *(
            Binding(
                str(panel.NUMBER),
                f"focus_panel({panel.NUMBER})",
                "Panel" if panel is PANELS[0] else panel.SUBJECT,
                key_display=f"1-{len(PANELS)}" if panel is PANELS[0] else None,
                show=panel is PANELS[0],
                tooltip=panel.SUBJECT,
            )
            for panel in PANELS
        ),
    ]

    def __init__(self, key: str, dependencies: Dependencies) -> None:
        super().__init__()
        self.key = key
        self.dependencies = dependencies

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TotalsStrip(is_read_only=self.dependencies.is_read_only)
        yield MeetingHeaderLine()
        yield Static(id="tabs", markup=False)
        with Grid(id="panels"):
            for panel in PANELS:
                yield panel(self.dependencies)
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the first panel."""
        self.action_focus_panel(PANELS[0].NUMBER)

    def on_screen_resume(self) -> None:
        """Show what is known at once, not only when it next changes."""
        self.post_message(ViewWanted())

    def on_descendant_focus(self) -> None:
        """Name the panel in focus, and show it where there is room for one only."""
        panel = self._panel_in_focus()
        if panel is not None:
            self._choose(panel)

    def on_frame_opened(self, message: FrameOpened) -> None:
        """Show one frame as large as the terminal is."""
        screen = FrameScreen(self.dependencies, message.meeting, message.vision, message.place)
        self.app.push_screen(screen, self.query_one(VisionPanel).choose)

    def show_view(self, view: DashboardView) -> None:
        """Show the meeting as it is now; one that has gone is left as it last was."""
        meeting = view.find(self.key)
        header = self.query_one(MeetingHeaderLine)
        if meeting is None:
            header.show_gone()
            return
        header.show_meeting(meeting, view)
        for panel in self.query(Panel):
            panel.show_meeting(meeting, view)

    def action_focus_panel(self, number: int) -> None:
        """Go to a panel; where one fills the screen, the other one does then."""
        panel = next(panel for panel in self.query(Panel) if number == panel.NUMBER)
        was_maximized = self.maximized is not None
        if was_maximized:
            self.minimize()
        self._choose(panel)
        panel.take_focus()
        if was_maximized:
            self.maximize(panel, container=False)

    def action_toggle_maximized(self) -> None:
        """Let the panel in focus fill the screen, or give the others their places again."""
        panel = self._panel_in_focus()
        if self.maximized is not None:
            self.minimize()
        elif panel is not None:
            self.maximize(panel, container=False)

    def action_back(self) -> None:
        """Give the other panels their places again, or go back to all meetings."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.app.pop_screen()

    def _panel_in_focus(self) -> Panel | None:
        focused = self.focused
        if focused is None:
            return None
        return next((node for node in focused.ancestors_with_self if isinstance(node, Panel)), None)

    def _choose(self, chosen: Panel) -> None:
        tabs = Text(no_wrap=True)
        for panel in self.query(Panel):
            panel.set_class(panel is chosen, "-chosen")
            name = f"{panel.NUMBER} {panel.SUBJECT}"
            tabs.append(f"[{name}]" if panel is chosen else f" {name} ", "bold" if panel is chosen else "dim")
        self.query_one("#tabs", Static).update(tabs)
