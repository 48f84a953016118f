"""A recorded session: the meeting's panels as they were at the cursor, and a bar to move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.transport import TransportScreen
from meetctl.tui.widgets.scrub_bar import ScrubBar

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.services.dashboard.player import Player
    from meetctl.tui.dependencies import Dependencies


class ReplayScreen(MeetingScreen, TransportScreen):
    """One recorded session's panels, and the bar below them."""

    def __init__(self, player: Player, dependencies: Dependencies) -> None:
        MeetingScreen.__init__(self, player.keys[0], dependencies)
        self.player = player

    def compose(self) -> ComposeResult:
        """Put the bar below the panels."""
        yield from super().compose()
        yield ScrubBar()

    def show_view(self, view: DashboardView) -> None:
        """Show the meeting and the bar at the cursor."""
        super().show_view(view)
        self.show_cursor()

    def action_back(self) -> None:
        """Give the other panels their places again, or go back to the bar; there is nothing behind it."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.action_focus_bar()
