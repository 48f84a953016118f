"""The dialog that makes a token for a person: it is shown here once, and kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input, Label, Static

from meetctl.domain.tokens import USUAL_LIFE
from meetctl.errors import UsageError
from meetctl.tui.action_runner import ActionOrder, ActionProgress
from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.ports import MeetingActions
    from meetctl.tui.action_runner import ActionRunner


class TokenDialog(ActionDialog):
    """Takes a room and an identity, and shows the token until it is closed; `c` copies it."""

    CONFIRM: ClassVar[str] = "Make"
    BINDINGS: ClassVar[list[BindingType]] = [("c", "copy_token", "Copy")]

    def __init__(
        self, runner: ActionRunner, title: str, actions: MeetingActions, *, room: str, identity: str
    ) -> None:
        super().__init__(runner, title)
        self._actions = actions
        self._room = room
        self._identity = identity
        self._token: str | None = None

    def compose_question(self) -> ComposeResult:
        """Ask for the room and the person."""
        yield Label("Room:", markup=False)
        yield Input(self._room, id="room", classes="field", compact=True)
        yield Label("Identity of the person:", markup=False)
        yield Input(self._identity, id="identity", classes="field", compact=True)
        yield Static("", id="token", markup=False)

    def make_order(self) -> ActionOrder:
        """Return the order for what was typed."""
        room, identity = (self.query_one(f"#{name}", Input).value.strip() for name in ("room", "identity"))
        if not room or not identity:
            raise UsageError(f"the {'identity' if room else 'room'} is missing")

        async def mint() -> str:
            self._token = await self._actions.mint_token(room, identity)
            hours = USUAL_LIFE.total_seconds() / 3600
            return f"a token for {identity} in {room}, valid for {hours:g} hours; nobody can take it back"

        return ActionOrder(title=self._heading, perform=mint)

    def show_progress(self, progress: ActionProgress) -> None:
        """Show the token once it is there."""
        super().show_progress(progress)
        if self._token is not None:
            self.query_one("#token", Static).update(f"{self._token}\n\nShown this once. c copies it.")

    def action_copy_token(self) -> None:
        """Put the token into the terminal's clipboard (OSC 52)."""
        if self._token is not None:
            self.app.copy_to_clipboard(self._token)
            self.notify("the token was sent to the terminal's clipboard", markup=False)
