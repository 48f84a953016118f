"""The price book: the user's files, then the bundled ones, then genai-prices, then no price."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from meetctl.adapters import prices_genai
from meetctl.adapters.prices_toml import (
    Tables,
    build_price,
    build_rule,
    overlay,
    parse_tables,
    read_tables,
    without,
)
from meetctl.domain.model_names import OFFLINE, split_model, strip_offline
from meetctl.domain.pricing import Price, price_in_force
from meetctl.domain.vision_tokens import ImageRule, rule_in_force
from meetctl.errors import UnknownModelError

BUNDLED = "bundled"
TOKEN_UNITS = ("input_tokens", "cached_input_tokens", "output_tokens")
"""What language models are billed by."""
_FILES = ("prices.toml", "image_rules.toml")
_HINT = (
    "add a rule to a TOML file and name it with --prices: [[rules]] "
    """id = "mine/2026-11-22", kind = "flat", models = ['{pattern}'], details.high = {{ tokens = 1000 }}"""
)

PriceSource = Callable[[str | None, str, str, datetime], Price | None]
"""Finds the price of a provider's (None: any) model and unit at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Prices and rules that go before those of the layers after it."""

    prices: tuple[Price, ...] = ()
    rules: tuple[ImageRule, ...] = ()


def build_layer(tables: Tables) -> Layer:
    """Make a layer of a file's rows.

    Raises:
        UsageError: A row is wrong.
    """
    return Layer(
        prices=tuple(build_price(row) for row in tables.prices.values()),
        rules=tuple(build_rule(row) for row in tables.rules.values()),
    )


class LayeredPriceBook:
    """Dated prices and image-token rules from several layers, the first that knows an answer gives it."""

    def __init__(self, layers: Sequence[Layer], *, version: str, fallback: PriceSource | None = None) -> None:
        self._layers = tuple(layers)
        self._version = version
        self._fallback = fallback

    @property
    def version(self) -> str:
        """The date of the bundled catalogue."""
        return self._version

    def image_rule(self, model: str, at: datetime) -> ImageRule:
        """Return the rule for `model` at `at`; an offline model has the rule of the one it stands in for.

        Raises:
            UnknownModelError: No rule covers the model; the message names close matches.
        """
        asked = strip_offline(model)
        for layer in self._layers:
            rule = rule_in_force(layer.rules, asked, at)
            if rule is not None:
                return rule
        raise self._unknown(model)

    def price(self, model: str, unit: str, at: datetime) -> Price | None:
        """Return the price of `unit` for `model` in force at `at`; None when unpriced.

        What the offline provider does costs 0. A provider before the name binds the search to it. A
        snapshot's own price goes before the price of the name without its date.
        """
        asked = split_model(model)
        if asked.is_offline:
            return _offline_price(asked.name, unit)
        for name in asked.names:
            for layer in self._layers:
                price = price_in_force(_matching(layer.prices, asked.provider, name, unit), at)
                if price is not None:
                    return price
        return self._fallback(asked.provider, asked.name, unit, at) if self._fallback else None

    def rows(self, model: str | None, at: datetime) -> list[Price]:
        """Return the prices in force at `at`, of one model or of all that the files have."""
        if model is not None:
            units = self._units() if not split_model(model).is_offline else TOKEN_UNITS
            found = (self.price(model, unit, at) for unit in units)
            return [price for price in found if price is not None]
        keys = dict.fromkeys(
            (price.provider, price.model, price.unit) for layer in self._layers for price in layer.prices
        )
        found = (self.price(f"{provider}/{name}", unit, at) for provider, name, unit in sorted(keys))
        return [price for price in found if price is not None]

    def rules(self, model: str | None, at: datetime) -> list[ImageRule]:
        """Return the rules in force at `at`: the one for a model, or all, those that others hide left out.

        Raises:
            UnknownModelError: No rule covers the model.
        """
        if model is not None:
            return [self.image_rule(model, at)]
        by_id: dict[str, ImageRule] = {}
        for layer in self._layers:
            for rule in layer.rules:
                by_id.setdefault(rule.id, rule)
        return sorted((rule for rule in by_id.values() if rule.holds_at(at)), key=lambda rule: rule.id)

    def _units(self) -> Iterable[str]:
        own = (price.unit for layer in self._layers for price in layer.prices)
        return dict.fromkeys((*TOKEN_UNITS, *own))

    def _unknown(self, model: str) -> UnknownModelError:
        name = split_model(strip_offline(model).rpartition("/")[2]).names[-1]
        patterns = (pattern for layer in self._layers for rule in layer.rules for pattern in rule.models)
        known = [plain for pattern in patterns if (plain := _plain_name(pattern)) is not None]
        close = get_close_matches(name, dict.fromkeys(known), n=3)
        nearest = f"; close to {', '.join(close)}" if close else ""
        return UnknownModelError(
            f"no image-token rule covers model {model!r}{nearest}",
            hint=_HINT.format(pattern=name.replace(".", r"\.")),
        )


def load_price_book(user_files: Sequence[Path]) -> LayeredPriceBook:
    """Read the bundled catalogue and the user's files, a later file going before an earlier one.

    Raises:
        UsageError: A user's file cannot be read or is wrong; the message names file, row and field.
    """
    stack = [_read_bundled()]
    version = stack[0].version
    for path in user_files:
        user = read_tables(path)
        for below in reversed(stack):
            user = overlay(below, user)
        stack = [user, *(without(below, user) for below in stack)]
    layers = [build_layer(tables) for tables in stack]
    return LayeredPriceBook(layers, version=version, fallback=prices_genai.find_price)


def _read_bundled() -> Tables:
    data = resources.files("meetctl") / "data"
    prices, rules = (
        parse_tables((data / name).read_text(encoding="utf-8"), origin=BUNDLED, name=f"bundled {name}")
        for name in _FILES
    )
    return Tables(version=prices.version, prices=prices.prices, rules=rules.rules)


def _matching(prices: Iterable[Price], provider: str | None, name: str, unit: str) -> list[Price]:
    return [
        price
        for price in prices
        if price.model == name and price.unit == unit and provider in (None, price.provider)
    ]


def _offline_price(name: str, unit: str) -> Price:
    return Price(
        provider=OFFLINE,
        model=name,
        unit=unit,
        usd=Decimal(0),
        per=1,
        source="the offline provider bills nothing",
        origin=OFFLINE,
    )


def _plain_name(pattern: str) -> str | None:
    """Return the one name that a pattern matches; None if it may match several."""
    name = re.sub(r"\\([.\-])", r"\1", pattern)
    return name if re.escape(name) == re.escape(re.sub(r"[^\w.\-]", "", name)) else None
