from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.adapters.price_book import LayeredPriceBook, load_price_book
from meetctl.adapters.prices_genai import find_price
from meetctl.domain.pricing import Price, price_in_force, price_of
from meetctl.services.prices import VISION_MODELS, check_prices, list_prices

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICE = Price(
    provider="openai",
    model="gpt-4.1",
    unit="input_tokens",
    usd=Decimal("2.00"),
    per=1_000_000,
    source="test",
    origin="test",
)
BOOK = load_price_book([])


def _usd(
    model: str, unit: str = "input_tokens", at: datetime = NOW, book: LayeredPriceBook = BOOK
) -> Decimal:
    price = book.price(model, unit, at)
    assert price is not None
    return price.usd


def test_62_frames_of_1105_tokens_at_two_dollars_a_million() -> None:
    assert price_of(62 * 1105, PRICE) == Decimal(68510) * Decimal("2.00") / Decimal(1_000_000)
    assert str(price_of(62 * 1105, PRICE)) == "0.137020"


def test_a_minute_at_one_fps_low_detail_is_a_cent() -> None:
    assert price_of(60 * 85, PRICE) == Decimal("0.0102")
    assert price_of(30 * 60 * 85, PRICE) == Decimal("0.306")


def test_seconds_of_a_price_by_the_hour_round_to_twelve_places() -> None:
    hourly = replace(PRICE, unit="minutes", usd=Decimal("0.35"), per=60)
    assert price_of(Fraction(90, 60), hourly) == Decimal("0.00875")
    assert price_of(1, hourly) == Decimal("0.005833333333")


def test_small_amounts_keep_all_their_places() -> None:
    assert str(price_of(1, replace(PRICE, usd=Decimal("0.025")))) == "2.5E-8"
    assert str(price_of(0, PRICE)) == "0.000000"


@given(
    st.integers(0, 10**15),
    st.integers(0, 10**15),
    st.decimals(0, 1000, places=6),
    st.sampled_from([1, 1000, 10**6]),
)
def test_price_of_a_sum_is_the_sum_of_prices(first: int, second: int, usd: Decimal, per: int) -> None:
    price = replace(PRICE, usd=usd, per=per)
    assert price_of(first + second, price) == price_of(first, price) + price_of(second, price)


def test_period_starts_inclusive_and_ends_exclusive_in_utc_days() -> None:
    price = replace(PRICE, effective_from=date(2026, 7, 30), effective_to=date(2026, 8, 1))
    assert not price.holds_at(datetime(2026, 7, 29, 23, 59, 59, tzinfo=UTC))
    assert price.holds_at(datetime(2026, 7, 30, tzinfo=UTC))
    assert price.holds_at(datetime(2026, 7, 31, 23, 59, tzinfo=UTC))
    assert not price.holds_at(datetime(2026, 8, 1, tzinfo=UTC))
    west = timezone(timedelta(hours=-7))
    assert price.holds_at(datetime(2026, 7, 29, 17, tzinfo=west))


def test_latest_start_wins_and_an_unknown_start_is_the_earliest() -> None:
    newer = replace(PRICE, usd=Decimal(1), effective_from=date(2026, 1, 1))
    newest = replace(PRICE, usd=Decimal(3), effective_from=date(2027, 1, 1))
    assert price_in_force([newer, PRICE, newest], NOW) is newer
    assert price_in_force([newest], NOW) is None


@pytest.mark.parametrize("book", [BOOK, LayeredPriceBook([], version="", fallback=find_price)])
def test_luna_changes_on_2026_07_30_in_the_bundled_rows_as_in_genai_prices(book: LayeredPriceBook) -> None:
    before, after = datetime(2026, 7, 29, 23, 59, tzinfo=UTC), datetime(2026, 7, 30, tzinfo=UTC)
    assert _usd("gpt-5.6-luna", at=before, book=book) == Decimal("1.00")
    assert _usd("gpt-5.6-luna", at=after, book=book) == Decimal("0.20")
    assert _usd("gpt-5.6-luna", "output_tokens", at=before, book=book) == Decimal("6.00")
    assert _usd("gpt-5.6-luna", "output_tokens", at=after, book=book) == Decimal("1.20")
    price = book.price("gpt-5.6-luna", "input_tokens", before)
    assert price is not None
    assert price.effective_to == date(2026, 7, 30)


def test_every_pinned_token_price_is_that_of_genai_prices() -> None:
    for price in BOOK.rows(None, NOW):
        if price.provider == "openai":
            other = find_price("openai", price.model, price.unit, NOW)
            assert other is not None
            assert (other.usd, other.per) == (price.usd, price.per), price


def test_a_snapshot_with_its_own_price_does_not_get_the_family_s() -> None:
    assert _usd("gpt-4o-2024-05-13") == Decimal("5.00")
    assert _usd("gpt-4o-2024-08-06") == _usd("gpt-4o") == Decimal("2.50")


def test_genai_prices_has_what_the_files_lack_and_says_so() -> None:
    price = BOOK.price("claude-sonnet-4-5", "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.per, price.provider) == (Decimal(3), 1_000_000, "anthropic")
    assert price.origin.startswith("genai-prices ")
    assert "200,000" in price.note


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        ("gpt-4o", "characters"),
        ("whisper-1", "input_tokens"),
        ("livekit/gpt-4o", "input_tokens"),
        ("x", "minutes"),
    ],
)
def test_a_unit_without_a_price_is_unpriced_and_not_zero(model: str, unit: str) -> None:
    assert BOOK.price(model, unit, NOW) is None


def test_offline_bills_nothing() -> None:
    assert _usd("offline", "minutes") == _usd("offline/gpt-4.1") == 0
    assert {price.origin for price in BOOK.rows("offline/gpt-4.1", NOW)} == {"offline"}


def test_speech_and_transport_prices() -> None:
    assert _usd("nova-3", "minutes") == _usd("deepgram/nova-3", "minutes") == Decimal("0.0048")
    assert _usd("mistv2", "characters") == Decimal("0.03")
    assert _usd("webrtc-participant", "minutes") == Decimal("0.0005")
    assert _usd("downstream-data", "gigabytes") == Decimal("0.12")


def test_default_models_are_priced_and_have_rules_and_old_figures_are_stale() -> None:
    check = check_prices(BOOK, NOW, NOW)
    assert (check.unpriced, check.without_rule) == ((), ())
    stale = {(price.model, price.checked) for price in check.stale_prices}
    assert ("coda", date(2026, 8, 21)) in stale
    assert "gpt-4.1" not in {model for model, _ in stale}
    assert check_prices(LayeredPriceBook([], version=""), NOW, NOW).without_rule == VISION_MODELS


def test_speech_model_is_listed_without_a_rule() -> None:
    listing = list_prices(BOOK, "nova-3", NOW)
    assert [price.unit for price in listing.prices] == ["minutes"]
    assert listing.rules == ()


def test_pinned_models_do_not_load_genai_prices() -> None:
    code = (
        "import sys; from datetime import datetime, UTC;"
        "from meetctl.adapters.price_book import load_price_book;"
        "book = load_price_book([]); at = datetime(2026, 11, 22, tzinfo=UTC);"
        "assert book.price('gpt-4.1-2025-04-14', 'input_tokens', at) and book.image_rule('gpt-4.1', at);"
        "assert 'genai_prices' not in sys.modules and 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
