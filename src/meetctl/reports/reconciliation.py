"""A provider's account beside ours, as a table and as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.reports.cells import UNKNOWN, format_share
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain
from meetctl.reports.spending import format_quantity, least_usd
from meetctl.reports.spending_data import plain_quantity

if TYPE_CHECKING:
    from rich.console import Console

    from meetctl.domain.reconciliation import ComparedPart, ComparedProvider, Reconciliation

_SHOWN = 8
"""So many models and days of a provider are shown, those that differ most; JSON has all."""


def print_reconciliation(result: Reconciliation, console: Console) -> None:
    """Print the difference by provider, model and day, and what may explain it."""
    account = result.account
    console.print(f"{account.shape}, {account.first} to {account.last} (UTC)", style="bold", markup=False)
    for provider in result.providers:
        _print_provider(provider, result, console)
    if result.others:
        console.print(
            show_plain(f"not in their account: {', '.join(result.others)}"), style="dim", markup=False
        )


def reconciliation_document(result: Reconciliation) -> dict[str, Any]:
    """Return the document `meetctl.cost.reconcile/1`."""
    account = result.account
    return {
        "schema": "meetctl.cost.reconcile/1",
        "account": {
            "shape": account.shape,
            "first": str(account.first),
            "last": str(account.last),
            "days": "UTC",
        },
        "decided": result.is_decided,
        "holds": result.holds if result.tolerance else None,
        "providers": [
            {
                "provider": provider.whole.name,
                **_part_document(provider.whole),
                "ours_estimated_usd": exact_usd(provider.ours_estimated_usd),
                "agrees": provider.agrees(result.tolerance) if result.tolerance else None,
                "obstacles": list(provider.obstacles),
                "explanations": list(provider.explanations),
                "quantities": [
                    {"unit": one.unit, "theirs": plain_quantity(one.theirs), "ours": plain_quantity(one.ours)}
                    for one in provider.quantities
                ],
                "models": [{"model": part.name, **_part_document(part)} for part in provider.models],
                "days": [{"day": part.name, **_part_document(part)} for part in provider.days],
            }
            for provider in result.providers
        ],
        "only_ours": list(result.others),
    }


def _part_document(part: ComparedPart) -> dict[str, Any]:
    return {
        "theirs_usd": None if part.theirs_usd is None else exact_usd(part.theirs_usd),
        "ours_usd": None if part.ours_unpriced else exact_usd(part.ours_usd),
        "ours_priced_usd": exact_usd(part.ours_usd),
        "difference_usd": None
        if part.difference is None or part.ours_unpriced
        else exact_usd(part.difference),
    }


def _print_provider(provider: ComparedProvider, result: Reconciliation, console: Console) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(escape(show_plain(provider.whole.name)), overflow="fold")
    for heading in ("Theirs", "Ours", "Theirs − ours"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("all", *_cells(provider.whole), end_section=True)
    for parts in (provider.models, provider.days):
        for part in parts[:_SHOWN]:
            table.add_row(escape(show_plain(part.name)), *_cells(part), end_section=part is parts[-1])
    for one in provider.quantities:
        difference = one.theirs - one.ours
        sign = "−" if difference < 0 else ""
        quantities = (format_quantity(one.theirs), format_quantity(one.ours))
        table.add_row(escape(show_plain(one.unit)), *quantities, sign + format_quantity(abs(difference)))
    console.print(table, crop=False)
    console.print(_verdict(provider, result), style="bold", markup=False)
    for line in (*provider.obstacles, *provider.explanations):
        console.print(show_plain(f"  {line}"), style="dim", markup=False)
    left_out = sum(max(0, len(parts) - _SHOWN) for parts in (provider.models, provider.days))
    if left_out:
        console.print(
            f"  {left_out} models or days that differ less are left out; --json has them", style="dim"
        )


def _verdict(provider: ComparedProvider, result: Reconciliation) -> str:
    if provider.obstacles:
        return "not decided: the two cannot be compared whole"
    if result.tolerance is None:
        return "compared; --tolerance makes it a check"
    return (
        "agrees within the tolerance" if provider.agrees(result.tolerance) else "differs beyond the tolerance"
    )


def _cells(part: ComparedPart) -> list[str]:
    difference = None if part.ours_unpriced else part.difference
    return [
        format_usd(part.theirs_usd),
        least_usd(part.ours_usd, is_whole=not part.ours_unpriced),
        UNKNOWN if difference is None else _signed(difference, part.theirs_usd),
    ]


def _signed(difference: Decimal, of: Decimal | None) -> str:
    sign = "−" if difference < 0 else "+" if difference else ""
    share = f" ({sign}{format_share(float(abs(difference) / of))})" if of else ""
    return f"{sign}{format_usd(abs(difference))}{share}"
