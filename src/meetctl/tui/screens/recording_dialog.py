"""The dialog that starts a recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input, Static

from meetctl.domain.control import check_arguments
from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.tui.action_runner import ActionOrder, ActionRunner

USUAL_MODE = "full"


class RecordingDialog(ActionDialog):
    """Takes what is to be recorded."""

    CONFIRM: ClassVar[str] = "Record"

    def __init__(
        self, runner: ActionRunner, title: str, question: str, order_of: Callable[[str], ActionOrder]
    ) -> None:
        super().__init__(runner, title)
        self._question = question
        self._order_of = order_of

    def compose_question(self) -> ComposeResult:
        """Ask for the mode."""
        yield Static(self._question, id="question", markup=False)
        yield Input(USUAL_MODE, id="mode", classes="field", compact=True)

    def make_order(self) -> ActionOrder:
        """Return the recording in the mode that was typed."""
        return self._order_of(
            check_arguments("record", {"mode": self.query_one(Input).value.strip()})["mode"]
        )
