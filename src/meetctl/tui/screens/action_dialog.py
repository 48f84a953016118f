"""The dialog of an action: what will be done, and what became of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from meetctl.errors import UsageError
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.tui.action_runner import ActionOrder, ActionProgress, ActionRunner, Phase

MARKS: dict[Phase, str] = {
    "pending": "… asked, no answer yet",
    "acknowledged": "✓ acknowledged:",
    "seen": "✓ done:",
    "unseen": "? not seen:",
    "failed": "✗ failed:",
}
"""What stands before each phase, for terminals without colours too."""


class ActionDialog(ModalScreen[None]):
    """Asks before an action, shows that it is pending, and then its effect or its error.

    Escape closes it at any time; an action that still goes on then is told of in passing when it ends.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "close", "Close")]
    CONFIRM: ClassVar[str] = "Do it"
    ENDS_SOMETHING: ClassVar[bool] = False
    """Whether it ends something for somebody, so that Enter alone, pressed too often, must not do it."""

    def __init__(self, runner: ActionRunner, title: str) -> None:
        super().__init__(classes="action")
        self._runner = runner
        self._heading = title
        self._has_started = False
        self._had_palette = True

    @abstractmethod
    def compose_question(self) -> ComposeResult:
        """Lay out what is asked."""

    @abstractmethod
    def make_order(self) -> ActionOrder:
        """Return the action that was confirmed.

        Raises:
            UsageError: What was typed does not fit.
        """

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with VerticalScroll(id="dialog", can_focus=False):
            yield Static(self._heading, id="heading", markup=False)
            yield from self.compose_question()
            yield Static("", id="progress", markup=False)
            with Horizontal(id="buttons"):
                keys = "y" if self.ENDS_SOMETHING else "Enter"
                yield Button(f"{self.CONFIRM} ({keys})", id="confirm", variant="primary", compact=True)
                yield Button("Close (Esc)", id="close", compact=True)

    def on_mount(self) -> None:
        """Keep what is typed here out of the pictures that the command palette makes."""
        self._had_palette = self.app.use_command_palette
        self.app.use_command_palette = False
        if self.ENDS_SOMETHING:
            self.query_one("#close").focus()

    def on_unmount(self) -> None:
        """Allow the palette again, and let the action end without this dialog."""
        self.app.use_command_palette = self._had_palette
        self._runner.leave_alone(self.show_progress)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field confirms."""
        event.stop()
        self.confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Confirm, or close."""
        event.stop()
        if event.button.id == "confirm":
            self.confirm()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Close the dialog."""
        self.dismiss()

    def confirm(self) -> None:
        """Begin the action; what does not fit, or that another one goes on, is said here."""
        if self._has_started:
            return
        try:
            order = self.make_order()
        except UsageError as error:
            self._say("✗", error.message, error.hint)
            return
        refusal = self._runner.start(order, self.show_progress)
        if refusal is not None:
            self._say("✗", refusal)
            return
        self._has_started = True
        for field in self.query(".field"):
            field.disabled = True
        self.query_one("#confirm").display = False
        self.query_one("#close").focus()

    def show_progress(self, progress: ActionProgress) -> None:
        """Show where the action stands."""
        self._say(MARKS[progress.phase], progress.text, progress.hint)
        self.query_one("#progress").set_class(progress.phase == "failed", "failed")

    def _say(self, mark: str, text: str, hint: str | None = None) -> None:
        line = f"{mark} {show_plain(text)}".strip()
        self.query_one("#progress", Static).update(line if hint is None else f"{line}\n  {show_plain(hint)}")
