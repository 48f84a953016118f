"""Which keys do what, made from the bindings of the screen below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import App
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding, BindingType
    from textual.dom import DOMNode

_MOUSE = (
    "Dragging the mouse selects text; Ctrl-C copies it then. With Shift (Option in iTerm) the terminal "
    "selects by itself.\n\nSigns: ● live, ? no news, × ended; "
    "≥ a part has no price, ~ our estimate, n/a no price."
)


class HelpScreen(ModalScreen[None]):
    """The keys by subject; the same key leaves it."""

    BINDING_GROUP_TITLE = "Help"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "Back"),
        ("question_mark", "dismiss", "Back"),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
    }
    #help {
        width: 76;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        border: round $accent;
        padding: 0 1;
        background: $surface;
    }
    #help Static {
        margin: 0 0 1 0;
    }
    """

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc closes"
            for title, keys in self._group().items():
                yield Static(_draw(title, keys), markup=False)
            yield Static(_MOUSE, markup=False)

    def on_mount(self) -> None:
        """Let the arrows scroll it."""
        self.query_one(VerticalScroll).focus()

    def _group(self) -> dict[str, dict[str, list[str]]]:
        """Return what the keys do by the part of the screen that they belong to: its words and keys."""
        groups: dict[str, dict[str, list[str]]] = {}
        for active in sorted(self._active.values(), key=lambda active: _rank(active.node)):
            binding = active.binding
            if not binding.description or binding.system:
                continue
            keys = groups.setdefault(_title(active.node), {}).setdefault(binding.description, [])
            display = self.app.get_key_display(binding)
            if display not in keys:
                keys.append(display)
        return groups


def _rank(node: DOMNode) -> int:
    """Put the keys of the panel in focus first, and those that only move a cursor last."""
    if hasattr(node, "SUBJECT"):
        return 0
    return 1 if isinstance(node, Screen) else 2 if isinstance(node, App) else 3


def _title(node: DOMNode) -> str:
    """Return what the keys are about; of a part without a name of its own, they move its cursor."""
    title = node.BINDING_GROUP_TITLE or getattr(node, "SUBJECT", None)
    return str(title or (node.sub_title if isinstance(node, Screen) else "") or "Moving")


def _draw(title: str, keys: Mapping[str, list[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(justify="right", width=16, no_wrap=True)
    table.add_column()
    for words, names in keys.items():
        table.add_row(Text(" ".join(names), style="bold"), Text(words))
    return table
