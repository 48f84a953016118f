"""What past usage would have cost with another model, at another day's prices, or by another price book."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.ledger import Completeness, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is different from what really was; None leaves a thing as it was."""

    model: str | None = None
    """The language model."""
    at: date | None = None
    """The day whose prices and image rules hold."""
    detail: str | None = None
    side: int | None = None
    """Longest side that frames are sent in."""
    has_other_book: bool = False
    """Whether price files of the user's are named, so that everything is priced anew."""

    @property
    def changes_pictures(self) -> bool:
        """Whether pictures are sent otherwise, so that none of them would be in the model's cache."""
        return self.model is not None or self.detail is not None or self.side is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repriced:
    """Usage of one provider's model, as it was and as it would have been."""

    provider: str
    model: str
    new_model: str
    usd: Decimal
    """What the events say, as far as it has a price."""
    has_unpriced: bool
    new_usd: Decimal
    """As far as it can be priced."""
    unpriced: tuple[tuple[str, Fraction], ...] = ()
    """What cannot be priced anew: unit and quantity."""
    image_tokens: int = 0
    new_image_tokens: int = 0
    uncounted_images: int = 0
    """Images whose size or rule nobody knows; the requests that sent them cannot be priced whole."""
    text_tokens: int = 0
    """Input that is text; the same on both sides, though tokenizers differ."""
    is_language_model: bool = False

    @property
    def is_comparable(self) -> bool:
        """Whether both sides are whole."""
        return not (self.has_unpriced or self.unpriced or self.uncounted_images)

    @property
    def difference(self) -> Decimal | None:
        """How much more it would have cost; None where a side is not whole."""
        return self.new_usd - self.usd if self.is_comparable else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """Everything that was priced anew."""

    target: Target
    selection: Selection
    rows: tuple[Repriced, ...]
    completeness: Completeness
    assumptions: tuple[str, ...] = field(default=())

    @property
    def is_comparable(self) -> bool:
        """Whether all of it is whole on both sides."""
        return all(row.is_comparable for row in self.rows)

    @property
    def usd(self) -> Decimal:
        """What the events say of all of it."""
        return add_usd(row.usd for row in self.rows)

    @property
    def new_usd(self) -> Decimal:
        """What all of it would have cost, as far as it can be priced."""
        return add_usd(row.new_usd for row in self.rows)


def add_usd(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts that are known."""
    return sum(amounts, Decimal(0))
