"""Choosing another policy for a replayed session: what each would have kept, shown and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Label

from meetctl.reports.panel_replay import POLICY_COLUMNS, policy_cells

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.services.dashboard.what_if import WhatIf

_STAGES = {
    "waiting": "the audit begins when the journal is read",
    "costs": "reading the recording",
    "changes": "looking for visible changes in the pictures, {share:.0%}",
    "done": "the whole recording by each policy; list prices for image tokens",
    "failed": "{problem}",
}
_REFRESH_S = 0.5


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """What somebody chose."""

    name: str | None
    """None for the session as it was recorded."""
    is_beside: bool = False
    """Whether it is to be shown beside the one that was chosen before."""


class PoliciesScreen(ModalScreen[PolicyChoice]):
    """A row for each policy; the one under the cursor is shown at once behind this screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "choose", "Choose"),
        ("b", "beside", "Side by side"),
        ("r", "as_recorded", "As recorded"),
        ("escape,v", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    PoliciesScreen { align: center top; background: $background 20%; }
    PoliciesScreen > Vertical { width: 100%; max-width: 96; height: auto; max-height: 16; }
    PoliciesScreen > Vertical { border: round $accent; }
    PoliciesScreen DataTable { height: auto; max-height: 12; }
    """

    def __init__(self, what_if: WhatIf, chosen: str | None, on_highlight: Callable[[str], None]) -> None:
        super().__init__()
        self._what_if = what_if
        self._chosen = chosen
        self._on_highlight = on_highlight
        self._filled: object = None

    def compose(self) -> ComposeResult:
        """Lay the choice out."""
        with Vertical() as box:
            box.border_title = "Policy"
            box.border_subtitle = "Enter chooses"
            yield DataTable[str](cursor_type="row")
            yield Label("", id="audit-stage", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Show what is known, and follow what becomes known."""
        self.query_one(DataTable).add_columns(*POLICY_COLUMNS)
        self._fill()
        self.set_interval(_REFRESH_S, self._fill)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the policy under the cursor behind this screen."""
        if event.row_key.value is not None:
            self._chosen = event.row_key.value
            self._on_highlight(self._chosen)

    def on_data_table_row_selected(self, _: DataTable.RowSelected) -> None:
        """Choose the policy under the cursor."""
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the policy under the cursor."""
        self.dismiss(PolicyChoice(self._under_cursor()))

    def action_beside(self) -> None:
        """Show the policy under the cursor beside the one before."""
        self.dismiss(PolicyChoice(self._under_cursor(), is_beside=True))

    def action_as_recorded(self) -> None:
        """Choose none."""
        self.dismiss(PolicyChoice(None))

    def action_leave(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)

    def _under_cursor(self) -> str | None:
        """Return the policy under the cursor, which may have moved just now; None where there is none yet."""
        table = self.query_one(DataTable)
        if not table.is_valid_row_index(table.cursor_row):
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    def _fill(self) -> None:
        what_if = self._what_if
        stage = _STAGES[what_if.stage].format(share=what_if.share, problem=what_if.problem)
        self.query_one("#audit-stage", Label).update(stage)
        if what_if.audit is None or what_if.audit is self._filled:
            return
        self._filled = what_if.audit
        table = self.query_one(DataTable)
        chosen = self._chosen
        table.clear()
        for audit in what_if.audit.policies:
            table.add_row(*policy_cells(audit), key=audit.policy.name)
        if chosen is not None and chosen in [audit.policy.name for audit in what_if.audit.policies]:
            table.move_cursor(row=table.get_row_index(chosen))
