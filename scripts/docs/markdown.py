"""Figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right_from: int = 1) -> str:
    """Return a table whose columns are right-aligned from `right_from` on."""
    marks = ["---" if place < right_from else "--:" for place in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, marks, *rows))


def percent(share: float) -> str:
    """Return a share in percent with at most one decimal.

    >>> percent(0.9667), percent(0.0)
    ('96.7 %', '0 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
