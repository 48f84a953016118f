"""What a meeting would cost an hour by another policy."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dashboards import read_recording

from meetctl.adapters.price_book import load_price_book
from meetctl.domain.events import parse_event
from meetctl.domain.state import SessionState, fold_events
from meetctl.domain.view.projection import HourProjection
from meetctl.services.dashboard.projection import current_policy, project_hour
from meetctl.services.image_prices import DatedPrices

DAY = date(2026, 11, 22)
BOOK = load_price_book([])
HIGH = 1105
"""Tokens of 1280 x 720 at high detail, by gpt-4.1's rule; 85 at low."""


def meet(*requests: dict[str, Any], provider: str = "openai", minutes: int = 30) -> SessionState:
    """Return a meeting that has shared a screen since its 10th second, and asked this."""
    events: list[dict[str, Any]] = [
        {
            "type": "session.started",
            "t": 0,
            "policy": {"fps": "1", "window": 5, "detail": "high", "side": None, "model": "gpt-4.1"},
        },
        {"type": "track.started", "t": 10, "track": "TR_1", "source": "screen_share"},
        {"type": "video.frames", "t": 11, "track": "TR_1", "t_us": [10_000_000]},
        {"type": "frame.kept", "t": 11, "frame": "f1", "track": "TR_1", "width": 1280, "height": 720},
        *(
            {
                "type": "llm.request",
                "images": ["f1"] * 5,
                "provider": provider,
                "model": "gpt-4.1",
                "input_tokens": 6000,
                "output_tokens": 50,
                "image_tokens": 5 * HIGH,
                "usd": "0.0124",
                "usd_by_unit": {"input_tokens": "0.0120", "output_tokens": "0.0004"},
                "image_usd": "0.011050",
                "basis": "reported",
                **request,
            }
            for request in requests
        ),
        {"type": "agent.state", "t": minutes * 60, "new": "listening"},
    ]
    return fold_events(parse_event(json.dumps({"seq": seq} | event)) for seq, event in enumerate(events))


def project(state: SessionState, **changes: Any) -> HourProjection:
    policy = current_policy(state)
    assert policy is not None
    return project_hour(state, replace(policy, **changes), DatedPrices(BOOK), DAY)


def test_the_policy_that_holds_projects_what_was_spent_until_now() -> None:
    state = meet({"t": 600}, {"t": 1200})

    hour = project(state)

    assert hour.requests == 4
    assert hour.images_per_request == 5
    assert hour.tokens_per_image == HIGH
    assert hour.vision_usd == 2 * Decimal("0.022100") == hour.vision_list_usd
    assert hour.rest_usd == 4 * Decimal("0.00135")
    assert hour.usd == Decimal("0.0496")


def test_a_lower_rate_alone_saves_nothing_once_the_window_is_full_and_lower_detail_does() -> None:
    state = meet({"t": 600}, {"t": 1200})

    assert project(state, fps=Fraction(1, 5)).usd == project(state).usd
    assert project(state, fps=None).usd == project(state).usd
    assert project(state, detail="low").vision_usd == Decimal("0.0034")  # 4 x 5 x 85 tokens
    assert project(state, window=1).vision_usd == Decimal("0.00884")


def test_a_lower_rate_has_fewer_frames_to_send_soon_after_the_screen_was_shared() -> None:
    state = meet({"t": 16})

    assert project(state).images_per_request == 5
    assert project(state, fps=Fraction(1, 5)).images_per_request == 2  # at 10 s and 15 s
    assert project(state, fps=Fraction(0)).images_per_request == 0


def test_requests_without_pictures_stay_without_and_failed_ones_are_no_requests() -> None:
    state = meet(
        {"t": 600}, {"t": 700, "images": []}, {"t": 800, "outcome": "failed", "images": [], "usd": None}
    )

    hour = project(state)

    assert hour.requests == 4
    assert hour.images_per_request == Fraction(5, 2)


def test_shut_eyes_and_a_rate_of_nothing_cost_nothing_to_look() -> None:
    state = meet({"t": 600})
    shut = replace(state, looking=replace(state.looking, eyes=False))

    policy = current_policy(shut)

    assert policy is not None
    assert policy.fps == 0
    assert project_hour(shut, policy, DatedPrices(BOOK), DAY).vision_usd == 0


def test_what_has_no_price_is_not_zero() -> None:
    state = meet({"t": 600})

    hour = project(state, model="nobodys-model")

    assert (hour.tokens_per_image, hour.vision_usd, hour.usd) == (None, None, None)
    assert hour.rest_usd is not None


def test_unpriced_usage_leaves_the_rest_of_the_cost_open() -> None:
    state = meet({"t": 600, "usd": None, "usd_by_unit": None, "image_usd": None})

    hour = project(state)

    assert hour.vision_usd == Decimal("0.0221")
    assert (hour.rest_usd, hour.usd) == (None, None)


def test_before_the_first_request_nothing_is_projected() -> None:
    hour = project(meet())

    assert (hour.requests, hour.vision_usd, hour.usd) == (None, None, None)
    assert hour.assumptions == ("nothing was asked yet, so nothing can be projected",)


def test_the_offline_provider_costs_nothing_and_the_list_price_stands_beside() -> None:
    hour = project(meet({"t": 600}, provider="offline"))

    assert hour.vision_usd == 0
    assert hour.vision_list_usd == Decimal("0.0221")
    assert any("offline" in assumption for assumption in hour.assumptions)


def test_without_a_policy_in_the_journal_there_is_none_to_start_from() -> None:
    assert current_policy(SessionState()) is None


@given(
    fps=st.fractions(min_value=0, max_value=30, max_denominator=100),
    window=st.integers(0, 20),
    detail=st.sampled_from(["low", "high"]),
)
def test_less_of_anything_never_costs_more(fps: Fraction, window: int, detail: str) -> None:
    state = meet({"t": 12}, {"t": 60}, {"t": 1500})

    hour = project(state, fps=fps, window=window, detail=detail)
    more = project(state, fps=fps + 1, window=window + 1, detail="high")

    assert hour.vision_usd is not None
    assert more.vision_usd is not None
    assert hour.vision_usd <= more.vision_usd


@pytest.mark.parametrize("name", ["live-demo", "quarterly-review", "code-walkthrough"])
def test_a_recordings_own_policy_sends_about_what_it_sent(name: str) -> None:
    state = fold_events(read_recording(name))
    policy = current_policy(state)
    assert policy is not None

    hour = project_hour(state, policy, DatedPrices(BOOK), datetime(2026, 11, 22, tzinfo=UTC).date())

    sent = sum(request.images for request in state.requests.recent)
    assert hour.images_per_request is not None
    assert abs(hour.images_per_request * len(state.requests.recent) - sent) <= len(state.requests.recent)
