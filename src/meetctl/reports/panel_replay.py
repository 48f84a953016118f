"""A replay in words and as JSON: policies to choose from, what one would have cost, and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.domain.billing import MEANINGS
from meetctl.reports.money import exact_usd, format_usd

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit
    from meetctl.domain.coverage import Coverage
    from meetctl.domain.view.comparison import Compared, Figure, Unit
    from meetctl.domain.view.markers import Marker
    from meetctl.domain.view.what_if import PolicySoFar

POLICY_COLUMNS = ("Policy", "Kept", "Changes shown", "Every frame", "Per request", "In history")
"""Of the policies to choose from; the last three are what the images cost in each meaning."""


def policy_cells(audit: PolicyAudit) -> tuple[str, ...]:
    """Return a policy's row: the whole recording by it."""
    costs = (format_usd(audit.costs[meaning].usd) for meaning in MEANINGS)
    return (audit.policy.name, f"{audit.kept:,}", _show_coverage(audit.coverage), *costs)


def tell_policy(now: PolicySoFar, whole: PolicyAudit) -> list[str]:
    """Say what a policy has kept, missed and cost at the cursor, and as a whole; two lines."""
    kept = f"{now.policy.name}: {now.kept:,} of {whole.kept:,} kept"
    if now.changes is None or now.missed is None:
        seen = "changes not looked for yet"
    elif not now.changes:
        seen = "no change so far"
    else:
        seen = f"{now.changes - now.missed} of {now.changes} changes shown, {now.missed} missed"
    costs = (
        f"{title.lower()} {format_usd(now.spent[meaning].usd)} of {format_usd(whole.costs[meaning].usd)}"
        for meaning, title in zip(MEANINGS, POLICY_COLUMNS[-len(MEANINGS) :], strict=True)
    )
    return [f"{kept}; {seen}", "; ".join(costs)]


def compared_cells(row: Compared) -> tuple[str, str, str, str]:
    """Return a figure of both with its difference, signed.

    >>> from meetctl.domain.view.comparison import Compared
    >>> compared_cells(Compared(name="cost", unit="usd", first=Decimal("1.5"), second=Decimal(1)))
    ('cost', '$1.50', '$1.00', '-$0.50')
    >>> compared_cells(Compared(name="turns", unit="count", first=None, second=1200))
    ('turns', 'n/a', '1,200', '')
    """
    difference = row.difference
    if difference is None:
        signed = ""
    else:
        signed = _show(difference, row.unit)
        signed = f"+{signed}" if difference > 0 else signed
    return row.name, _show(row.first, row.unit), _show(row.second, row.unit), signed


def document_comparison(titles: Sequence[str], rows: Sequence[Compared], t: float) -> dict[str, Any]:
    """Return a comparison at a time in JSON's types; what is not known is null."""
    return {
        "schema": "meetctl.panel.comparison/1",
        "t": t,
        "first": titles[0],
        "second": titles[1],
        "figures": [
            {
                "name": row.name,
                "unit": row.unit,
                "first": _plain(row.first),
                "second": _plain(row.second),
                "difference": _plain(row.difference),
            }
            for row in rows
        ],
    }


def document_markers(markers: Sequence[Marker]) -> dict[str, Any]:
    """Return a session's markers in JSON's types."""
    listed = [{"t": marker.t, "kind": marker.kind, "text": marker.text} for marker in markers]
    return {"schema": "meetctl.panel.markers/1", "markers": listed}


def _show_coverage(coverage: Coverage) -> str:
    if coverage.changes is None or coverage.seen is None:
        return "-"
    return f"{coverage.seen} of {coverage.changes}"


def _show(figure: Figure, unit: Unit) -> str:
    if figure is None:
        return "n/a"
    match unit:
        case "usd":
            return format_usd(Decimal(figure))
        case "seconds":
            return f"{figure:.2f} s"
        case "share":
            return f"{figure:.1%}"
    return f"{figure:,}"


def _plain(figure: Figure) -> str | float | int | None:
    return exact_usd(figure) if isinstance(figure, Decimal) else figure
