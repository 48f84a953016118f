"""Where a report goes: stdout, or a file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.cli.diagnostics import note
from meetctl.cli.output import encode_data, format_json, print_data, print_text, render, write_file

if TYPE_CHECKING:
    from rich.console import Console


def write_document(document: Mapping[str, Any], path: Path | None) -> None:
    """Write one JSON document."""
    _write(format_json(document), path)


def write_page(draw: Callable[[Console], None], path: Path | None) -> None:
    """Write what people read."""
    if path is None:
        print_text(render(draw, for_stdout=True))
    else:
        _write(render(draw, for_stdout=False), path)


def write_rows(
    columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path | None, *, as_parquet: bool
) -> None:
    """Write rows as CSV, or as Parquet, for which there must be a file."""
    from meetctl import bootstrap
    from meetctl.reports.spending_data import render_rows

    if as_parquet and path is not None:
        bootstrap.write_parquet(columns, rows, path)
        note(f"written: {path}")
    else:
        _write(render_rows(columns, rows), path)


def _write(text: str, path: Path | None) -> None:
    if path is None:
        print_data(text)
    else:
        write_file(path, encode_data(text))
        note(f"written: {path}")
