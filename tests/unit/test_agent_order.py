"""What a dispatch's metadata changes for one meeting, and that nothing in it keeps the agent out."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent_settings import GPT_4_1_RULE, make_settings

from meetctl.agent.order import MeetingOrder, decide_policy, read_order
from meetctl.core.config import parse_recording
from meetctl.domain.image_sizing import FixedTokens

SETTINGS = make_settings()


def order_of(metadata: object) -> MeetingOrder:
    return read_order(json.dumps(metadata), SETTINGS, [GPT_4_1_RULE])


@pytest.mark.parametrize("metadata", ["", "  \n", "{}", '{"somebody": "else\'s"}'])
def test_without_an_order_the_workers_settings_hold(metadata: str) -> None:
    assert read_order(metadata, SETTINGS, [GPT_4_1_RULE]) == MeetingOrder(settings=SETTINGS, tenant_id=None)


def test_an_order_changes_what_it_names() -> None:
    order = order_of(
        {"tenant": "acme", "fps": 0.5, "window": 3, "detail": "low", "side": 1024, "record": "full"}
    )
    policy = order.settings.policy
    assert (policy.fps, policy.window, policy.detail, policy.side) == (Fraction(1, 2), 3, "low", 1024)
    assert order.settings.recording == parse_recording("full")
    assert order.tenant_id == "acme"
    assert order.problems == ()
    assert order.settings.llm == SETTINGS.llm


@pytest.mark.parametrize("fps", ["every-frame", "1/3", 2])
def test_rates_are_those_of_the_option(fps: object) -> None:
    assert order_of({"fps": fps}).problems == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fps", "fast"),
        ("fps", -1),
        ("fps", True),
        ("fps", None),
        ("window", 2.5),
        ("window", [5]),
        ("detail", "sharp"),
        ("detail", "original"),  # a detail, but not one of this model
        ("side", 1),
        ("record", "all"),
        ("record", "1E999999999999"),
        ("record", {"mode": "full"}),
        ("budget_usd", "lots"),
        ("budget_usd", -1),
        ("budget_usd", None),
    ],
)
def test_a_wrong_value_is_named_and_only_it_is_left_out(key: str, value: object) -> None:
    order = order_of({"tenant": 7, key: value, "window" if key != "window" else "side": 99})
    (problem,) = order.problems
    assert key in problem
    assert order.tenant_id == "7"
    assert 99 in (order.settings.policy.window, order.settings.policy.side)
    assert order.settings.recording == SETTINGS.recording
    assert order.settings.policy.detail == SETTINGS.policy.detail


@pytest.mark.parametrize("amount", ["0.5", 0.5, ".50"])
def test_an_order_may_say_what_the_meeting_may_cost(amount: object) -> None:
    assert order_of({"budget_usd": amount}).budget_usd == Decimal("0.5")


@pytest.mark.parametrize("metadata", ["{", "[]", "null", '"fps=1"', "[" * 200_000])
def test_what_is_no_object_is_named(metadata: str) -> None:
    order = read_order(metadata, SETTINGS, [GPT_4_1_RULE])
    assert order.settings == SETTINGS
    assert order.problems == ("the dispatch's metadata is not a JSON object",)


def detail_for(metadata: object, advanced_vision: bool | None, *, has_backend: bool = True) -> str:
    return decide_policy(order_of(metadata), advanced_vision, has_backend=has_backend).detail


def test_a_premium_feature_is_not_given_away_unknowingly() -> None:
    assert SETTINGS.policy.detail == "high"
    assert detail_for({}, True) == "high"
    assert detail_for({}, False) == "low"
    assert detail_for({}, None) == "low"


@pytest.mark.parametrize("advanced_vision", [True, False, None])
def test_without_a_backend_the_workers_own_detail_holds(advanced_vision: bool | None) -> None:
    assert detail_for({}, advanced_vision, has_backend=False) == "high"


@pytest.mark.parametrize("advanced_vision", [True, False, None])
@pytest.mark.parametrize("detail", ["high", "low", "auto"])
def test_an_ordered_detail_wins_over_all(advanced_vision: bool | None, detail: str) -> None:
    assert detail_for({"detail": detail}, advanced_vision) == detail


def test_a_detail_that_could_not_be_used_is_no_order() -> None:
    assert detail_for({"detail": "sharp"}, False) == "low"


def test_only_the_detail_depends_on_the_tenant() -> None:
    order = order_of({"fps": 2, "window": 3, "side": 1024})
    assert decide_policy(order, False, has_backend=True) == replace(order.settings.policy, detail="low")


def test_a_model_without_a_low_detail_looks_as_the_worker_says() -> None:
    rule = replace(GPT_4_1_RULE, details=(("high", FixedTokens(tokens=1105)),))
    for metadata in ("{}", "["):
        order = read_order(metadata, SETTINGS, [rule])
        assert decide_policy(order, False, has_backend=True).detail == "high"


@given(
    st.text()
    | st.dictionaries(st.sampled_from(["fps", "record", "tenant", "side"]), st.text()).map(json.dumps)
)
def test_no_metadata_is_an_error(metadata: str) -> None:
    assert read_order(metadata, SETTINGS, [GPT_4_1_RULE]).settings.livekit == SETTINGS.livekit
