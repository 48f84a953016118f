"""The list of meetings as a table whose rows stay what they are while their cells change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.widgets import DataTable

from meetctl.domain.view.meeting_order import COLUMN_NAMES, ColumnName, Order
from meetctl.tui.widgets.meeting_columns import COLUMNS, SIGN_WIDTH, SIGNS, Column, fit_columns

if TYPE_CHECKING:
    from textual import events

    from meetctl.domain.view.meeting_rows import MeetingRow

_SIGN = "sign"


@dataclass(frozen=True, slots=True)
class _Sign:
    """A row's first cell, which knows the row: a table only tells cells when it is sorted."""

    row: str
    text: Text

    def __rich__(self) -> Text:
        return self.text


class MeetingTable(DataTable[Any]):
    """Shows rows in the order in which they are given; the cursor stays on its meeting."""

    def __init__(self) -> None:
        super().__init__(id="meetings", cursor_type="row", cell_padding=1)
        self._rows: tuple[MeetingRow, ...] = ()
        self._columns: tuple[tuple[Column, int], ...] = ()
        self._shown: dict[str, dict[str, Text]] = {}
        self._order = Order()

    @property
    def chosen(self) -> str | None:
        """The key of the meeting that the cursor is on."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show_rows(self, rows: Sequence[MeetingRow], order: Order) -> None:
        """Show these meetings in this order; only what has changed is drawn."""
        chosen = self.chosen
        place = self.cursor_row
        self._rows = tuple(rows)
        if order != self._order:
            self._order = order
            self._columns = ()
        if not self._columns:
            self._lay_out()
        self._drop({row.key for row in rows})
        for row in rows:
            self._show_row(row)
        self._sort([row.key for row in rows])
        self._keep_cursor(chosen, place)

    def on_resize(self, event: events.Resize) -> None:
        """Leave out, or bring back, what the new width asks for."""
        if fit_columns(event.size.width) != self._columns:
            self._lay_out()
            self.show_rows(self._rows, self._order)

    def rows_as_text(self) -> list[list[str]]:
        """Return the headings and all cells, of every column, also of those that have no place."""
        lines = [["", *(column.heading for column in COLUMNS)]]
        for row in self._rows:
            cells = (column.draw(row, width=1_000).plain for column in COLUMNS)
            lines.append([row.phase, *cells])
        return lines

    def _lay_out(self) -> None:
        """Make the columns that have a place now, without rows."""
        chosen, self._columns = self.chosen, fit_columns(self.size.width or self.app.size.width)
        self.clear(columns=True)
        self._shown = {}
        self.add_column("", width=SIGN_WIDTH, key=_SIGN)
        for column, width in self._columns:
            self.add_column(self._label(column), width=width, key=column.name)
        for row in self._rows:
            self._show_row(row)
        self._keep_cursor(chosen, 0)

    def _label(self, column: Column) -> Text:
        arrow = ""
        if self._order.column == column.name:
            arrow = "▲" if self._order.is_ascending else "▼"
        return Text(f"{column.heading}{arrow}", justify=column.justify, style="underline" if arrow else "")

    def _show_row(self, row: MeetingRow) -> None:
        style = "dim" if row.phase != "live" else "green"
        cells = {_SIGN: Text(SIGNS[row.phase], style=style)}
        cells |= {column.name: column.draw(row, width) for column, width in self._columns}
        known = self._shown.get(row.key)
        if known is None:
            self.add_row(_Sign(row.key, cells[_SIGN]), *list(cells.values())[1:], key=row.key)
        else:
            for name, text in cells.items():
                if text != known[name] or text.style != known[name].style:
                    self.update_cell(row.key, name, _Sign(row.key, text) if name == _SIGN else text)
        self._shown[row.key] = cells

    def _drop(self, kept: set[str]) -> None:
        for key in [key for key in self._shown if key not in kept]:
            self.remove_row(key)
            del self._shown[key]

    def _sort(self, keys: list[str]) -> None:
        if [row.key.value for row in self.ordered_rows] != keys:
            places = {key: place for place, key in enumerate(keys)}
            self.sort(_SIGN, key=lambda sign: places[sign.row])

    def _keep_cursor(self, chosen: str | None, place: int) -> None:
        """Let the cursor stay on its meeting; where that has gone, on its place."""
        if chosen is not None and chosen in self._shown:
            place = self.get_row_index(chosen)
        if self.row_count and place != self.cursor_row:
            self.move_cursor(row=min(place, self.row_count - 1), animate=False)


def column_named(name: str) -> ColumnName | None:
    """Return the column of this name; None of the one that has none."""
    return next((column for column in COLUMN_NAMES if column == name), None)
