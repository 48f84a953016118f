"""What a provider says it billed against what our events say: the difference, and what may explain it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.model_names import split_model


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One line of a provider's account."""

    provider: str
    day: date | None
    """In UTC; None where the account is of a longer period."""
    model: str | None = None
    unit: str | None = None
    quantity: Fraction | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccount:
    """What a provider says of a period."""

    lines: tuple[BilledLine, ...]
    first: date
    last: date
    """Its last day, which belongs to it."""
    shape: str
    """What kind of account it is, in words."""
    is_whole: bool = True
    """Whether it says itself that nothing is left out."""

    @property
    def has_days(self) -> bool:
        """Whether every line says its day."""
        return all(line.day is not None for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two amounts may differ."""

    usd: Decimal | None = None
    share: Decimal | None = None
    """Of the provider's amount."""

    def allows(self, theirs: Decimal, ours: Decimal) -> bool:
        """Tell whether ours is near enough.

        >>> Tolerance(share=Decimal("0.01")).allows(Decimal(100), Decimal("99.5"))
        True
        """
        most = self.usd if self.usd is not None else abs(theirs) * (self.share or Decimal(0))
        return abs(ours - theirs) <= most


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPart:
    """One provider, or one of its models or days, on both sides."""

    name: str
    theirs_usd: Decimal | None
    """None where their account does not say amounts."""
    ours_usd: Decimal
    """As far as it has a price."""
    ours_unpriced: bool = False

    @property
    def difference(self) -> Decimal | None:
        """How much more they say than we; None where they say no amount."""
        return None if self.theirs_usd is None else self.theirs_usd - self.ours_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedQuantity:
    """One unit on both sides."""

    unit: str
    theirs: Fraction
    ours: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedProvider:
    """One provider's account and ours."""

    whole: ComparedPart
    ours_estimated_usd: Decimal
    quantities: tuple[ComparedQuantity, ...]
    models: tuple[ComparedPart, ...]
    days: tuple[ComparedPart, ...]
    """Those that differ most first."""
    explanations: tuple[str, ...]
    obstacles: tuple[str, ...]
    """Why the two cannot be compared whole; none where they can."""

    def agrees(self, tolerance: Tolerance) -> bool:
        """Tell whether both say the same as nearly as that; what cannot be compared does not agree."""
        theirs = self.whole.theirs_usd
        return not self.obstacles and theirs is not None and tolerance.allows(theirs, self.whole.ours_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Every provider of an account against ours."""

    account: ProviderAccount
    providers: tuple[ComparedProvider, ...]
    tolerance: Tolerance | None
    others: tuple[str, ...]
    """Providers that only our events know."""

    @property
    def is_decided(self) -> bool:
        """Whether everything in the account could be compared."""
        return bool(self.providers) and not any(provider.obstacles for provider in self.providers)

    @property
    def holds(self) -> bool:
        """Whether all agree within the tolerance."""
        tolerance = self.tolerance or Tolerance(usd=Decimal(0))
        return bool(self.providers) and all(provider.agrees(tolerance) for provider in self.providers)


def month_account(provider: str, total: Decimal, year: int, month: int) -> ProviderAccount:
    """Return the account that is one month's total.

    >>> month_account("openai", Decimal("123.45"), 2026, 11).last
    datetime.date(2026, 11, 30)
    """
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    line = BilledLine(provider=provider, day=None, usd=total)
    return ProviderAccount(
        lines=(line,), first=first, last=following - timedelta(days=1), shape=f"the total of {first:%Y-%m}"
    )


def make_account(lines: Sequence[BilledLine], shape: str, *, is_whole: bool = True) -> ProviderAccount:
    """Return the account of dated lines, whose period is that of its first day to its last."""
    days = [line.day for line in lines if line.day is not None]
    return ProviderAccount(
        lines=tuple(lines), first=min(days), last=max(days), shape=shape, is_whole=is_whole
    )


def plain_model(model: str) -> str:
    """Return a model's name as both sides have it: without provider and without a snapshot's date.

    >>> plain_model("gpt-4.1-2025-04-14"), plain_model("nova-3")
    ('gpt-4.1', 'nova-3')
    """
    return split_model(model).names[-1]


def add_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of the amounts that are said; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
