from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.coverage import Coverage, join_coverage, measure_coverage


def test_a_change_is_seen_only_before_the_next_one() -> None:
    coverage = measure_coverage([1_000_000, 1_400_000, 9_000_000], [0, 1_500_000, 10_000_000], "decode")
    assert (coverage.changes, coverage.seen, coverage.missed_us) == (3, 2, (1_000_000,))
    assert coverage.delays_us == (100_000, 1_000_000)


def test_a_frame_at_the_very_time_of_the_change_shows_it() -> None:
    assert measure_coverage([2_000_000], [2_000_000], "decode").delays_us == (0,)


def test_without_changes_the_share_is_unknown_not_perfect() -> None:
    assert measure_coverage([], [0], "decode").ratio is None


def test_where_nobody_looked_nothing_is_known() -> None:
    coverage = measure_coverage(None, [0], "off")
    assert (coverage.changes, coverage.seen, coverage.ratio, coverage.delay_s(50)) == (None, None, None, None)


def test_percentiles_are_by_nearest_rank() -> None:
    coverage = Coverage(method="decode", changes=4, seen=4, delays_us=(100_000, 200_000, 300_000, 400_000))
    assert (coverage.delay_s(50), coverage.delay_s(95)) == (0.2, 0.4)


def test_joined_tracks_add_up_and_an_estimate_makes_the_sum_an_estimate() -> None:
    one = measure_coverage([1, 2], [0, 1], "decode")
    other = measure_coverage([5], [6], "packets")
    joined = join_coverage([one, other])
    assert (joined.method, joined.changes, joined.seen, joined.missed_us) == ("packets", 3, 2, (2,))
    assert join_coverage([one, measure_coverage(None, [], "off")]).ratio is None


TIMES = st.lists(st.integers(0, 10_000_000), unique=True).map(sorted)


@given(TIMES, TIMES)
def test_every_change_is_either_seen_or_missed(changes_us: list[int], kept_us: list[int]) -> None:
    coverage = measure_coverage(changes_us, kept_us, "decode")
    assert (coverage.seen or 0) + len(coverage.missed_us) == len(changes_us)


@given(TIMES, TIMES, TIMES)
def test_more_kept_frames_never_show_less(
    changes_us: list[int], kept_us: list[int], more_us: list[int]
) -> None:
    fewer = measure_coverage(changes_us, kept_us, "decode")
    more = measure_coverage(changes_us, sorted({*kept_us, *more_us}), "decode")
    assert (more.seen or 0) >= (fewer.seen or 0)
