"""What was spent, as people ask for it: sums of usage by some dimensions, and how much of it has a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.ledger import Completeness, Dimension, Selection, Spending
from meetctl.domain.session_cost import OFFLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingSum:
    """The sum of some usage."""

    reported_usd: Decimal = Decimal(0)
    """Of quantities that a provider said itself, as far as they have a price."""
    estimated_usd: Decimal = Decimal(0)
    """Of quantities that we estimated, as far as they have a price."""
    image_usd: Decimal = Decimal(0)
    """The images' share, as far as it has a price."""
    quantities: tuple[tuple[str, Fraction], ...] = ()
    """By unit, in the order in which they occur."""
    uses: int = 0
    priced_uses: int = 0
    has_unpriced_images: bool = False
    is_offline: bool = False
    """Whether all of it is the offline provider's, which costs nothing."""

    @property
    def usd(self) -> Decimal:
        """Everything that has a price."""
        return self.reported_usd + self.estimated_usd

    @property
    def is_priced(self) -> bool:
        """Whether there is nothing without a price."""
        return self.priced_uses == self.uses

    @property
    def priced_share(self) -> float:
        """The share of uses that have a price; all of them where there are none."""
        return self.priced_uses / self.uses if self.uses else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingRow:
    """One line of a summary."""

    group: tuple[str | None, ...]
    """One value for each dimension; None where the events do not say."""
    sum: SpendingSum


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingSummary:
    """What was spent, by some dimensions."""

    by: tuple[Dimension, ...]
    selection: Selection
    rows: tuple[SpendingRow, ...]
    """The dearest first, or by day."""
    total: SpendingSum
    unpriced: tuple[Spending, ...]
    """Usage without a price, by provider, model, unit and basis."""
    completeness: Completeness


def summarise_spending(
    spending: Iterable[Spending], by: Sequence[Dimension], selection: Selection, completeness: Completeness
) -> SpendingSummary:
    """Return the summary of sums that were asked for by these dimensions."""
    groups: dict[tuple[str | None, ...], list[Spending]] = {}
    for one in spending:
        groups.setdefault(one.group, []).append(one)
    rows = [SpendingRow(group=group, sum=add_spending(parts)) for group, parts in groups.items()]
    if by and by[0] == "day":
        rows.sort(key=lambda row: tuple(value or "" for value in row.group))
    else:
        rows.sort(key=lambda row: (-row.sum.usd, tuple(value or "" for value in row.group)))
    everything = [part for parts in groups.values() for part in parts]
    return SpendingSummary(
        by=tuple(by),
        selection=selection,
        rows=tuple(rows),
        total=add_spending(everything),
        unpriced=tuple(part for part in everything if part.unpriced),
        completeness=completeness,
    )


def add_spending(parts: Sequence[Spending]) -> SpendingSum:
    """Return the sum of sums.

    >>> add_spending([]).usd, add_spending([]).priced_share
    (Decimal('0'), 1.0)
    """
    quantities: dict[str, Fraction] = {}
    for part in parts:
        quantities[part.unit] = quantities.get(part.unit, Fraction(0)) + part.quantity
    return SpendingSum(
        reported_usd=sum((part.usd for part in parts if part.is_reported), Decimal(0)),
        estimated_usd=sum((part.usd for part in parts if not part.is_reported), Decimal(0)),
        image_usd=sum((part.image_usd for part in parts), Decimal(0)),
        quantities=tuple(quantities.items()),
        uses=sum(part.uses for part in parts),
        priced_uses=sum(part.priced_uses for part in parts),
        has_unpriced_images=any(part.has_unpriced_images for part in parts),
        is_offline=bool(parts) and all(part.provider == OFFLINE for part in parts),
    )
