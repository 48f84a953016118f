"""Prices of language models from the genai-prices package, as bundled with it: nothing is downloaded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.pricing import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genai_prices.types import ModelInfo, ModelPrice

_PER = 1_000_000
_PRICE_FIELDS: Mapping[str, str] = {
    "input_tokens": "input_mtok",
    "cached_input_tokens": "cache_read_mtok",
    "output_tokens": "output_mtok",
}


def find_price(provider: str | None, model: str, unit: str, at: datetime) -> Price | None:
    """Return the price of a million tokens at `at` (aware); None for another unit or an unpriced model.

    The package counts a unit that a model has no price for as $0.00; here that is None too. Where the
    price rises above a number of input tokens, it is the price below it, and the note says so.
    """
    if unit not in _PRICE_FIELDS:
        return None
    from genai_prices import Usage, __version__, calc_price
    from genai_prices.types import TieredPrices

    try:
        match = calc_price(Usage(), model, provider_id=provider, genai_request_timestamp=at)
    except LookupError:
        return None
    asked = getattr(match.model_price, _PRICE_FIELDS[unit])
    note = ""
    if isinstance(asked, TieredPrices):
        if asked.tiers:
            note = f"Above {asked.tiers[0].start:,} input tokens a request costs more; that is not modelled."
        asked = asked.base
    if not isinstance(asked, Decimal):
        return None
    version = f"genai-prices {__version__}"
    effective_from, effective_to = _period(match.model, match.model_price, at)
    return Price(
        provider=match.provider.id,
        model=match.model.id,
        unit=unit,
        usd=asked,
        per=_PER,
        effective_from=effective_from,
        effective_to=effective_to,
        source=version,
        origin=version,
        note=note,
    )


def _period(model: ModelInfo, price: ModelPrice, at: datetime) -> tuple[date | None, date | None]:
    """Return the days between which `price`, in force at `at`, holds; None where the package does not say."""
    from genai_prices.types import StartDateConstraint

    if not isinstance(model.prices, list):
        return None, None
    day = at.astimezone(UTC).date()
    own: date | None = None
    later: list[date] = []
    for conditional in model.prices:
        if isinstance(conditional.constraint, StartDateConstraint):
            start = conditional.constraint.start_date
            if conditional.prices is price:
                own = start
            elif start > day:
                later.append(start)
    return own, min(later, default=None)
