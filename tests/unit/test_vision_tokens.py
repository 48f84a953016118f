from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meetctl.adapters.price_book import load_price_book
from meetctl.domain.image_sizing import CoveredPatches, Patches, Tiles
from meetctl.domain.vision_tokens import image_tokens, resolve_detail, sent_size
from meetctl.errors import UnknownModelError, UsageError

if TYPE_CHECKING:
    from meetctl.domain.vision_tokens import ImageRule

JULY = datetime(2026, 7, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOOK = load_price_book([])

sides = st.integers(1, 8000)


def tokens(model: str, size: tuple[int, int], detail: str = "high", at: datetime = NOW) -> int:
    return image_tokens(BOOK.image_rule(model, at), *size, detail)


@pytest.mark.parametrize(
    ("model", "detail", "size", "expected"),
    [
        ("gpt-4o", "high", (1024, 1024), 765),
        ("gpt-4o", "high", (2048, 4096), 1105),
        ("gpt-4o", "low", (4096, 8192), 85),
        ("gpt-5.4", "high", (1024, 1024), 1229),
        ("gpt-5.4", "high", (2048, 2048), 3000),
        ("gpt-6-astra", "high", (1024, 1024), 1229),
        ("gpt-6-astra", "high", (2048, 2048), 3000),
        ("gpt-6-astra", "high", (4096, 512), 2458),
        ("gpt-4o", "low", (1280, 720), 85),
        ("gpt-4.1", "low", (1280, 720), 85),
        ("gpt-5.1", "low", (1280, 720), 70),
        ("o3", "low", (1280, 720), 75),
        ("gpt-4o-mini", "low", (1280, 720), 2833),
        ("gpt-4o", "high", (1024, 576), 765),
        ("gpt-5.1", "high", (1024, 576), 630),
        ("gpt-4.1-mini", "high", (1024, 576), 934),
        ("gpt-5.4-mini", "high", (1024, 576), 692),
        ("gpt-4.1-mini", "high", (1920, 1080), 3305),
        ("gpt-5.6-sol", "original", (4000, 2500), 11850),
        ("claude-sonnet-4-5-20250929", "auto", (200, 200), 64),
        ("claude-sonnet-4-5", "auto", (1000, 1000), 1296),
        ("claude-sonnet-4-5", "auto", (1092, 1092), 1521),
        ("claude-sonnet-4-5", "auto", (3840, 2160), 1560),
        ("claude-opus-4-7", "auto", (200, 200), 64),
        ("claude-opus-4-7", "auto", (1000, 1000), 1296),
        ("claude-opus-4-7", "auto", (1092, 1092), 1521),
        ("claude-opus-4-7", "auto", (3840, 2160), 4784),
        ("gemini-2.5-flash", "high", (960, 540), 1548),
        ("gemini-2.5-flash", "high", (300, 300), 258),
        ("gemini-3-pro-preview", "auto", (1280, 720), 1120),
        ("gemini-3-pro-preview", "low", (1280, 720), 280),
    ],
)
def test_documented_vectors(model: str, detail: str, size: tuple[int, int], expected: int) -> None:
    assert tokens(model, size, detail) == expected


@pytest.mark.parametrize(
    ("size", "patches", "billed"), [((1024, 1024), 1024, 1659), ((1800, 2400), 1452, 2353)]
)
def test_budget_of_1536_before_and_after_the_multiplier(
    size: tuple[int, int], patches: int, billed: int
) -> None:
    assert Patches(multiplier=Fraction(1), side_px=2048, budget=1536).count(size) == patches
    assert tokens("gpt-4.1-mini", size, "high", JULY) == billed


def test_shrinking_is_exact_where_floats_lose_a_pixel() -> None:
    assert Patches(multiplier=Fraction(1)).shrink((1800, 2400), 1536) == (1056, 1408)
    assert Patches(multiplier=Fraction(1)).shrink((2048, 2048), 2500) == (1600, 1600)


def test_old_and_new_rule_of_gpt_4_1_mini_are_a_third_apart() -> None:
    assert tokens("gpt-4.1-mini", (1920, 1080), "high", datetime(2026, 8, 27, 23, 59, tzinfo=UTC)) == 2443
    assert tokens("gpt-4.1-mini", (1920, 1080), "high", datetime(2026, 8, 28, tzinfo=UTC)) == 3305
    assert tokens("gpt-4.1-mini", (2400, 1800), "high", JULY) == 2353


@pytest.mark.parametrize(
    ("model", "details", "at_720", "at_1080"),
    [
        ("gpt-4o", ("low",), 85, 85),
        ("gpt-4o", ("high", "auto"), 1105, 1105),
        ("gpt-4o-mini", ("low",), 2833, 2833),
        ("gpt-4o-mini", ("high", "auto"), 36835, 36835),
        ("gpt-4.1", ("low",), 85, 85),
        ("gpt-4.1", ("high", "auto"), 1105, 1105),
        ("gpt-4.1-mini", ("low", "high", "auto"), 1491, 3305),
        ("gpt-5", ("low",), 70, 70),
        ("gpt-5", ("high", "auto"), 910, 910),
        ("gpt-5.1", ("low",), 70, 70),
        ("gpt-5.1", ("high", "auto"), 910, 910),
        ("gpt-5-mini", ("high", "auto"), 1104, 1810),
        ("gpt-5.4-mini", ("high", "auto"), 1104, 2448),
        ("gpt-5.6-luna", ("low",), 173, 173),
        ("gpt-5.6-luna", ("original", "auto"), 1104, 2448),
        ("gpt-6-luna", ("original", "auto"), 1104, 2448),
    ],
)
def test_tokens_of_meeting_frames(model: str, details: tuple[str, ...], at_720: int, at_1080: int) -> None:
    for detail in details:
        assert tokens(model, (1280, 720), detail) == at_720
        assert tokens(model, (1920, 1080), detail) == at_1080


def test_gpt_5_mini_in_july() -> None:
    assert tokens("gpt-5-mini", (1280, 720), "high", JULY) == 1491
    assert tokens("gpt-5-mini", (1920, 1080), "high", JULY) == 2443


def test_multiplier_is_exact_where_binary_floats_are_not() -> None:
    rule = Patches(multiplier=Fraction("1.62"))
    assert [rule.count((32 * patches, 32)) for patches in (50, 100, 150)] == [81, 162, 243]
    assert ceil(150 * 1.62) == 244


def test_claude_standard_resize() -> None:
    rule = CoveredPatches(edge_px=1568, budget=1568)
    assert rule.shrink((1920, 1080)) == (1456, 819)
    assert rule.shrink((1092, 1092)) == (1092, 1092)


def test_auto_means_what_the_rule_says() -> None:
    assert resolve_detail(BOOK.image_rule("gpt-4.1", NOW), "auto") == "high"
    assert resolve_detail(BOOK.image_rule("gpt-5.6-luna", NOW), "auto") == "original"
    assert resolve_detail(BOOK.image_rule("gpt-5.4", NOW), "auto") == "high"


def test_unknown_detail_names_those_allowed() -> None:
    with pytest.raises(UsageError, match="original") as caught:
        tokens("gpt-4.1", (1280, 720), "original")
    assert caught.value.hint is not None
    assert "auto, low, high" in caught.value.hint


def test_image_of_too_many_patches_is_refused() -> None:
    assert tokens("gpt-6-astra", (32 * 300, 32 * 100), "original") == 36_000
    with pytest.raises(UsageError, match="30000"):
        tokens("gpt-6-astra", (32 * 300 + 1, 32 * 100), "original")


def test_image_without_pixels_is_refused() -> None:
    with pytest.raises(UsageError, match="0x720"):
        tokens("gpt-4.1", (0, 720))


def test_models_that_were_shut_down_still_have_rules() -> None:
    for model in ("o4-mini", "gpt-4.1-nano", "gpt-4o-2024-05-13"):
        assert "2026-10-23" in BOOK.image_rule(model, NOW).note


@pytest.mark.parametrize(
    "model", ["gpt-4.1-maxi", "gpt-4", "gpt-4o-mini-tts", "gpt-7", "nova-3", "offline", ""]
)
def test_unknown_models_are_never_guessed(model: str) -> None:
    with pytest.raises(UnknownModelError):
        BOOK.image_rule(model, NOW)


def test_each_model_has_one_rule_at_a_time() -> None:
    for at in (JULY, NOW):
        patterns = [pattern for rule in BOOK.rules(None, at) for pattern in rule.models]
        assert len(patterns) == len(set(patterns))


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((1920, 1080), 1024, (1024, 576)),
        ((1366, 768), 1024, (1024, 575)),
        ((640, 360), 1280, (640, 360)),
        ((1080, 1920), 1024, (576, 1024)),
        ((1920, 1080), None, (1920, 1080)),
        ((5000, 1), 100, (100, 1)),
    ],
)
def test_sent_size(size: tuple[int, int], side: int | None, expected: tuple[int, int]) -> None:
    assert sent_size(*size, side) == expected


@given(sides, sides, st.integers(1, 8000))
def test_sent_size_is_within_the_side_and_never_enlarged(width: int, height: int, side: int) -> None:
    sent = sent_size(width, height, side)
    assert max(sent) <= max(side, 1)
    assert 1 <= sent[0] <= width
    assert 1 <= sent[1] <= height


ALL_RULES = [rule for at in (JULY, NOW) for rule in BOOK.rules(None, at)]


@given(st.sampled_from(ALL_RULES), sides, sides)
def test_turning_an_image_keeps_its_tokens(rule: ImageRule, width: int, height: int) -> None:
    for detail, sizing in rule.details:
        assume(not (isinstance(sizing, Patches) and sizing.reject_over))
        assert image_tokens(rule, width, height, detail) == image_tokens(rule, height, width, detail)


@given(sides, sides, st.integers(1, 12_000))
def test_patches_never_rise_when_an_image_below_both_limits_shrinks(
    width: int, height: int, budget: int
) -> None:
    rule = Patches(multiplier=Fraction("1.2"), side_px=2048, budget=budget)
    assume(max(width, height) <= 2048)
    assume(ceil(Fraction(width, 32)) * ceil(Fraction(height, 32)) <= budget)
    assert rule.count((max(1, width // 2), max(1, height // 2))) <= rule.count((width, height))


@given(sides, sides, st.integers(64, 12_000))
def test_patches_stay_within_the_budget_and_those_of_the_whole_image(
    width: int, height: int, budget: int
) -> None:
    assume(max(width, height) <= 32 * min(width, height))
    whole = Patches(multiplier=Fraction(1)).count((width, height))
    assert Patches(multiplier=Fraction(1), budget=budget).count((width, height)) <= min(budget, whole)


@given(st.integers(1, 16), st.integers(1, 16), st.integers(200, 2000), st.integers(200, 2000))
def test_patches_of_one_aspect_over_the_budget_are_all_alike(
    across: int, down: int, first: int, second: int
) -> None:
    rule = Patches(multiplier=Fraction(1), budget=30)
    assert rule.count((across * first, down * first)) == rule.count((across * second, down * second))


def test_patches_may_rise_when_an_image_shrinks_into_the_budget() -> None:
    rule = Patches(multiplier=Fraction(1), side_px=2048, budget=1536)
    assert rule.count((1800, 2400)) == 1452
    assert rule.count((1080, 1440)) == 1530


@given(sides, sides)
def test_covered_patches_hold_both_limits(width: int, height: int) -> None:
    rule = CoveredPatches(edge_px=1568, budget=1568)
    shrunk = rule.shrink((width, height))
    assert max(shrunk) <= min(1568, max(width, height))
    assert rule.count((width, height)) <= 1568


@given(sides, sides, st.integers(1, 6), st.integers(1, 6))
def test_tiles_never_rise_when_an_image_shrinks_in_its_aspect(
    width: int, height: int, small: int, more: int
) -> None:
    rule = Tiles(base=85, tile=170)
    large = small + more
    assert rule.count((width * small, height * small)) <= rule.count((width * large, height * large))
