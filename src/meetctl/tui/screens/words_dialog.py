"""Dialogs of what somebody types for the agent; it is kept nowhere but in the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input, Static

from meetctl.domain.control import LONGEST_TEXT, check_arguments
from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.tui.action_runner import ActionOrder, ActionRunner


class WordsDialog(ActionDialog):
    """Takes what the agent is to say, or is asked."""

    CONFIRM: ClassVar[str] = "Send"

    def __init__(
        self, runner: ActionRunner, title: str, op: str, question: str, order_of: Callable[[str], ActionOrder]
    ) -> None:
        super().__init__(runner, title)
        self._op = op
        self._question = question
        self._order_of = order_of

    def compose_question(self) -> ComposeResult:
        """Ask for the words."""
        yield Static(self._question, id="question", markup=False)
        yield Input(id="words", classes="field", max_length=LONGEST_TEXT, compact=True)

    def make_order(self) -> ActionOrder:
        """Return the action, with the words as they stand in the field."""
        args = check_arguments(self._op, {"text": self.query_one(Input).value})
        return self._order_of(args["text"])
