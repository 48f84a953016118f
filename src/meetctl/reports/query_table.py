"""Rows of a query as a table: aligned, NULL shown, as many columns as the terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.reports.plain_text import show_plain
from meetctl.reports.query_values import csv_value, is_number, plain_value

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod

_WIDEST = 48
"""Columns of the terminal that one value takes at most."""
_GAP = 2


def print_rows(
    columns: Sequence[str], rows: Sequence[Sequence[object]], console: Console, *, is_bounded: bool
) -> int:
    """Print rows; where the console's width bounds them, return how many columns there was no room for."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    cells = [[table_value(value) for value in row] for row in rows]
    names = [show_plain(name) for name in columns]
    widths = [
        max([cell_len(name), *(cell_len(row[place]) for row in cells)]) for place, name in enumerate(names)
    ]
    shown = len(names)
    while is_bounded and shown > 1 and sum(widths[:shown]) + _GAP * shown > console.width:
        shown -= 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place in range(shown):
        is_right = any(is_number(row[place]) for row in rows)
        justify: JustifyMethod = "right" if is_right else "left"
        table.add_column(Text(names[place]), justify=justify, no_wrap=True, min_width=widths[place])
    for row, values in zip(cells, rows, strict=True):
        table.add_row(
            *(Text(row[place], style="dim" if values[place] is None else "") for place in range(shown))
        )
    # Off a terminal nobody folds lines: each row stays one.
    console.width = max(console.width, sum(widths[:shown]) + _GAP * shown)
    console.print(table, crop=False)
    return len(names) - shown


def table_value(value: object) -> str:
    """Return a value for people.

    >>> [table_value(value) for value in (None, True, 0.21499999999999997, ["a", 1], "long " * 20)]
    ['NULL', 'true', '0.215', "['a', 1]", 'long long long long long long long long long lo…']
    """
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime) and value.tzinfo is None:
        return str(value)
    text = show_plain(str(plain_value(value)) if isinstance(value, list | dict) else csv_value(value))
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
