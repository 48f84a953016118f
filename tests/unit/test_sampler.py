from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.policy import Policy
from meetctl.domain.policy_span import PolicySpan, make_sampler
from meetctl.domain.sampler import RESTART_US, Sampler

RATES = st.fractions(min_value=Fraction(1, 60), max_value=120, max_denominator=1001)
ASCENDING = st.lists(st.integers(0, 200_000), max_size=200).map(
    lambda gaps: [sum(gaps[: end + 1]) for end in range(len(gaps))]
)
ANY_RATE = st.none() | st.just(Fraction(0)) | RATES
CHANGES = st.lists(st.tuples(st.integers(0, 20_000_000), ANY_RATE), max_size=5).map(
    lambda changes: sorted(changes, key=lambda change: change[0])
)
ANY_ORDER = st.lists(st.integers(0, 20_000_000), max_size=200)


def changing(first: Fraction | None, changes: list[tuple[int, Fraction | None]]) -> Sampler:
    sampler = Sampler(first)
    for from_us, fps in changes:
        sampler.change_rate(fps, from_us)
    return sampler


def kept_times(fps: Fraction | None, times_us: list[int]) -> list[int]:
    sampler = Sampler(fps)
    return [t_us for t_us in times_us if sampler.offer(t_us)]


def test_keeps_the_first_frame_and_then_one_per_interval() -> None:
    thirty_fps = [number * 1_000_000 // 30 for number in range(90)]
    assert kept_times(Fraction(1), thirty_fps) == [0, 1_000_000, 2_000_000]


def test_a_frame_exactly_one_interval_later_is_kept_and_a_microsecond_less_is_not() -> None:
    assert kept_times(Fraction(1), [0, 999_999]) == [0]
    assert kept_times(Fraction(1), [0, 1_000_000]) == [0, 1_000_000]


def test_the_interval_counts_from_the_last_kept_frame_not_from_a_grid() -> None:
    assert kept_times(Fraction(1), [0, 1_400_000, 2_100_000, 2_400_000]) == [0, 1_400_000, 2_400_000]


def test_an_interval_that_is_no_whole_number_of_microseconds_is_never_undercut() -> None:
    assert kept_times(Fraction(3), [0, 333_333, 333_334]) == [0, 333_334]


def test_zero_keeps_none_and_every_frame_keeps_all() -> None:
    times_us = [0, 5, 5, 3, 1_000_000]
    assert kept_times(Fraction(0), times_us) == []
    assert kept_times(None, times_us) == times_us


def test_late_and_repeated_timestamps_are_not_kept_twice() -> None:
    assert kept_times(Fraction(2), [0, 0, 600_000, 600_000, 500_000, 1_100_000]) == [0, 600_000, 1_100_000]


def test_a_restarted_track_starts_anew() -> None:
    assert kept_times(Fraction(1), [60_000_000, 60_500_000, 0, 500_000, 1_000_000]) == [
        60_000_000,
        0,
        1_000_000,
    ]


def test_a_restart_is_told_from_a_late_frame_by_the_newest_timestamp() -> None:
    assert kept_times(Fraction(1, 10), [0, 5_000_000, 5_000_000 - RESTART_US]) == [0]
    late = 5_000_000 - RESTART_US - 1
    assert kept_times(Fraction(1, 10), [0, 5_000_000, late]) == [0, late]


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Sampler(Fraction(-1))


@given(RATES, ASCENDING)
def test_gaps_between_kept_frames_are_never_below_the_interval(fps: Fraction, times_us: list[int]) -> None:
    assert all((b - a) * fps >= 1_000_000 for a, b in pairwise(kept_times(fps, times_us)))


@given(RATES, RATES, ANY_ORDER)
def test_a_lower_rate_never_keeps_more(one: Fraction, other: Fraction, times_us: list[int]) -> None:
    low, high = sorted((one, other))
    assert len(kept_times(low, times_us)) <= len(kept_times(high, times_us))


@given(st.none() | st.just(Fraction(0)) | RATES, ASCENDING)
def test_a_column_at_once_is_decided_like_frames_one_by_one(
    fps: Fraction | None, times_us: list[int]
) -> None:
    one_by_one = Sampler(fps)
    expected = [index for index, t_us in enumerate(times_us) if one_by_one.offer(t_us)]
    assert list(Sampler(fps).select(times_us)) == expected


@given(RATES, st.lists(ASCENDING, max_size=6), ASCENDING)
def test_the_same_input_gives_the_same_output_however_it_is_chunked(
    fps: Fraction, chunks: list[list[int]], rest: list[int]
) -> None:
    """Chunks may overlap or jump back: what follows a chunk must not depend on how it was offered."""
    whole, chunked = Sampler(fps), Sampler(fps)
    for chunk in [*chunks, rest]:
        expected = [t_us for t_us in chunk if whole.offer(t_us)]
        assert [chunk[index] for index in chunked.select(chunk)] == expected


def test_a_change_of_rate_divides_frames_by_their_times_not_by_when_they_come() -> None:
    sampler = changing(Fraction(1), [(2_000_000, Fraction(4))])
    offered = [0, 1_500_000, 2_100_000, 1_900_000, 2_300_000, 2_350_000, 2_600_000]
    assert [t_us for t_us in offered if sampler.offer(t_us)] == [
        0,
        1_500_000,
        2_100_000,
        2_350_000,
        2_600_000,
    ]


def test_a_rate_may_change_to_nothing_and_back_and_begins_anew_then() -> None:
    sampler = changing(Fraction(1, 10), [(1_000_000, Fraction(0)), (3_000_000, Fraction(1, 10))])
    assert list(sampler.select([0, 500_000, 1_000_000, 2_900_000, 3_000_000, 3_500_000])) == [0, 4]


def test_a_rate_of_nothing_between_two_frames_begins_anew_too() -> None:
    sampler = changing(Fraction(1), [(400_000, Fraction(0)), (401_000, Fraction(1))])
    assert list(sampler.select([0, 300_000, 500_000, 1_400_000, 1_500_000])) == [0, 2, 4]


def test_after_every_frame_the_last_of_them_counts() -> None:
    sampler = changing(None, [(500_000, Fraction(1))])
    assert list(sampler.select([0, 100_000, 400_000, 600_000, 1_399_999, 1_400_000])) == [0, 1, 2, 5]


def test_changes_must_be_in_order() -> None:
    sampler = changing(Fraction(1), [(0, Fraction(2)), (5, Fraction(3)), (5, Fraction(4))])
    with pytest.raises(ValueError, match="before the last one"):
        sampler.change_rate(Fraction(1), 4)


@given(ANY_RATE, CHANGES, st.lists(ASCENDING, max_size=4))
def test_columns_with_changes_are_decided_like_frames_one_by_one(
    first: Fraction | None, changes: list[tuple[int, Fraction | None]], chunks: list[list[int]]
) -> None:
    one_by_one, by_columns = changing(first, changes), changing(first, changes)
    for chunk in chunks:
        expected = [index for index, t_us in enumerate(chunk) if one_by_one.offer(t_us)]
        assert list(by_columns.select(chunk)) == expected


@given(ANY_RATE, CHANGES, ASCENDING)
def test_a_change_made_while_frames_come_is_the_same_as_one_known_before(
    first: Fraction | None, changes: list[tuple[int, Fraction | None]], times_us: list[int]
) -> None:
    live, waiting = Sampler(first), list(changes)
    kept = []
    for index, t_us in enumerate(times_us):
        while waiting and waiting[0][0] <= t_us:
            from_us, fps = waiting.pop(0)
            live.change_rate(fps, from_us)
        if live.offer(t_us):
            kept.append(index)
    spans = [
        PolicySpan(from_us=from_us, policy=Policy(name="", fps=fps))
        for from_us, fps in ((0, first), *changes)
    ]
    assert list(make_sampler(spans).select(times_us)) == kept


@given(RATES, CHANGES, ASCENDING)
def test_a_change_that_changes_nothing_keeps_the_same(
    fps: Fraction, changes: list[tuple[int, Fraction | None]], times_us: list[int]
) -> None:
    same = changing(fps, [(from_us, fps) for from_us, _ in changes])
    assert list(same.select(times_us)) == list(Sampler(fps).select(times_us))
