"""A price book in memory: what it is given is all it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.model_names import OFFLINE, split_model
from meetctl.domain.pricing import Price, price_in_force
from meetctl.domain.vision_tokens import rule_in_force
from meetctl.errors import UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from meetctl.domain.vision_tokens import ImageRule


class InMemoryPriceBook:
    """Prices and rules of plain lists."""

    def __init__(self, prices: Sequence[Price], rules: Sequence[ImageRule], version: str) -> None:
        self._prices = prices
        self._rules = rules
        self._version = version

    @property
    def version(self) -> str:
        return self._version

    def image_rule(self, model: str, at: datetime) -> ImageRule:
        rule = rule_in_force(self._rules, model, at)
        if rule is None:
            known = ", ".join(name for rule in self._rules for name in rule.models)
            raise UnknownModelError(f"no rule for {model!r}; known: {known}", hint="add one")
        return rule

    def price(self, model: str, unit: str, at: datetime) -> Price | None:
        asked = split_model(model)
        for name in asked.names:
            price = price_in_force(
                (
                    price
                    for price in self._prices
                    if (price.model, price.unit) == (name, unit)
                    and asked.provider in (None, OFFLINE, price.provider)
                ),
                at,
            )
            if price is not None:
                return _free(price) if asked.is_offline else price
        return None


def _free(price: Price) -> Price:
    from dataclasses import replace

    return replace(price, usd=price.usd * 0, provider=OFFLINE, origin=OFFLINE)
