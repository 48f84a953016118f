"""Two columns of figures, and their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from meetctl.reports.panel_replay import compared_cells
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.view.comparison import Compared


class ComparisonTable(Static):
    """Figures of two sessions, or two policies."""

    DEFAULT_CSS = """
    ComparisonTable { height: auto; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._titles: tuple[str, str] | None = None
        self.rows: Sequence[Compared] = ()
        """What is shown."""

    def show_rows(self, first: str, second: str, rows: Sequence[Compared]) -> None:
        """Show the figures of two that are called so."""
        if (first, second) == self._titles and rows == self.rows:
            return
        self._titles, self.rows = (first, second), rows
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        for title in (show_plain(first), show_plain(second), "difference"):
            table.add_column(Text(title), justify="right", overflow="ellipsis", no_wrap=True, max_width=28)
        for row in rows:
            table.add_row(*(Text(cell) for cell in compared_cells(row)))
        self.update(table)
