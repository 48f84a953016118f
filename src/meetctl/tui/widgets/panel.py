"""What all numbered panels of a meeting have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies


class Panel(VerticalScroll):
    """One subject of a meeting, in a numbered frame; it is shown each newer view and keeps nothing else."""

    ALLOW_MAXIMIZE = True
    NUMBER: ClassVar[int]
    SUBJECT: ClassVar[str]

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(id=self.SUBJECT.lower(), classes="panel")
        self.dependencies = dependencies
        self.border_title = f"{self.NUMBER} {self.SUBJECT}"

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:
        """Show the meeting as it is now; `view` is of the same moment, and says when that is."""

    def plain_text(self) -> str:
        """Return what the panel tells, as text to copy: not as it is wrapped and cut on the screen."""
        return ""

    def take_focus(self) -> None:
        """Put the focus where the panel's keys work."""
        target = next((widget for widget in self.query("*") if widget.focusable), self)
        target.focus()
