"""Verifications as lines for people, and as one JSON document (schema meetctl.verify/1)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.verification import BothAmounts, Verification
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = "meetctl.verify/1"


def make_verification_document(found: Sequence[Verification], *, price_book: str) -> dict[str, object]:
    """Return the document of all verified bundles."""
    return {
        "schema": SCHEMA,
        "ok": all(one.holds for one in found),
        "bundles": [_bundle(one) for one in found],
        "price_book": {"version": price_book},
    }


def _bundle(one: Verification) -> dict[str, object]:
    return {
        "path": str(one.path),
        "ok": one.holds,
        "decided": one.is_decided,
        "frames": {"journal": one.frames.journal, "replay": one.frames.replay},
        "agent": one.has_agent,
        "requests": one.requests,
        "tokens": {"journal": one.tokens.journal, "replay": one.tokens.replay},
        "usd": _amounts(one.usd),
        "list_usd": {"model": one.model, **_amounts(one.list_usd)},
        "first_difference": one.first_difference,
        "notes": list(one.notes),
    }


def _amounts(amounts: BothAmounts) -> dict[str, object]:
    return {"journal": _text(amounts.journal), "replay": _text(amounts.replay)}


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else exact_usd(usd)


def print_verifications(found: Sequence[Verification], console: Console) -> None:
    """Print what was compared of each bundle, and whether it is the same; differences are not repeated."""
    for one in found:
        console.print(show_plain(_describe(one)), style="bold", markup=False)
        for line in one.notes:
            console.print(f"  {show_plain(line)}", style="dim", markup=False)


def _describe(one: Verification) -> str:
    if not one.is_decided:
        return f"{one.path}: cannot be verified"
    if not one.holds:
        return f"{one.path}: journal and recording differ"
    if not one.has_agent:
        return (
            f"{one.path}: verified. The recording gives the journal's "
            f"{_count(one.frames.journal, 'kept frame')}; it was made without an agent, so nothing was asked "
            "of a model and there is no cost to hold against it."
        )
    usd = f"{format_usd(one.usd.replay)} for them" if one.usd.replay is not None else "no price for them"
    listed = f", {format_usd(one.list_usd.replay)} at {one.model}'s list price" if one.list_usd.replay else ""
    counted = f"{_count(one.frames.journal, 'kept frame')} and {_count(one.requests, 'request')}"
    return (
        f"{one.path}: verified. The recording gives the journal's {counted} with "
        f"{one.tokens.journal:,} image tokens; {usd}{listed}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
