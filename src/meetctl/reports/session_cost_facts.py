"""What a session's summary says of its cost: reported and estimated apart, and what has no price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE
from meetctl.reports.cells import format_share
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from meetctl.domain.session_cost import CostLine, UsageTotal
    from meetctl.domain.session_reading import SessionReading

_NOTHING = "–"

_UNITS = {
    "input_tokens": "{:,.0f} in",
    "cached_input_tokens": "{:,.0f} cached",
    "output_tokens": "{:,.0f} out",
    "tokens": "{:,.0f} tokens",
    "minutes": "{:,.2f} min",
    "characters": "{:,.0f} chars",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What one provider's model came to."""

    provider: str
    model: str
    usage: str
    reported: str
    estimated: str


def cost_rows(usage: UsageTotal) -> list[CostRow]:
    """Return what each provider's model came to, reported and estimated apart."""
    rows: dict[tuple[str, str], list[CostLine]] = {}
    for part in usage.parts:
        rows.setdefault((part.provider, part.model), []).append(part)
    return [
        CostRow(
            provider=provider,
            model=model,
            usage=_usage(parts),
            reported=_amount([part for part in parts if part.basis == "reported"]),
            estimated=_amount([part for part in parts if part.basis != "reported"]),
        )
        for (provider, model), parts in rows.items()
    ]


def cost_total(usage: UsageTotal) -> CostRow:
    """Return the sums of all that has a price."""
    parts = usage.parts
    return CostRow(
        provider="total",
        model="",
        usage="",
        reported=_amount([part for part in parts if part.basis == "reported"]),
        estimated=_amount([part for part in parts if part.basis != "reported"]),
    )


def cost_notes(reading: SessionReading) -> Iterator[str]:
    """Say how much of the usage has a price, what has none, and what was offline."""
    usage = reading.state.usage
    if not usage.uses:
        yield "nothing was used that costs anything"
        return
    yield f"priced {format_share(reading.priced_share)} of {usage.uses:,} uses"
    unpriced = dict.fromkeys(f"{part.provider}/{part.model} {part.unit}" for part in usage.unpriced)
    if unpriced:
        yield f"no price: {', '.join(unpriced)}; the totals lack it"
    if reading.is_offline:
        yield "all of it offline, which costs nothing"
    elif any(part.provider == OFFLINE for part in usage.parts):
        yield "the provider offline costs nothing"


def _usage(parts: Sequence[CostLine]) -> str:
    quantities: dict[str, float] = {}
    for part in parts:
        quantities[part.unit] = quantities.get(part.unit, 0.0) + float(part.quantity)
    return ", ".join(_UNITS.get(unit, "{:,.2f} " + unit).format(n) for unit, n in quantities.items())


def _amount(parts: Sequence[CostLine]) -> str:
    """Return a sum; what has no price is said, never taken for nothing."""
    if not parts:
        return _NOTHING
    priced = [part.usd for part in parts if part.usd is not None]
    if len(priced) == len(parts):
        return format_usd(sum(priced, Decimal(0)))
    return f"≥ {format_usd(sum(priced, Decimal(0)))}" if priced else format_usd(None)
