"""Typing a time to go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from meetctl.domain.view.media_time import format_time, parse_time

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class GoToScreen(ModalScreen[float | None]):
    """Asks for a time within the session; None where nobody wants to go anywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Back")]
    DEFAULT_CSS = """
    GoToScreen { align: center bottom; }
    GoToScreen > Vertical { width: 50; height: auto; border: round $accent; margin-bottom: 5; }
    """

    def __init__(self, end_s: float) -> None:
        super().__init__()
        self._end_s = end_s

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical():
            yield Label(f"Go to, such as 12:30 or 1:02:03 (end {format_time(self._end_s)})", markup=False)
            yield Input(placeholder="0:00", select_on_focus=True)
            yield Label("", id="go-to-problem", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there, or say why that is no time."""
        try:
            self.dismiss(parse_time(event.value))
        except ValueError as error:
            self.query_one("#go-to-problem", Label).update(str(error))
