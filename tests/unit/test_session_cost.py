"""What a session's usage cost, by provider, model and unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meetctl.domain.events import Event
from meetctl.domain.pricing import Price
from meetctl.domain.session_cost import (
    SessionCost,
    billed_quantities,
    document_line,
    estimate_text_tokens,
    fold_usage,
    image_share,
    price_quantities,
)

if TYPE_CHECKING:
    from meetctl.domain.session_cost import CostLine

USD = {"input_tokens": "2", "cached_input_tokens": "0.5", "output_tokens": "8"}


def price(unit: str) -> Price | None:
    if unit not in USD:
        return None
    return Price(
        provider="openai",
        model="gpt-4.1",
        unit=unit,
        usd=Decimal(USD[unit]),
        per=1_000_000,
        source="test",
        origin="test",
    )


def event(kind: str, **fields: object) -> Event:
    return Event(
        seq=0, ts="", t=0.0, type=kind, session_id="s", tenant_id=None, room="r",
        fields={"provider": "openai", "model": "gpt-4.1", **fields},
    )  # fmt: skip


def request(**fields: object) -> Event:
    counted = {"input_tokens": 6000, "cached_input_tokens": 1000, "output_tokens": 50, **fields}
    quantities = billed_quantities("llm.request", counted)
    by_unit = price_quantities("openai", quantities, price)
    usd = {unit: None if amount is None else str(amount) for unit, amount in by_unit.items()}
    return event("llm.request", **{"basis": "reported", "usd_by_unit": usd, **counted})


def by_unit(*events: Event) -> dict[str, CostLine]:
    return {line.unit: line for line in fold_usage(events)}


def test_requests_add_up_by_unit_with_the_images_share_of_the_input() -> None:
    lines = by_unit(
        request(image_tokens=5000, image_usd="0.01"), request(image_tokens=4000, image_usd="0.008")
    )
    assert [(unit, int(line.quantity), line.usd) for unit, line in lines.items()] == [
        ("input_tokens", 10_000, Decimal("0.020000")),
        ("cached_input_tokens", 2000, Decimal("0.001000")),
        ("output_tokens", 100, Decimal("0.000800")),
    ]
    assert (lines["input_tokens"].image_tokens, lines["input_tokens"].image_usd) == (9000, Decimal("0.018"))
    assert (lines["output_tokens"].image_tokens, lines["output_tokens"].image_usd) == (0, Decimal(0))


def test_reported_and_estimated_usage_together_is_mixed() -> None:
    assert by_unit(request(), request())["input_tokens"].basis == "reported"
    assert by_unit(request(), request(basis="estimated"))["input_tokens"].basis == "mixed"
    assert by_unit(event("stt.usage", audio_s=1, usd="0"))["minutes"].basis == "estimated"


def test_a_part_without_a_price_leaves_the_line_unpriced_and_never_free() -> None:
    cost = SessionCost()
    for one in (
        event("tts.usage", characters=10, usd="0.1"),
        event("tts.usage", characters=10, usd=None),
        event("stt.usage", audio_s=60, usd="0.0048"),
    ):
        cost.add(one)
    assert [(line.unit, line.usd) for line in cost.unpriced] == [("characters", None)]
    assert cost.usd == Decimal("0.1048")
    assert cost.lines[0].quantity == 20


def test_unpriced_images_are_unknown() -> None:
    cost = SessionCost()
    cost.add(event("llm.request", input_tokens=900, image_tokens=800, usd=None))
    assert cost.image_usd is None


def test_an_offline_provider_costs_nothing_whatever_the_event_says() -> None:
    lines = fold_usage([event("llm.request", provider="offline", input_tokens=9, output_tokens=1, usd=None)])
    assert [line.usd for line in lines] == [0, 0]


def test_an_amount_for_a_whole_request_stands_on_one_line() -> None:
    (line,) = fold_usage([event("llm.request", input_tokens=900, output_tokens=100, usd="0.0026")])
    assert (line.unit, int(line.quantity), line.usd) == ("tokens", 1000, Decimal("0.0026"))


def test_a_failed_request_is_not_billed_and_an_interrupted_one_is() -> None:
    assert fold_usage([request(outcome="failed")]) == ()
    assert len(fold_usage([request(outcome="failed", billed=True)])) == 3
    assert len(fold_usage([request(outcome="cancelled", basis="estimated")])) == 3


def test_events_that_are_no_usage_are_ignored() -> None:
    assert fold_usage([event("frame.kept", characters=5), event("tts.usage", characters=0)]) == ()


@pytest.mark.parametrize("value", ["12", None, True, float("nan"), float("inf"), -3, [1]])
def test_counts_that_are_none_count_nothing(value: object) -> None:
    assert billed_quantities("tts.usage", {"characters": value}) == {}


@pytest.mark.parametrize("usd", ["", "much", "NaN", "Infinity", 0.1, 5])
def test_amounts_that_are_none_are_unknown(usd: object) -> None:
    (line,) = fold_usage([event("tts.usage", characters=1, usd=usd)])
    assert line.usd is None


def test_audio_is_counted_exactly_as_written() -> None:
    assert billed_quantities("stt.usage", {"audio_s": 0.1}) == {"minutes": Fraction(1, 600)}


def test_line_as_a_document_has_json_s_types() -> None:
    line = by_unit(request(image_tokens=5000, image_usd="0.01"))["input_tokens"]
    assert document_line(line) == {
        "provider": "openai", "model": "gpt-4.1", "unit": "input_tokens", "quantity": 5000,
        "usd": "0.010000", "basis": "reported", "image_tokens": 5000, "image_usd": "0.01",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (5525 + 250, (5525, "reconciled")),
        (5525 + 125, (5525, "reconciled")),
        (5525 + 124, (5525, "estimated")),
        (5525 + 564, (5525, "reconciled")),
        (5525 + 565, (5525, "estimated")),
        (5524, (5524, "estimated")),
        (0, (5525, "estimated")),
        (None, (5525, "estimated")),
    ],
)
def test_image_share_is_reconciled_within_the_text_s_uncertainty(
    prompt: int | None, expected: tuple[int, str]
) -> None:
    assert image_share(prompt, 5525, 250) == expected


def test_without_images_their_share_is_none() -> None:
    assert image_share(300, 0, 5) == (0, "reconciled")


def test_text_is_about_four_characters_a_token() -> None:
    assert [estimate_text_tokens("x" * length) for length in (0, 1, 4, 5)] == [0, 1, 1, 2]
