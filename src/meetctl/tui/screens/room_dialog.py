"""The dialog that sends an agent into a room, there already or new."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input, Label, Static

from meetctl.errors import UsageError
from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.tui.action_runner import ActionOrder, ActionRunner


class RoomDialog(ActionDialog):
    """Takes the room that the agent is sent into."""

    CONFIRM: ClassVar[str] = "Send"

    def __init__(
        self, runner: ActionRunner, title: str, room: str, order_of: Callable[[str], ActionOrder]
    ) -> None:
        super().__init__(runner, title)
        self._room = room
        self._order_of = order_of

    def compose_question(self) -> ComposeResult:
        """Ask for the room."""
        yield Static(
            "A room that is not there is made. The agent listens, answers and costs from then on.",
            id="question",
            markup=False,
        )
        yield Label("Room:", markup=False)
        yield Input(self._room, id="room", classes="field", compact=True)

    def make_order(self) -> ActionOrder:
        """Return the order for the room that was typed."""
        room = self.query_one(Input).value.strip()
        if not room:
            raise UsageError("the room's name is missing")
        return self._order_of(room)
