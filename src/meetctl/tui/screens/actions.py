"""The menu of actions: each with its key, and those that cannot be done now with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from meetctl.domain.view.possible_actions import ActionName, PossibleAction

_LOOK_EVERY_S = 0.5


class ActionsScreen(ModalScreen[None]):
    """Lists what can be done; a key, or Enter, opens the action's dialog in its place."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "close", "Close")]

    def __init__(
        self,
        room: str | None,
        list_actions: Callable[[], tuple[PossibleAction, ...]],
        choose: Callable[[ActionName], None],
    ) -> None:
        super().__init__(classes="action")
        self._room = room
        self._list_actions = list_actions
        self._choose = choose
        self._shown: tuple[PossibleAction, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay the menu out."""
        with Vertical(id="dialog"):
            heading = "Actions" if self._room is None else f"Actions in {show_plain(self._room)}"
            yield Static(heading, id="heading", markup=False)
            yield OptionList(id="actions", compact=True, markup=False)
            yield Static("A key or Enter chooses, Esc closes", id="hint", markup=False)

    def on_mount(self) -> None:
        """List the actions, and list them again while the meeting goes on."""
        self._list()
        self.set_interval(_LOOK_EVERY_S, self._list)

    def on_key(self, event: Key) -> None:
        """Choose the action of a key."""
        for action in self._shown:
            if action.key == event.key:
                event.stop()
                self._take(action)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose the action that the cursor is on."""
        event.stop()
        self._take(self._shown[event.option_index])

    def action_close(self) -> None:
        """Close the menu."""
        self.dismiss()

    def _take(self, action: PossibleAction) -> None:
        """Open an action's dialog; what cannot be done stays in the menu, with its reason."""
        if action.refusal is None:
            self.dismiss()
            self._choose(action.name)
        else:
            self.app.bell()

    def _list(self) -> None:
        actions = self._list_actions()
        if actions == self._shown:
            return
        self._shown = actions
        options = self.query_one(OptionList)
        place = options.highlighted
        options.set_options([Option(_describe(one), id=one.name) for one in actions])
        first = next((n for n, one in enumerate(actions) if one.refusal is None), 0)
        options.highlighted = first if place is None else place


def _describe(action: PossibleAction) -> Text:
    """Return an action's line; what is impossible says so in words, not only by being dim."""
    if action.refusal is None:
        return Text.assemble((action.key, "bold"), f"  {action.label}")
    return Text(f"-  {action.label}: {action.refusal}", "dim")
