"""Dated prices and image-token rules."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.pricing import Price
    from meetctl.domain.vision_tokens import ImageRule


class PriceBook(Protocol):
    """Dated prices and image-token rules."""

    @property
    def version(self) -> str:
        """The date of the bundled catalogue, such as "2026-11-22"."""

    def image_rule(self, model: str, at: datetime) -> ImageRule:
        """Return the rule that turned image sizes into tokens for `model` at `at`.

        Raises:
            UnknownModelError: No rule covers the model; the message names close matches.
        """

    def price(self, model: str, unit: str, at: datetime) -> Price | None:
        """Return the price of `unit` for `model` in force at `at`; None when unpriced."""
