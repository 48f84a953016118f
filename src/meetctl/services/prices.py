"""What the price book holds, how old it is, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from meetctl.domain.vision_tokens import image_tokens
from meetctl.errors import UnknownModelError
from meetctl.ports import PriceBook

if TYPE_CHECKING:
    from meetctl.domain.pricing import Price
    from meetctl.domain.vision_tokens import ImageRule

STALE_AFTER_DAYS = 60
"""A figure that nobody compared with its source for longer than this is called stale."""
FRAME_SIZES = ((1280, 720), (1920, 1080))
"""Sizes that meetings are usually seen in."""

_TOKENS = ("input_tokens", "output_tokens")
VISION_MODELS = (
    *("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5.1", "gpt-5-mini"),
    *("gpt-5.4", "gpt-5.4-mini", "gpt-5.6-luna", "gpt-6-luna"),
)
"""Models that people are likely to show frames to; each needs prices and an image rule."""
OTHER_USAGE = (
    *(("nova-3", "minutes"), ("sonic-3", "characters"), ("mistv2", "characters")),
    *(("webrtc-participant", "minutes"), ("downstream-data", "gigabytes"), ("agent-session", "minutes")),
)
"""What else a meeting is billed for by default: speech and transport."""


class PriceCatalogue(PriceBook, Protocol):
    """A price book that can also be listed."""

    def rows(self, model: str | None, at: datetime) -> list[Price]:
        """Return the prices in force at `at`, of one model or of all known without the fallback."""

    def rules(self, model: str | None, at: datetime) -> list[ImageRule]:
        """Return the image rules in force at `at`, of one model or all.

        Raises:
            UnknownModelError: No rule covers the model.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceListing:
    """What the book says of one model, or all it has."""

    prices: tuple[Price, ...]
    rules: tuple[ImageRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCheck:
    """How far the book can be trusted."""

    prices: tuple[Price, ...]
    rules: tuple[ImageRule, ...]
    stale_prices: tuple[Price, ...]
    stale_rules: tuple[ImageRule, ...]
    unpriced: tuple[tuple[str, str], ...]
    """Default models and units that have no price."""
    without_rule: tuple[str, ...]
    """Default models that have no image rule."""

    @property
    def holds(self) -> bool:
        """Whether nothing is stale or missing."""
        return not (self.stale_prices or self.stale_rules or self.unpriced or self.without_rule)


def list_prices(book: PriceCatalogue, model: str | None, at: datetime) -> PriceListing:
    """Return prices and rules in force at `at`, of one model or all.

    A model that has prices and no image rule, such as one for speech, is listed without a rule.

    Raises:
        UnknownModelError: The book knows nothing of the model.
    """
    prices = tuple(book.rows(model, at))
    try:
        rules = tuple(book.rules(model, at))
    except UnknownModelError:
        if not prices:
            raise
        rules = ()
    return PriceListing(prices=prices, rules=rules)


def check_prices(book: PriceCatalogue, at: datetime, now: datetime) -> PriceCheck:
    """Find what of the book in force at `at` is stale at `now`, and what it lacks for the default models."""
    prices, rules = tuple(book.rows(None, at)), tuple(book.rules(None, at))
    wanted = [(model, unit) for model in VISION_MODELS for unit in _TOKENS]
    return PriceCheck(
        prices=prices,
        rules=rules,
        stale_prices=tuple(price for price in prices if _is_stale(price.checked, now)),
        stale_rules=tuple(rule for rule in rules if _is_stale(rule.checked, now)),
        unpriced=tuple(
            (model, unit) for model, unit in (*wanted, *OTHER_USAGE) if book.price(model, unit, at) is None
        ),
        without_rule=tuple(_without_rule(book, VISION_MODELS, at)),
    )


def age_days(checked: date | None, now: datetime) -> int | None:
    """Return the whole days since a figure was checked; None when nobody wrote down the day."""
    return None if checked is None else (now.astimezone(UTC).date() - checked).days


def frame_tokens(rule: ImageRule) -> Mapping[str, Mapping[str, int]]:
    """Return what a frame of each usual size is in tokens, by detail."""
    details = [name for name, _ in rule.details]
    return {
        f"{width}x{height}": {detail: image_tokens(rule, width, height, detail) for detail in details}
        for width, height in FRAME_SIZES
    }


def _is_stale(checked: date | None, now: datetime) -> bool:
    """Tell whether a figure is stale; without a day, as in a user's own row, it is not aged."""
    age = age_days(checked, now)
    return age is not None and age > STALE_AFTER_DAYS


def _without_rule(book: PriceBook, models: Iterable[str], at: datetime) -> Iterable[str]:
    for model in models:
        try:
            book.image_rule(model, at)
        except UnknownModelError:
            yield model
