"""What images and tokens of past days cost by the price book, each looked up once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.model_names import OFFLINE, split_model, strip_offline
from meetctl.domain.pricing import price_of
from meetctl.domain.vision_tokens import image_tokens, sent_size
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.pricing import Price
    from meetctl.ports import PriceBook


class DatedPrices:
    """The price book as of days; what it does not know is None, never zero."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._prices: dict[tuple[str, str, date], Price | None] = {}
        self._tokens: dict[tuple[str, date, int, int, str], int | None] = {}

    def cost(
        self, provider: str, model: str, unit: str, quantity: int | Fraction, day: date | None
    ) -> Decimal | None:
        """Return what a quantity costs in USD on a day; None without a price. Offline usage costs nothing."""
        if not quantity or provider == OFFLINE or split_model(model).is_offline:
            return Decimal(0)
        if day is None:
            return None
        key = (model, unit, day)
        if key not in self._prices:
            self._prices[key] = self._book.price(model, unit, noon(day))
        price = self._prices[key]
        return None if price is None else price_of(quantity, price)

    def image_tokens(
        self, model: str, size: tuple[int | None, int | None], side: int | None, detail: str, day: date | None
    ) -> int | None:
        """Return what one image of a frame of this size is in tokens; None where nobody can tell."""
        width, height = size
        if day is None or width is None or height is None:
            return None
        key = (model, day, *sent_size(width, height, side), detail)
        if key not in self._tokens:
            self._tokens[key] = self._count(*key)
        return self._tokens[key]

    def _count(self, model: str, day: date, width: int, height: int, detail: str) -> int | None:
        try:
            rule = self._book.image_rule(strip_offline(model), noon(day))
            return image_tokens(rule, width, height, detail)
        except UsageError:
            return None  # no rule, or one that does not know this detail: not a guess


def noon(day: date) -> datetime:
    """Return the middle of a day in UTC, at which a price book is asked for that day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
