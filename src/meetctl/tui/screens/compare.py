"""Two sessions side by side, or two policies of one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Static

from meetctl.domain.view.comparison import compare_policies, compare_sessions
from meetctl.domain.view.what_if import count_until
from meetctl.reports.plain_text import show_plain
from meetctl.tui.messages import ViewWanted
from meetctl.tui.screens.transport import TransportScreen
from meetctl.tui.widgets.comparison_table import ComparisonTable
from meetctl.tui.widgets.conversation import ConversationPanel
from meetctl.tui.widgets.latency import LatencyPanel
from meetctl.tui.widgets.panel import Panel
from meetctl.tui.widgets.scrub_bar import ScrubBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.services.dashboard.player import Player
    from meetctl.services.dashboard.what_if import WhatIf
    from meetctl.tui.dependencies import Dependencies


class SessionsScreen(TransportScreen):
    """Two sessions at one time, or at one turn: their figures, and what was said in each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "change_alignment", "By time/turn"),
        Binding("escape", "focus_bar", "Bar", show=False),
    ]
    DEFAULT_CSS = """
    SessionsScreen #figures { height: auto; max-height: 14; border: round $primary; }
    SessionsScreen #figures:focus { border: round $accent; }
    SessionsScreen #sides { height: 1fr; }
    SessionsScreen .side { width: 1fr; }
    """

    def __init__(self, player: Player, dependencies: Dependencies) -> None:
        super().__init__()
        self.player = player
        self.dependencies = dependencies

    def compose(self) -> ComposeResult:
        """Lay the figures out above both conversations."""
        with VerticalScroll(id="figures"):
            yield ComparisonTable()
        with Horizontal(id="sides"):
            for number in (1, 2):
                with Vertical(classes="side", id=f"side-{number}"):
                    yield ConversationPanel(self.dependencies)
                    yield LatencyPanel(self.dependencies)
        yield ScrubBar()
        yield Footer()

    def on_screen_resume(self) -> None:
        """Show what is known at once."""
        self.post_message(ViewWanted())

    def show_view(self, view: DashboardView) -> None:
        """Show both sessions at the cursor."""
        meetings = [found for key in self.player.keys if (found := view.find(key)) is not None]
        if len(meetings) > 1:
            first, second = meetings
            rows = compare_sessions(first.state, second.state)
            self.query_one(ComparisonTable).show_rows(first.key, second.key, rows)
            for number, meeting in enumerate(meetings, 1):
                for panel in self.query(f"#side-{number} > .panel").results(Panel):
                    panel.show_meeting(meeting, view)
        self.show_cursor()

    def show_cursor(self) -> None:
        """Show the bar, and how the sessions are aligned."""
        super().show_cursor()
        alignment = self.player.head.alignment
        title = "at the same turn" if alignment == "turn" else "at the same time"
        self.query_one("#figures").border_title = f"Two sessions {title}"

    def action_change_alignment(self) -> None:
        """Show the second session at the same turn instead of at the same time, or the other way round."""
        self.player.align("time" if self.player.head.alignment == "turn" else "turn")
        self.show_cursor()


class TwoPoliciesScreen(TransportScreen):
    """Two policies of one session: what each has kept, cost and missed at the cursor, and as a whole."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "app.pop_screen", "Back")]
    DEFAULT_CSS = """
    TwoPoliciesScreen #policies { height: 1fr; layout: grid; grid-size: 2; grid-rows: 1fr; }
    TwoPoliciesScreen.-narrow-policies #policies { grid-size: 1; }
    TwoPoliciesScreen VerticalScroll { border: round $primary; }
    TwoPoliciesScreen VerticalScroll:focus { border: round $accent; }
    """

    def __init__(self, player: Player, what_if: WhatIf, names: tuple[str, str]) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow-policies"), (130, "-wide-policies")]
        self.player = player
        self._what_if = what_if
        self._names = names

    def compose(self) -> ComposeResult:
        """Lay both tables out."""
        with Vertical(id="policies"):
            for place, title in (("now", "At the cursor"), ("whole", "The whole recording")):
                with VerticalScroll(id=f"policies-{place}") as scroll:
                    scroll.border_title = title
                    yield ComparisonTable()
        yield Static(id="policies-problem", markup=False)
        yield ScrubBar()
        yield Footer()

    def on_screen_resume(self) -> None:
        """Show what is known at once."""
        self.post_message(ViewWanted())

    def show_view(self, view: DashboardView) -> None:
        """Show both policies at the cursor."""
        del view
        self.show_cursor()

    def show_cursor(self) -> None:
        """Show the bar, and what both policies come to there."""
        super().show_cursor()
        audit = self._what_if.audit
        found = [self._what_if.find(name) for name in self._names]
        if audit is None or None in found:
            return
        end_us = max(audit.recording.duration_us, round(self.player.head.end_s * 1_000_000))
        for place, t_us in (("now", round(self.player.head.t * 1_000_000)), ("whole", end_us)):
            first, second = (count_until(audit, policy, t_us) for policy in found if policy is not None)
            table = self.query_one(f"#policies-{place} ComparisonTable", ComparisonTable)
            table.show_rows(first.policy.name, second.policy.name, compare_policies(first, second))
        problem = self._what_if.problem
        self.query_one("#policies-problem", Static).update(show_plain(problem) if problem else "")
