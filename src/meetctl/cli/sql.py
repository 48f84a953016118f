"""`meetctl sql`: questions of one's own to the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.cli.ledger_access import Sessions
from meetctl.cli.options import AsJson
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN_ROWS = 200
"""A table for people ends after so many rows, with the count of the others."""


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="What to ask, in DuckDB's SQL; - reads stdin.")
    ],
    format_: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
    write: Annotated[
        bool, typer.Option("--write", help="Let the query change the ledger, which is only a copy.")
    ] = False,
    sessions: Sessions = None,
    json: AsJson = False,
) -> None:
    """Ask the ledger of all sessions: views sessions, turns, frames, requests, usage, cost, events.

    It reads the ledger and nothing else of this machine, and without --write it changes nothing.

    Example: meetctl sql "SELECT room, sum(usd) FROM cost GROUP BY room"
    """
    from meetctl.cli.ledger_access import fold_ledger

    if json and format_ is Format.CSV:
        raise UsageError("--json does not go with --format csv", hint="leave one of them out")
    text = _read_stdin() if query == "-" else query
    answer = fold_ledger(sessions).query(text, write=write)
    columns = tuple(map(str, next(answer)))
    if json or format_ is Format.JSON:
        _print_json(columns, answer)
    elif format_ is Format.CSV:
        _print_csv(columns, answer)
    else:
        _print_table(columns, answer)


def _read_stdin() -> str:
    if sys.stdin is None:
        raise UsageError("stdin is closed", hint="give the query as an argument")
    return sys.stdin.read()


def _print_json(columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    from meetctl.cli.output import print_json
    from meetctl.reports.query_values import plain_value

    print_json(
        {
            "schema": "meetctl.sql/1",
            "columns": list(columns),
            "rows": [[plain_value(value) for value in row] for row in rows],
        }
    )


def _print_csv(columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    from meetctl.cli.output import print_data
    from meetctl.reports.query_values import csv_value
    from meetctl.reports.spending_data import render_lines, render_rows

    print_data(render_rows(columns, []))
    while some := list(islice(rows, 10_000)):
        print_data(render_lines([[csv_value(value) for value in row] for row in some]))


def _print_table(columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    from meetctl.cli.diagnostics import note
    from meetctl.cli.output import print_text, render
    from meetctl.reports.query_table import print_rows

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    shown = list(islice(rows, _SHOWN_ROWS))
    others = sum(1 for _ in rows)
    hidden = 0

    def draw(console: Console) -> None:
        nonlocal hidden
        hidden = print_rows(columns, shown, console, is_bounded=is_terminal)

    print_text(render(draw, for_stdout=True))
    counted = f"{len(shown):,} of {len(shown) + others:,}" if others else f"{len(shown):,}"
    note(f"{counted} {'row' if len(shown) + others == 1 else 'rows'}")
    if others or hidden:
        left_out = f"{hidden} columns have no room here; " if hidden else ""
        note(f"{left_out}--format csv has everything")
