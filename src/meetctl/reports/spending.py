"""What was spent, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES
from meetctl.reports.cells import UNKNOWN, format_share
from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from meetctl.domain.ledger import Completeness, Dimension, Selection
    from meetctl.domain.meanings import MeaningCost, MeaningSummary
    from meetctl.domain.spending_summary import SpendingSum, SpendingSummary

_UNITS = {
    "input_tokens": "in",
    "cached_input_tokens": "cached",
    "output_tokens": "out",
    "tokens": "tokens",
    "minutes": "min",
    "characters": "chars",
}
"""Units as short as a table needs them."""

_ROOMY = 110
"""Where a terminal has fewer columns, each unit has a line of its own."""

_NOBODY = "–"
"""Stands where the events do not say whose something is."""


def print_spending(summary: SpendingSummary, console: Console) -> None:
    """Print what was spent, how much of it has a price, and what may be missing."""
    table = _make_table(summary.by, ("Usage", "Reported", "Estimated", "Images", "Total"))
    between = " · " if console.width >= _ROOMY else "\n"
    for row in summary.rows:
        table.add_row(*_names(row.group), *_sum_cells(row.sum, between))
    if len(summary.rows) != 1:
        table.add_section()
        table.add_row(*_total_names(summary.by), *_sum_cells(summary.total, between))
    console.print(table, crop=False)
    for line in describe_spending(summary):
        console.print(line, style="dim", markup=False)


def describe_spending(summary: SpendingSummary) -> Iterator[str]:
    """Say what the sums rest on, one line each."""
    total = summary.total
    if not total.uses:
        yield "no usage fits what was asked for"
    else:
        share = format_share(total.priced_share)
        yield f"priced {share} of usage ({total.priced_uses:,} of {total.uses:,} uses)"
    unpriced: dict[tuple[str, str, str], Fraction] = {}
    for one in summary.unpriced:
        key = (one.provider, one.model, one.unit)
        unpriced[key] = unpriced.get(key, Fraction(0)) + one.unpriced
    for (provider, model, unit), quantity in sorted(unpriced.items()):
        yield show_plain(f"{UNKNOWN}: {format_quantity(quantity)} {unit} of {provider}/{model}")
    if any(row.sum.is_offline for row in summary.rows):
        yield "offline usage costs nothing, and is marked"
    yield describe_period(summary.selection)
    yield from describe_gaps(summary.completeness)


def print_meanings(summary: MeaningSummary, console: Console) -> None:
    """Print what images cost in each of the three meanings."""
    table = _make_table(summary.by, ("Images billed", "Sent", "Tokens", "USD, estimated"))
    for number, row in enumerate(summary.rows):
        names = _names(row.group) if number % len(MEANING_TITLES) == 0 else [""] * len(row.group)
        is_last = number % len(MEANING_TITLES) == len(MEANING_TITLES) - 1
        cost = row.cost
        cells = (MEANING_TITLES[row.meaning], f"{cost.sent:,}", f"{cost.tokens:,}", _meaning_usd(cost))
        table.add_row(*names, *cells, end_section=is_last)
    console.print(table, crop=False)
    for line in describe_meanings(summary):
        console.print(line, style="dim", markup=False)


def describe_meanings(summary: MeaningSummary) -> Iterator[str]:
    """Say what the three accounts are, one line each."""
    yield "three accounts of the same frames, never to be added up; the agent does the one per request"
    yield "images at the list price of input tokens on their day, no cache discount: an estimate"
    if summary.unpriced:
        yield f"{UNKNOWN}: {summary.unpriced:,} images without a price, a size or a rule"
    yield describe_period(summary.selection)
    yield from describe_gaps(summary.completeness)


def describe_period(selection: Selection) -> str:
    """Say which days are meant."""
    since = f" since {selection.since:%Y-%m-%d %H:%M}" if selection.since else ""
    until = f" until {selection.until:%Y-%m-%d %H:%M}" if selection.until else ""
    return f"usage{since}{until}; days and times are UTC" if since or until else "all usage; days are UTC"


def describe_gaps(completeness: Completeness) -> Iterator[str]:
    """Say what may be missing in the sums."""
    if completeness.unended:
        yield f"{completeness.unended:,} of {completeness.sessions:,} sessions have not ended, or were killed"
    if completeness.missing_events:
        yield f"{completeness.missing_events:,} events are missing in the journals, by their numbers"
    if completeness.unreadable_lines:
        yield f"{completeness.unreadable_lines:,} lines of journals were no events"
    if completeness.undated_uses:
        yield f"{completeness.undated_uses:,} uses do not say when they were; no period has them"


def format_quantity(quantity: Fraction) -> str:
    """Return a quantity for people: whole ones whole, others with a decimal or two.

    >>> (
    ...     format_quantity(Fraction(17478833)),
    ...     format_quantity(Fraction(3, 2)),
    ...     format_quantity(Fraction(101, 1200)),
    ... )
    ('17,478,833', '1.5', '0.0842')
    """
    if quantity.denominator == 1:
        return f"{quantity.numerator:,}"
    if quantity < 1:
        return f"{float(quantity):.3g}"
    return f"{float(quantity):,.2f}".rstrip("0").rstrip(".")


def least_usd(usd: Decimal, *, is_whole: bool) -> str:
    """Return an amount; with "≥" before it where a part of it has no price, and n/a where none has."""
    if is_whole:
        return format_usd(usd)
    return f"≥ {format_usd(usd)}" if usd else UNKNOWN


def _sum_cells(sums: SpendingSum, between: str) -> list[str]:
    usage = between.join(
        f"{format_quantity(count)} {_UNITS.get(unit, unit)}" for unit, count in sums.quantities
    )
    # Where units have lines of their own, the images' share has one too.
    space = "\n" if between == "\n" else " "
    share = (
        f"{space}({format_share(float(sums.image_usd / sums.usd))})" if sums.usd and sums.image_usd else ""
    )
    images = least_usd(sums.image_usd, is_whole=not sums.has_unpriced_images) + share
    total = least_usd(sums.usd, is_whole=sums.is_priced) + (" offline" if sums.is_offline else "")
    has_images = sums.image_usd or sums.has_unpriced_images
    return [
        usage,
        format_usd(sums.reported_usd) if sums.reported_usd else "–",
        format_usd(sums.estimated_usd) if sums.estimated_usd else "–",
        images if has_images else "–",
        total,
    ]


def _meaning_usd(cost: MeaningCost) -> str:
    return least_usd(cost.usd, is_whole=not cost.unpriced)


def _make_table(by: Sequence[Dimension], headings: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for dimension in by:
        table.add_column(dimension.capitalize(), overflow="fold", no_wrap=dimension == "day")
    for heading in headings:
        is_text = heading in ("Usage", "Images billed")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=heading != "Usage")
    return table


def _names(group: Sequence[str | None]) -> list[str]:
    from rich.markup import escape

    return [_NOBODY if value is None else escape(show_plain(value)) for value in group]


def _total_names(by: Sequence[Dimension]) -> list[str]:
    return ["Total", *([""] * (len(by) - 1))] if by else []
