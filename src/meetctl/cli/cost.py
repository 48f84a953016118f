"""`meetctl cost`: what meetings cost, from the ledger of all journals on this machine."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.cli.cost_budget import budget
from meetctl.cli.cost_reconcile import reconcile
from meetctl.cli.cost_reprice import reprice
from meetctl.cli.default_command import SummaryByDefault
from meetctl.cli.ledger_access import Sessions
from meetctl.cli.options import AsJson
from meetctl.cli.spending_options import PriceFiles, Room, Session, Since, Tenant, Until, select_usage
from meetctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.ledger import Dimension, Selection
    from meetctl.ports import Ledger

cost_app = typer.Typer(
    help="What meetings cost: by tenant, session, model, day; under other prices; against a bill.",
    cls=SummaryByDefault,
    rich_markup_mode=None,
)
cost_app.command()(reprice)
cost_app.command()(reconcile)
cost_app.command()(budget)

_MEANING = "meaning"
_USUAL_BY = ("provider", "model")


class Format(StrEnum):
    """How a summary is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    FOCUS = "focus"


By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="tenant, session, room, provider, model, day or meaning; repeatable, or with commas."
        " provider,model if not given.",
    ),
]


@cost_app.command()
def summary(
    by: By = None,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    room: Room = None,
    session: Session = None,
    format_: Annotated[
        Format, typer.Option("--format", help="table, json, csv, parquet, or FOCUS-shaped csv (focus).")
    ] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    prices: PriceFiles = None,
    sessions: Sessions = None,
    json: AsJson = False,
) -> None:
    """Show what was spent, as the events said it at the time; nothing is priced again.

    Ends with exit code 5 where a part of the usage has no price.

    Example: meetctl cost --by tenant --since 30d
    """
    from meetctl.cli.ledger_access import fold_ledger

    if json and format_ not in (Format.TABLE, Format.JSON):
        raise UsageError(f"--json does not go with --format {format_}", hint="leave one of them out")
    if format_ is Format.PARQUET and output is None:
        raise UsageError("--format parquet needs -o FILE", hint="a terminal cannot show Parquet")
    dimensions, is_by_meaning = _read_by(by)
    if format_ is Format.FOCUS and (by or is_by_meaning):
        raise UsageError(
            "--by does not go with --format focus",
            hint="its rows are by day, tenant, session, model and unit",
        )
    selection = select_usage(since=since, until=until, tenant=tenant, room=room, session=session)
    ledger = fold_ledger(sessions)
    chosen = Format.JSON if json else format_
    if is_by_meaning:
        is_whole = _show_meanings(ledger, selection, dimensions, prices or [], chosen, output)
    elif chosen is Format.FOCUS:
        is_whole = _show_focus(ledger, selection, output)
    else:
        is_whole = _show_spending(ledger, selection, dimensions, chosen, output)
    if not is_whole:
        sys.exit(ExitCode.PARTIAL)


def _read_by(by: list[str] | None) -> tuple[list[Dimension], bool]:
    """Return the dimensions in the order they were named, and whether the three meanings are asked for."""
    from meetctl.domain.ledger import DIMENSIONS

    names = [name.strip() for text in by or [] for name in text.split(",") if name.strip()]
    known = (*DIMENSIONS, _MEANING)
    for name in names:
        if name not in known:
            raise UsageError(f"--by {name} is none of {', '.join(known)}")
    if not names:
        names = list(_USUAL_BY)
    return [one for name in dict.fromkeys(names) for one in DIMENSIONS if one == name], _MEANING in names


def _show_spending(
    ledger: Ledger, selection: Selection, by: Sequence[Dimension], chosen: Format, output: Path | None
) -> bool:
    from meetctl.cli.cost_output import write_document, write_page, write_rows
    from meetctl.domain.spending_summary import summarise_spending
    from meetctl.reports.spending import print_spending
    from meetctl.reports.spending_data import spending_document, spending_rows

    spending = ledger.sum_spending(selection, by)
    summary = summarise_spending(spending, by, selection, ledger.count_completeness(selection))
    if chosen is Format.JSON:
        write_document(spending_document(summary), output)
    elif chosen is Format.TABLE:
        write_page(lambda console: print_spending(summary, console), output)
    else:
        write_rows(*spending_rows(by, spending), output, as_parquet=chosen is Format.PARQUET)
    return summary.total.is_priced


def _show_focus(ledger: Ledger, selection: Selection, output: Path | None) -> bool:
    from meetctl.cli.cost_output import write_rows
    from meetctl.cli.diagnostics import note
    from meetctl.reports.focus import COLUMNS, FOCUS_BY, focus_rows

    spending = ledger.sum_spending(selection, FOCUS_BY)
    note("FOCUS-shaped, not FOCUS-conformant: list prices, not a bill (docs/cost.md)")
    write_rows(COLUMNS, focus_rows(spending), output, as_parquet=False)
    return not any(one.unpriced for one in spending)


def _show_meanings(
    ledger: Ledger,
    selection: Selection,
    by: Sequence[Dimension],
    prices: list[Path],
    chosen: Format,
    output: Path | None,
) -> bool:
    from meetctl import bootstrap
    from meetctl.cli.cost_output import write_document, write_page, write_rows
    from meetctl.reports.spending import print_meanings
    from meetctl.reports.spending_data import meaning_document, meaning_rows
    from meetctl.services.meanings import cost_by_meaning

    summary = cost_by_meaning(ledger, bootstrap.price_book(prices), selection, by)
    if chosen is Format.JSON:
        write_document(meaning_document(summary), output)
    elif chosen is Format.TABLE:
        write_page(lambda console: print_meanings(summary, console), output)
    else:
        write_rows(*meaning_rows(summary), output, as_parquet=chosen is Format.PARQUET)
    return not summary.unpriced
