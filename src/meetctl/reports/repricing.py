"""Usage priced anew beside what it cost, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.reports.cells import UNKNOWN, format_share
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain
from meetctl.reports.spending import describe_gaps, describe_period, format_quantity, least_usd
from meetctl.reports.spending_data import completeness_document, plain_quantity, selection_document

if TYPE_CHECKING:
    from rich.console import Console

    from meetctl.domain.repricing import Repriced, Repricing


def print_repricing(result: Repricing, console: Console) -> None:
    """Print both sides, the difference, and what could not be priced."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Model", overflow="fold")
    table.add_column("Priced as", overflow="fold")
    for heading in ("Image tokens", "instead", "Cost", "instead", "Difference"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        has_images = row.image_tokens or row.new_image_tokens
        table.add_row(
            escape(show_plain(f"{row.provider}/{row.model}")),
            escape(show_plain(row.new_model))
            if row.is_language_model
            else "as it was"
            if _is_kept(result)
            else "",
            f"{row.image_tokens:,}" if has_images else "–",
            f"{row.new_image_tokens:,}" if has_images else "–",
            least_usd(row.usd, is_whole=not row.has_unpriced),
            least_usd(row.new_usd, is_whole=not (row.unpriced or row.uncounted_images)),
            _difference(row.usd, row.difference),
        )
    if len(result.rows) > 1:
        table.add_section()
        difference = result.new_usd - result.usd if result.is_comparable else None
        was_whole = not any(row.has_unpriced for row in result.rows)
        is_whole = not any(row.unpriced or row.uncounted_images for row in result.rows)
        cells = (least_usd(result.usd, is_whole=was_whole), least_usd(result.new_usd, is_whole=is_whole))
        table.add_row("Total", "", "", "", *cells, _difference(result.usd, difference))
    console.print(table, crop=False)
    for line in _describe(result):
        console.print(line, style="dim", markup=False)


def repricing_document(result: Repricing, price_book: str) -> dict[str, Any]:
    """Return the document `meetctl.cost.reprice/1`."""
    target = result.target
    return {
        "schema": "meetctl.cost.reprice/1",
        "price_book": {"version": price_book},
        "target": {
            "model": target.model,
            "at": target.at.isoformat() if target.at else None,
            "detail": target.detail,
            "side": target.side,
            "other_prices": target.has_other_book,
        },
        **selection_document(result.selection),
        "rows": [_row_document(row) for row in result.rows],
        "total": {
            "usd": exact_usd(result.usd) if not any(row.has_unpriced for row in result.rows) else None,
            "new_usd": exact_usd(result.new_usd) if result.is_comparable else None,
            "difference_usd": exact_usd(result.new_usd - result.usd) if result.is_comparable else None,
        },
        "comparable": result.is_comparable,
        "basis": "estimated",
        "assumptions": list(result.assumptions),
        "completeness": completeness_document(result.completeness),
    }


def _row_document(row: Repriced) -> dict[str, Any]:
    is_whole = not (row.unpriced or row.uncounted_images)
    return {
        "provider": row.provider,
        "model": row.model,
        "new_model": row.new_model,
        "usd": None if row.has_unpriced else exact_usd(row.usd),
        "new_usd": exact_usd(row.new_usd) if is_whole else None,
        "new_priced_usd": exact_usd(row.new_usd),
        "difference_usd": None if row.difference is None else exact_usd(row.difference),
        "image_tokens": row.image_tokens,
        "new_image_tokens": row.new_image_tokens,
        "text_tokens": row.text_tokens,
        "uncounted_images": row.uncounted_images,
        "unpriced": {unit: plain_quantity(quantity) for unit, quantity in row.unpriced},
    }


def _describe(result: Repricing) -> Iterator[str]:
    for row in result.rows:
        for unit, quantity in row.unpriced:
            yield show_plain(f"{UNKNOWN}: {format_quantity(quantity)} {unit} priced as {row.new_model}")
        if row.uncounted_images:
            images = f"{row.uncounted_images:,} images of {row.provider}/{row.model}"
            yield show_plain(f"{UNKNOWN}: {images}, whose size or rule is not known; the rest is priced")
    yield from result.assumptions
    yield describe_period(result.selection)
    yield from describe_gaps(result.completeness)


def _is_kept(result: Repricing) -> bool:
    return result.target.at is None and not result.target.has_other_book


def _difference(usd: Decimal, difference: Decimal | None) -> str:
    if difference is None:
        return UNKNOWN
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    share = f" ({sign}{format_share(float(abs(difference) / usd))})" if usd else ""
    return f"{sign}{format_usd(abs(difference))}{share}"
