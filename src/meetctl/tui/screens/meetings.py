"""The first screen: a row for each meeting."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from meetctl.domain.view.meeting_order import Filter, Order, arrange, parse_filter
from meetctl.domain.view.meeting_rows import list_rows
from meetctl.errors import UsageError
from meetctl.reports.plain_text import show_plain
from meetctl.tui.messages import MeetingChosen, ViewWanted
from meetctl.tui.widgets.meeting_table import MeetingTable, column_named
from meetctl.tui.widgets.totals_strip import TotalsStrip

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.domain.view.meeting_rows import MeetingRow

NOBODY = (
    "No meeting runs here.\n\n"
    "meetctl join ROOM    sends the agent into a room\n"
    "meetctl demo         holds a whole meeting on this machine, without any key"
)
_WAITING = "Looking for meetings ..."


class MeetingsScreen(Screen[None]):
    """All meetings, one a row; Enter opens one."""

    BINDING_GROUP_TITLE = "Meetings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("S", "reverse", "Reverse the order", show=False),
        Binding("escape", "show_all", "Show all", show=False),
    ]

    def __init__(self, *, is_read_only: bool = False) -> None:
        super().__init__()
        self._is_read_only = is_read_only
        self._rows: tuple[MeetingRow, ...] | None = None
        self._order = Order()
        self._filter = Filter()
        self._fault: str | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TotalsStrip(is_read_only=self._is_read_only)
        yield MeetingTable()
        yield Static(_WAITING, id="nobody", markup=False)
        yield Static(id="list-state", markup=False)
        yield Input(id="filter", placeholder="regular expression; ! in front shows all others", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin without rows and without a filter."""
        self._table.display = False
        self._input.display = False
        self._show_state(0)

    def on_screen_resume(self) -> None:
        """Show what has changed while another screen was on top."""
        self.post_message(ViewWanted())

    def show_view(self, view: DashboardView) -> None:
        """Show every meeting as it is now."""
        self._rows = list_rows(view)
        self._show()

    def plain_text(self) -> str:
        """Return the list as lines of cells with tabs between them."""
        return "\n".join("\t".join(cells) for cells in self.table_rows())

    def table_rows(self) -> list[list[str]]:
        """Return the list with all its columns, also those that have no place here."""
        return self._table.rows_as_text()

    def action_open(self) -> None:
        """Open the meeting that the cursor is on."""
        if self._table.display and (key := self._table.chosen) is not None:
            self.post_message(MeetingChosen(key))

    def action_filter(self) -> None:
        """Let the filter be typed."""
        self._input.display = True
        self._input.focus()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._order = self._order.next_column()
        self._show()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._order = self._order.reverse()
        self._show()

    def action_show_all(self) -> None:
        """Take the filter away."""
        self._input.value = ""
        self._leave_filter()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column that was clicked."""
        column = column_named(event.column_key.value or "")
        if column is not None:
            self._order = self._order.by(column)
            self._show()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the meeting."""
        if event.row_key.value is not None:
            self.post_message(MeetingChosen(event.row_key.value))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed; what is no expression yet changes nothing."""
        try:
            self._filter, self._fault = parse_filter(event.value), None
        except UsageError as error:
            self._fault = error.message
        self._show()

    def on_input_submitted(self) -> None:
        """Go back to the list."""
        self._leave_filter()

    @property
    def _table(self) -> MeetingTable:
        return self.query_one(MeetingTable)

    @property
    def _input(self) -> Input:
        return self.query_one("#filter", Input)

    def _leave_filter(self) -> None:
        self._input.display = False
        self._fault = None
        self._table.focus()
        self._show()

    def _show(self) -> None:
        if self._rows is None:
            return
        shown = arrange(self._rows, self._order, self._filter)
        self._table.show_rows(shown, self._order)
        nobody = self.query_one("#nobody", Static)
        was_listed = self._table.display
        self._table.display = bool(self._rows)
        nobody.display = not self._rows
        if not self._rows:
            nobody.update(NOBODY)
        elif not was_listed and not self._input.has_focus:
            self._table.focus()
        self._show_state(len(shown))

    def _show_state(self, shown: int) -> None:
        """Say what is filtered, or what is wrong with the filter."""
        state = self.query_one("#list-state", Static)
        total = len(self._rows or ())
        text = ""
        if self._fault:
            text = self._fault
        elif self._filter.expression is not None:
            kind = "without" if self._filter.is_inverse else "with"
            text = f"{shown} of {total} meetings {kind} /{self._filter.expression.pattern}/; Esc shows all"
        state.display = bool(text)
        state.update(show_plain(text))
