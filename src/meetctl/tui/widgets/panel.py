"""What all numbered panels of a meeting have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

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
        self._words = ""
        self.border_title = f"{self.NUMBER} {self.SUBJECT}"

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:
        """Show the meeting as it is now; `view` is of the same moment, and says when that is."""

    def plain_text(self) -> str:
        """Return what `c` copies: the panel's texts, unless it knows better."""
        shown = (static.content for static in self.query(Static) if static.display)
        return "\n".join(
            content.plain if isinstance(content, Text | Content) else str(content) for content in shown
        )

    def name_state(self, state: str) -> None:
        """Show a few words in the frame; the same words again are not drawn again."""
        if state != self._words:
            self._words = state
            self.border_subtitle = Text(state)

    def take_focus(self) -> None:
        """Put the focus where the panel's keys work."""
        target = next((widget for widget in self.query("*") if widget.focusable), self)
        target.focus()
