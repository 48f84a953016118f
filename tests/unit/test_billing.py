from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain import billing
from meetctl.domain.attachment import attach_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = [second * 1_000_000 for second in range(60)]


def count_usage(
    kept_us: Sequence[int], tokens: Sequence[int] | int, requests_us: Sequence[int], window: int
) -> dict[billing.Meaning, billing.Usage]:
    return billing.count_usage(len(kept_us), tokens, attach_ranges([kept_us], requests_us, window)[0])


def test_every_frame_bills_each_kept_frame_once() -> None:
    usage = count_usage(SECONDS, 1105, [], 5)["every_frame"]
    assert (usage.sent, usage.tokens) == (60, 60 * 1105)


def test_per_turn_attaches_the_last_frames_kept_at_or_before_the_request() -> None:
    usage = count_usage(SECONDS, [*range(60)], [30_000_000, 30_999_999], 5)["per_turn"]
    assert usage.sent == 10
    assert usage.tokens == 2 * (26 + 27 + 28 + 29 + 30)


def test_an_early_request_takes_only_the_frames_there_are() -> None:
    assert count_usage([1_000_000, 2_000_000], 85, [500_000, 1_500_000], 5)["per_turn"].sent == 1


def test_history_bills_what_was_sent_again_with_each_later_request() -> None:
    """cost-model.md, section 5: 60 requests of 5 frames bill 300 images stripped and 9,150 kept."""
    requests_us = [10_000_000 + number * 30_000_000 for number in range(60)]
    frames_us = [number * 1_000_000 for number in range(1800)]
    usage = count_usage(frames_us, 1105, requests_us, 5)
    assert usage["per_turn"].sent == 300
    assert usage["history"].sent == 9150
    assert usage["history"].tokens == 9150 * 1105


def test_a_window_of_none_sends_nothing() -> None:
    usage = count_usage(SECONDS, 1105, [30_000_000], 0)
    assert (usage["per_turn"].sent, usage["history"].tokens) == (0, 0)


def test_capture_rate_cancels_out_per_turn_once_the_buffer_is_full() -> None:
    fast = [number * 33_333 for number in range(1800)]
    requests_us = [20_000_000, 40_000_000]
    assert (
        count_usage(fast, 1105, requests_us, 5)["per_turn"]
        == count_usage(SECONDS, 1105, requests_us, 5)["per_turn"]
    )


@given(
    st.lists(st.integers(0, 60_000_000), unique=True).map(sorted),
    st.lists(st.integers(0, 60_000_000)).map(sorted),
    st.integers(0, 8),
)
def test_one_number_for_all_frames_counts_like_a_number_for_each(
    kept_us: list[int], requests_us: list[int], window: int
) -> None:
    assert count_usage(kept_us, 85, requests_us, window) == count_usage(
        kept_us, [85] * len(kept_us), requests_us, window
    )


@given(
    st.lists(st.integers(0, 60_000_000), unique=True).map(sorted),
    st.lists(st.integers(0, 60_000_000)).map(sorted),
)
def test_history_never_costs_less_than_per_turn(kept_us: list[int], requests_us: list[int]) -> None:
    usage = count_usage(kept_us, 85, requests_us, 5)
    assert usage["history"].tokens >= usage["per_turn"].tokens
