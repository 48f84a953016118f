"""What every price book promises, held against the fake and the real one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.fakes.price_book import InMemoryPriceBook

from meetctl.adapters.price_book import load_price_book
from meetctl.domain.image_sizing import FixedTokens, Tiles
from meetctl.domain.pricing import Price
from meetctl.domain.vision_tokens import ImageRule, image_tokens
from meetctl.errors import UnknownModelError

if TYPE_CHECKING:
    from meetctl.ports import PriceBook

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _fake() -> PriceBook:
    def price(model: str, usd: str, start: date | None = None) -> Price:
        return Price(
            provider="openai",
            model=model,
            unit="input_tokens",
            usd=Decimal(usd),
            per=1_000_000,
            effective_from=start,
            source="test",
            origin="test",
        )

    prices = [
        price("gpt-4.1", "2.00"),
        price("gpt-5.6-luna", "1.00"),
        price("gpt-5.6-luna", "0.20", date(2026, 7, 30)),
    ]
    rule = ImageRule(
        id="openai-tile/2026-02-26",
        kind="tile",
        provider="openai",
        models=(r"gpt-4\.1",),
        auto="high",
        details=(("low", FixedTokens(tokens=85)), ("high", Tiles(base=85, tile=170))),
        source="test",
        origin="test",
    )
    return InMemoryPriceBook(prices, [rule], "2026-11-22")


@pytest.fixture(params=["fake", "layered"])
def book(request: pytest.FixtureRequest) -> PriceBook:
    return _fake() if request.param == "fake" else load_price_book([])


def test_version_is_the_catalogue_s_day(book: PriceBook) -> None:
    assert date.fromisoformat(book.version) == date(2026, 11, 22)


@pytest.mark.parametrize("model", ["gpt-4.1", "GPT-4.1", "gpt-4.1-2025-04-14", "openai/gpt-4.1"])
def test_dated_and_prefixed_names_find_price_and_rule(book: PriceBook, model: str) -> None:
    price = book.price(model, "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.per) == (Decimal("2.00"), 1_000_000)
    assert book.image_rule(model, NOW).id == "openai-tile/2026-02-26"
    assert image_tokens(book.image_rule(model, NOW), 1280, 720, "auto") == 1105


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        (datetime(2026, 7, 29, 23, 59, 59, tzinfo=UTC), "1.00"),
        (datetime(2026, 7, 30, tzinfo=UTC), "0.20"),
    ],
)
def test_price_changes_with_the_utc_day(book: PriceBook, at: datetime, usd: str) -> None:
    price = book.price("gpt-5.6-luna", "input_tokens", at)
    assert price is not None
    assert price.usd == Decimal(usd)


def test_unpriced_is_none(book: PriceBook) -> None:
    assert book.price("no-such-model-7", "input_tokens", NOW) is None
    assert book.price("gpt-4.1", "parsecs", NOW) is None


def test_another_provider_s_price_is_not_taken(book: PriceBook) -> None:
    assert book.price("nobody/gpt-4.1", "input_tokens", NOW) is None


def test_unknown_model_is_an_error_with_a_remedy(book: PriceBook) -> None:
    with pytest.raises(UnknownModelError, match=r"gpt-4\.1") as caught:
        book.image_rule("gpt-4.11", NOW)
    assert caught.value.hint


def test_offline_model_is_free_and_labelled_and_keeps_the_rule(book: PriceBook) -> None:
    price = book.price("offline/gpt-4.1", "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.provider, price.origin) == (Decimal(0), "offline", "offline")
    assert book.image_rule("offline/gpt-4.1", NOW).id == "openai-tile/2026-02-26"
