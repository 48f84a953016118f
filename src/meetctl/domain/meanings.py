"""What images cost in the three meanings (domain/billing.py), over many sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from meetctl.domain.billing import Meaning
from meetctl.domain.ledger import Completeness, Dimension, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningCost:
    """What images come to in one meaning, at list prices of input tokens."""

    sent: int = 0
    tokens: int = 0
    """Of those images whose size is known."""
    usd: Decimal = Decimal(0)
    """As far as it has a price."""
    unpriced: int = 0
    """Images without a price, or whose size or rule nobody knows."""

    def __add__(self, other: MeaningCost) -> MeaningCost:
        return MeaningCost(
            sent=self.sent + other.sent,
            tokens=self.tokens + other.tokens,
            usd=self.usd + other.usd,
            unpriced=self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningRow:
    """One meaning of one group."""

    group: tuple[str | None, ...]
    meaning: Meaning
    cost: MeaningCost


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningSummary:
    """The three meanings of each group: three accounts of the same frames, which are never added up."""

    by: tuple[Dimension, ...]
    selection: Selection
    rows: tuple[MeaningRow, ...]
    completeness: Completeness

    @property
    def unpriced(self) -> int:
        """Images without a price, in any meaning."""
        return sum_costs(row.cost for row in self.rows).unpriced


def sum_costs(costs: Iterable[MeaningCost]) -> MeaningCost:
    """Return the sum of costs of one meaning."""
    return sum(costs, MeaningCost())
