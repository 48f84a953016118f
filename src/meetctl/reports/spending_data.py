"""What was spent, as JSON and as CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from meetctl.reports.money import exact_usd

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.domain.ledger import Completeness, Dimension, Selection, Spending
    from meetctl.domain.meanings import MeaningSummary
    from meetctl.domain.spending_summary import SpendingSum, SpendingSummary

_COLUMNS = (
    *("provider", "model", "unit", "basis", "quantity", "usd", "unpriced_quantity", "uses", "priced_uses"),
    *("image_tokens", "image_usd"),
)


def spending_document(summary: SpendingSummary) -> dict[str, Any]:
    """Return the document `meetctl.cost/1`; what has a price only in part has `usd` null."""
    return {
        "schema": "meetctl.cost/1",
        "by": list(summary.by),
        **selection_document(summary.selection),
        "rows": [
            {**dict(zip(summary.by, row.group, strict=True)), **_sum_document(row.sum)}
            for row in summary.rows
        ],
        "total": _sum_document(summary.total),
        "priced": round(summary.total.priced_share, 6),
        "unpriced": [
            {
                **dict(zip(summary.by, one.group, strict=True)),
                "provider": one.provider,
                "model": one.model,
                "unit": one.unit,
                "quantity": plain_quantity(one.unpriced),
            }
            for one in summary.unpriced
        ],
        "completeness": completeness_document(summary.completeness),
    }


def meaning_document(summary: MeaningSummary) -> dict[str, Any]:
    """Return the document `meetctl.cost.meaning/1`; the meanings of a group are never to be added up."""
    return {
        "schema": "meetctl.cost.meaning/1",
        "by": [*summary.by, "meaning"],
        **selection_document(summary.selection),
        "basis": "estimated",
        "rows": [
            {
                **dict(zip(summary.by, row.group, strict=True)),
                "meaning": row.meaning,
                "sent": row.cost.sent,
                "tokens": row.cost.tokens,
                "usd": None if row.cost.unpriced else exact_usd(row.cost.usd),
                "priced_usd": exact_usd(row.cost.usd),
                "unpriced_images": row.cost.unpriced,
            }
            for row in summary.rows
        ],
        "completeness": completeness_document(summary.completeness),
    }


def selection_document(selection: Selection) -> dict[str, Any]:
    """Return what was asked for."""
    return {
        "days": "UTC",
        "since": _moment(selection.since),
        "until": _moment(selection.until),
        "tenant": selection.tenant,
        "room": selection.room,
        "session": selection.session,
    }


def completeness_document(completeness: Completeness) -> dict[str, int]:
    """Return what may be missing."""
    return {
        "sessions": completeness.sessions,
        "unended_sessions": completeness.unended,
        "missing_events": completeness.missing_events,
        "unreadable_lines": completeness.unreadable_lines,
        "undated_uses": completeness.undated_uses,
    }


def spending_rows(
    by: Sequence[Dimension], spending: Sequence[Spending]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return columns and rows for CSV and Parquet: one a group, provider, model, unit and basis."""
    dimensions = tuple(one for one in by if one not in ("provider", "model"))
    rows = []
    for one in spending:
        group = dict(zip(by, one.group, strict=True))
        rows.append(
            (
                *(group[name] or "" for name in dimensions),
                *(one.provider, one.model, one.unit, one.basis, str(plain_quantity(one.quantity))),
                *(
                    exact_usd(one.usd) if one.unpriced != one.quantity else "",
                    str(plain_quantity(one.unpriced)),
                ),
                *(str(one.uses), str(one.priced_uses), str(one.image_tokens)),
                exact_usd(one.image_usd),
            )
        )
    return (*dimensions, *_COLUMNS), rows


def meaning_rows(summary: MeaningSummary) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return columns and rows of the three meanings."""
    columns = (*summary.by, "meaning", "sent", "tokens", "usd", "unpriced_images")
    rows = [
        (
            *(value or "" for value in row.group),
            *(row.meaning, str(row.cost.sent), str(row.cost.tokens)),
            *(exact_usd(row.cost.usd) if row.cost.unpriced < row.cost.sent or not row.cost.sent else "",),
            str(row.cost.unpriced),
        )
        for row in summary.rows
    ]
    return columns, rows


def render_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return CSV with a heading, ended by newlines."""
    return render_lines([columns, *rows])


def render_lines(rows: Sequence[Sequence[str]]) -> str:
    """Return CSV lines, ended by newlines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def plain_quantity(quantity: Fraction) -> int | float:
    """Return a quantity as a number: whole ones whole, others with six decimals."""
    return quantity.numerator if quantity.denominator == 1 else round(float(quantity), 6)


def _sum_document(sums: SpendingSum) -> Mapping[str, Any]:
    return {
        "usd": exact_usd(sums.usd) if sums.is_priced else None,
        "priced_usd": exact_usd(sums.usd),
        "reported_usd": exact_usd(sums.reported_usd),
        "estimated_usd": exact_usd(sums.estimated_usd),
        "image_usd": None if sums.has_unpriced_images else exact_usd(sums.image_usd),
        "uses": sums.uses,
        "priced_uses": sums.priced_uses,
        "offline": sums.is_offline,
        "quantities": {unit: plain_quantity(quantity) for unit, quantity in sums.quantities},
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
