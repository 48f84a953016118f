"""Dialogs that ask one question: muting, recording, taking the agent out, closing the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.tui.action_runner import ActionOrder, ActionRunner


class ConfirmDialog(ActionDialog):
    """Asks whether something is to be done; Enter does it."""

    def __init__(self, runner: ActionRunner, order: ActionOrder, question: str) -> None:
        super().__init__(runner, order.title)
        self._order = order
        self._question = question

    def compose_question(self) -> ComposeResult:
        """Ask."""
        yield Static(self._question, id="question", markup=False)

    def make_order(self) -> ActionOrder:
        """Return the action that was asked about."""
        return self._order


class EndDialog(ConfirmDialog):
    """Asks whether something is to be ended for somebody; only `y` does it."""

    ENDS_SOMETHING = True
    BINDINGS: ClassVar[list[BindingType]] = [("y", "confirm", "Do it")]

    def action_confirm(self) -> None:
        """Do it."""
        self.confirm()
