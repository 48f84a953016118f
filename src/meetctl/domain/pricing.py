"""Prices as dated facts, and the one function that turns usage into money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction

_LEAST_PLACES = 6
"""Decimal places that every amount has: a millionth of a dollar is less than one image costs."""
_PERIODIC_PLACES = 12
"""Decimal places of an amount that no finite decimal equals, such as a third of a cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one provider asks for a quantity of one unit of one model, in a period."""

    provider: str
    """Who bills, in lower case: "openai", "deepgram", "cartesia", "rime", "livekit" …"""
    model: str
    """The model, plan or product the price is for, as the provider names it."""
    unit: str
    """What is counted: "input_tokens", "cached_input_tokens", "output_tokens", "minutes" …"""
    usd: Decimal
    """Price in USD of `per` units."""
    per: int
    """The number of units that `usd` buys, such as 1,000,000 tokens."""
    effective_from: date | None = None
    """First day on which the price held (UTC); None when that is not known."""
    effective_to: date | None = None
    """First day on which it no longer held (UTC); None while it holds."""
    source: str
    """Where the figure comes from: an address, or a library with its version."""
    checked: date | None = None
    """The day on which somebody last compared the figure with its source."""
    origin: str
    """Which layer of the price book it is from: "bundled", "genai-prices 0.2.3", a file's path."""
    plan: str = ""
    """The plan or tier that the price belongs to, as the provider names it."""
    increment: Fraction | None = None
    """The step, in units, to which the provider rounds a quantity up; None when not known."""
    included: Decimal | None = None
    """Units a month that the plan includes before this price applies; None for none."""
    note: str = ""
    """Anything a reader must know, such as what is not modelled."""

    def holds_at(self, at: datetime) -> bool:
        """Tell whether this price was in force at `at` (an aware time).

        >>> luna = Price(
        ...     provider="openai",
        ...     model="gpt-5.6-luna",
        ...     unit="input_tokens",
        ...     usd=Decimal("0.20"),
        ...     per=1_000_000,
        ...     effective_from=date(2026, 7, 30),
        ...     source="example",
        ...     origin="bundled",
        ... )
        >>> luna.holds_at(datetime(2026, 7, 30, tzinfo=UTC))
        True
        >>> luna.holds_at(datetime(2026, 7, 29, 23, 59, tzinfo=UTC))
        False
        """
        return in_period(at, self.effective_from, self.effective_to)


def in_period(at: datetime, effective_from: date | None, effective_to: date | None) -> bool:
    """Tell whether the UTC day of `at` (aware) is in a period; its last day is excluded, None is open.

    >>> in_period(datetime(2026, 8, 28, tzinfo=UTC), None, date(2026, 8, 28))
    False
    """
    day = at.astimezone(UTC).date()
    return (effective_from is None or effective_from <= day) and (effective_to is None or day < effective_to)


def price_in_force(prices: Iterable[Price], at: datetime) -> Price | None:
    """Return the price that held at `at`: of several, the one that began last; None if none held.

    >>> old, new = (
    ...     Price(
    ...         provider="p",
    ...         model="m",
    ...         unit="minutes",
    ...         usd=Decimal(usd),
    ...         per=1,
    ...         effective_from=start,
    ...         source="example",
    ...         origin="bundled",
    ...     )
    ...     for usd, start in (("2", None), ("1", date(2026, 1, 1)))
    ... )
    >>> price_in_force([new, old], datetime(2026, 5, 1, tzinfo=UTC)).usd
    Decimal('1')
    """
    holding = [price for price in prices if price.holds_at(at)]
    return max(holding, key=lambda price: price.effective_from or date.min, default=None)


def price_of(quantity: int | Fraction, price: Price) -> Decimal:
    """Return what `quantity` units cost in USD, exactly, with at least six decimal places.

    An amount that no finite decimal equals is rounded to twelve places. Increments and included
    quantities are not applied: whoever counts usage rounds each piece first.

    >>> from decimal import Decimal
    >>> p = Price(
    ...     provider="openai",
    ...     model="gpt-4.1",
    ...     unit="input_tokens",
    ...     usd=Decimal("2.00"),
    ...     per=1_000_000,
    ...     source="example",
    ...     origin="bundled",
    ... )
    >>> price_of(68510, p)
    Decimal('0.137020')
    """
    amount = Fraction(quantity) * Fraction(price.usd) / price.per
    places = _decimal_places(amount.denominator)
    with localcontext() as context:
        context.prec = len(str(amount.numerator)) + amount.denominator.bit_length() + _PERIODIC_PLACES
        exact = Decimal(amount.numerator) / Decimal(amount.denominator)
        kept = _PERIODIC_PLACES if places is None else max(places, _LEAST_PLACES)
        return exact.quantize(Decimal(1).scaleb(-kept))


def _decimal_places(denominator: int) -> int | None:
    """Return the decimal places of a reduced fraction with this denominator; None if they never end."""
    counts = []
    for factor in (2, 5):
        count = 0
        while denominator % factor == 0:
            denominator //= factor
            count += 1
        counts.append(count)
    return max(counts) if denominator == 1 else None
