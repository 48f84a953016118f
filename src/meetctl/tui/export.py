"""What `x` saves: the screen as a picture, and its table as comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.tui.sharing import GivesTable

if TYPE_CHECKING:
    from datetime import datetime

    from textual.app import App

_MOST_TRIES = 100
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def export_shown(app: App[Any], now: datetime) -> None:
    """Save what is shown as SVG and, where it has a table, as CSV; say where, or why not.

    On a terminal files go to the working directory, and none that is there is written over. In a browser they
    are downloads.
    """
    pieces = {"svg": app.export_screenshot(title=app.title)}
    table = _find_table(app)
    if table is not None:
        pieces["csv"] = format_csv(table)
    stem = f"meetctl-{now:%Y%m%dT%H%M%SZ}"
    if app.is_web:
        for suffix, text in pieces.items():
            app.deliver_text(io.StringIO(text), save_filename=f"{stem}.{suffix}")
        return
    try:
        saved = [save_new(Path.cwd(), stem, suffix, text) for suffix, text in pieces.items()]
    except OSError as error:
        app.notify(f"Not saved: {error.strerror or error}", title="Export", severity="error", markup=False)
    else:
        app.notify("\n".join(path.name for path in saved), title="Saved here", markup=False)


def save_new(directory: Path, stem: str, suffix: str, text: str) -> Path:
    """Write a file that was not there, and return it; a name that is taken gets a number.

    Raises:
        OSError: It cannot be written.
    """
    for number in range(1, _MOST_TRIES + 1):
        path = directory / f"{stem}{f'-{number}' if number > 1 else ''}.{suffix}"
        try:
            with path.open("x", encoding="utf-8", newline="", errors="backslashreplace") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{stem}.{suffix} and {_MOST_TRIES - 1} numbered ones are there")


def format_csv(rows: Iterable[Sequence[str]]) -> str:
    r"""Return rows as RFC 4180 has them; a cell that a spreadsheet would compute gets a `'` in front.

    >>> format_csv([["room", "cost"], ["=1+1", "$0.50, about"]])
    'room,cost\r\n\'=1+1,"$0.50, about"\r\n'
    """
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell for cell in row])
    return text.getvalue()


def _find_table(app: App[Any]) -> list[list[str]] | None:
    screen = app.screen
    focused = screen.focused
    parts = [*focused.ancestors_with_self] if focused is not None else [screen]
    return next((part.table_rows() for part in parts if isinstance(part, GivesTable)), None)
