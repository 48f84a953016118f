"""Visible changes and gates, on pictures drawn cell by cell."""

from __future__ import annotations

from array import array
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frame_source import COLUMNS, ROWS, ArrayPicture

from meetctl.domain.recording import SizeRun, Track
from meetctl.services.changes import LEVELS, SAMPLE_US, SHARE, ChangeDetector, Gate
from meetctl.services.look import Look, look_at_pictures, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Luma = npt.NDArray[np.uint8]
    Draw = Callable[[int], Luma]
    """From a time in microseconds to what is seen then."""

SECOND_US = 1_000_000
GRID = [round(SECOND_US * n / 30) for n in range(300)]
"""Ten seconds at 30 frames a second."""


def at(seconds: float) -> int:
    """The first frame of the grid at or after a time."""
    return next(t_us for t_us in GRID if t_us >= SECOND_US * seconds - 1)


def slide(number: int) -> Luma:
    """A still picture with lines of text, another one for each number."""
    picture = np.full((ROWS, COLUMNS), 230, np.uint8)
    chance = np.random.default_rng(number)
    for row in range(4, ROWS - 4, 4):
        picture[row, 5 : int(chance.integers(20, 70))] = int(chance.integers(20, 120))
    return picture


def slides(*changes_us: int) -> Draw:
    return lambda t_us: slide(sum(t_us >= change_us for change_us in changes_us))


def make_track(times_us: Sequence[int], large: Mapping[int, int] | None = None) -> Track:
    """A track with small packets but for those at the times given in `large`."""
    sizes = {**(large or {})}
    return Track(
        name="video",
        media=Path("drawn.mkv"),
        stream=0,
        codec="h264",
        t_us=array("q", times_us),
        size_bytes=array("l", (sizes.get(t_us, 100) for t_us in times_us)),
        keyframe=bytearray([1] + [0] * (len(times_us) - 1)),
        runs=(SizeRun(first=0, width=1280, height=720),),
    )


def find(draw: Draw, times_us: Sequence[int] = GRID, large: Mapping[int, int] | None = None) -> list[int]:
    """The changes as an audit finds them."""
    track = make_track(times_us, large)
    detector = ChangeDetector()
    pictures = (ArrayPicture(index, t_us, draw(t_us)) for index, t_us in enumerate(times_us))
    look_at_pictures(pictures, Look(track=track, number=0, detector=detector), None)
    return detector.finish(track, times_us[-1] + track.frame_us)


def test_still_picture_has_no_change() -> None:
    assert find(slides()) == []


@pytest.mark.parametrize("frame", [100, 101, 102, 103, 104, 105, 200])
def test_slide_is_found_at_the_frame_with_the_large_packet(frame: int) -> None:
    assert find(slides(GRID[frame]), large={GRID[frame]: 9000}) == [GRID[frame]]


@pytest.mark.parametrize("frame", range(100, 106))
def test_slide_without_a_large_packet_is_never_early_and_late_by_less_than_a_sample(frame: int) -> None:
    (found_us,) = find(slides(GRID[frame]))
    assert 0 <= found_us - GRID[frame] < SAMPLE_US


def test_packet_that_is_larger_by_chance_does_not_date_a_change() -> None:
    (found_us,) = find(slides(GRID[150]), large={GRID[149]: 300, GRID[148]: 200})
    assert found_us >= GRID[150]


def test_every_slide_is_found() -> None:
    changes = [at(1), at(2.2), at(5), at(8.6)]
    assert find(slides(*changes), large=dict.fromkeys(changes, 9000)) == changes


def test_two_slides_shortly_after_each_other_are_both_found() -> None:
    changes = [at(3), at(3.4)]
    assert find(slides(*changes), large=dict.fromkeys(changes, 9000)) == changes


def test_slide_that_is_gone_after_a_moment_is_no_change_of_its_own() -> None:
    flash = slides(at(3), at(3.1))
    assert len(find(lambda t_us: slide(0) if t_us >= at(3.1) else flash(t_us))) == 0


def test_line_of_text_is_a_change_and_a_letter_is_not() -> None:
    def draw(cells: int) -> Draw:
        def at_time(t_us: int) -> Luma:
            picture = slide(0)
            if t_us >= at(4):
                picture[2, :cells] = 20
            return picture

        return at_time

    enough = -(-SHARE * ROWS * COLUMNS // 1)
    assert len(find(draw(int(enough)))) == 1
    assert find(draw(int(enough) - 1)) == []


@pytest.mark.parametrize(("levels", "found"), [(LEVELS, 0), (LEVELS + 1, 1)])
def test_brightness_must_differ_by_more_than_a_codec_s_noise(levels: int, found: int) -> None:
    def draw(t_us: int) -> Luma:
        return np.full((ROWS, COLUMNS), 100 + (levels if t_us >= at(4) else 0), np.uint8)

    assert len(find(draw)) == found


def test_pointer_is_no_change() -> None:
    def draw(t_us: int) -> Luma:
        picture = slide(0)
        row, column = 5 + t_us // 400_000, 3 + t_us // 150_000
        picture[row : row + 2, column : column + 2] = 0
        return picture

    assert find(draw) == []


@pytest.mark.parametrize("last_s", [9.9, 9.5, 7.0])
def test_camera_that_never_keeps_still_is_no_change_not_even_at_the_end(last_s: float) -> None:
    def draw(t_us: int) -> Luma:
        picture = slide(0)
        picture[-9:, -16:] = np.random.default_rng(t_us).integers(60, 200, (9, 16))
        return picture

    assert find(draw, [t_us for t_us in GRID if t_us <= SECOND_US * last_s]) == []


def test_slide_is_found_beside_a_camera() -> None:
    def draw(t_us: int) -> Luma:
        picture = slide(int(t_us >= at(5)))
        picture[-9:, -16:] = np.random.default_rng(t_us).integers(60, 200, (9, 16))
        return picture

    assert find(draw, large={at(5): 9000}) == [at(5)]


def test_noise_of_a_codec_is_no_change() -> None:
    def draw(t_us: int) -> Luma:
        noise = np.random.default_rng(t_us).integers(-LEVELS // 2, LEVELS // 2 + 1, (ROWS, COLUMNS))
        return (slide(0).astype(int) + noise).astype(np.uint8)

    assert find(draw) == []


def test_wipe_counts_once() -> None:
    def draw(t_us: int) -> Luma:
        edge = min(COLUMNS, max(0, (t_us - at(4)) * COLUMNS // 300_000))
        return np.hstack([slide(1)[:, :edge], slide(0)[:, edge:]])

    (found_us,) = find(draw)
    assert at(4) <= found_us <= at(4) + 400_000


def test_slow_fade_is_found_where_it_settles() -> None:
    def draw(t_us: int) -> Luma:
        share = min(1.0, max(0.0, (t_us - at(3)) / 2_000_000))
        return ((1 - share) * slide(0) + share * slide(1)).astype(np.uint8)

    found = find(draw)
    assert found
    assert all(at(3) < t_us <= at(5) + SAMPLE_US for t_us in found)


@pytest.mark.parametrize("before_end", [1, 2, 4, 8, 20])
def test_change_shortly_before_the_end_is_found(before_end: int) -> None:
    change_us = GRID[-before_end * 3]
    assert find(slides(change_us), large={change_us: 9000}) == [change_us]


def test_variable_rate_dates_a_change_at_the_frame_that_brought_it() -> None:
    times_us = [0, 33_000, 66_000, 1_500_000, 4_000_000, 4_100_000, 9_000_000, 9_033_000, 20_000_000]
    assert find(slides(4_000_000, 9_000_000), times_us) == [4_000_000, 9_000_000]


def test_one_frame_a_second_is_enough() -> None:
    times_us = [SECOND_US * n for n in range(20)]
    assert find(slides(7 * SECOND_US, 8 * SECOND_US), times_us) == [7 * SECOND_US, 8 * SECOND_US]


@pytest.mark.parametrize("times_us", [[0], [0, 33_000]])
def test_hardly_any_frames_have_no_change(times_us: Sequence[int]) -> None:
    assert find(slides(), times_us) == []


def test_track_of_which_nothing_was_decoded_has_no_change() -> None:
    track = make_track(GRID)
    assert ChangeDetector().finish(track, GRID[-1]) == []


@given(st.lists(st.integers(30, 299), unique=True, max_size=6))
def test_changes_come_in_order_and_never_out_of_nothing(frames: list[int]) -> None:
    changes = sorted(GRID[frame] for frame in frames)
    found = find(slides(*changes))
    assert found == sorted(found)
    assert all(any(0 <= t_us - change_us <= 700_000 for change_us in changes) for t_us in found)
    assert len(found) <= len(changes)


def frame_with(cells: int, level: int = 200) -> Luma:
    picture = np.full(ROWS * COLUMNS, 100, np.uint8)
    picture[:cells] = level
    return picture.reshape(ROWS, COLUMNS)


def test_gate_passes_the_first_picture_and_what_differs_enough() -> None:
    gate = Gate(Fraction(1), [0, 30, 60, 90])
    percent = ROWS * COLUMNS // 100
    assert gate.offer(0, frame_with(0))
    assert not gate.offer(30, frame_with(percent))
    assert gate.offer(60, frame_with(percent + 1))
    assert not gate.offer(90, frame_with(percent + 1))
    assert gate.kept == [0, 60]


def test_gate_compares_with_the_last_picture_that_passed() -> None:
    gate = Gate(Fraction(50), range(10))
    steps = [gate.offer(n, frame_with(n * ROWS * COLUMNS // 9)) for n in range(10)]
    assert steps == [True, False, False, False, False, True, False, False, False, False]


def test_gate_of_zero_passes_anything_that_differs_visibly() -> None:
    gate = Gate(Fraction(0), range(3))
    assert gate.offer(0, frame_with(0))
    assert not gate.offer(1, frame_with(1, 100 + LEVELS))
    assert gate.offer(2, frame_with(1, 101 + LEVELS))


def test_gate_wants_only_what_the_sampler_kept_even_when_pictures_are_missing() -> None:
    gate = Gate(Fraction(1), [0, 10, 20, 30])
    assert [gate.wants(index) for index in (0, 5, 10, 25, 30, 31)] == [True, False, True, False, True, False]


@pytest.mark.parametrize(
    ("shown", "undecoded"),
    [
        (range(100), 0),
        (range(1, 100), 0),
        (range(16, 100), 0),
        (range(17, 100), 17),
        (range(99), 0),
        (range(98), 2),
        ([*range(40), *range(41, 100)], 1),
        ([*range(5, 40), *range(60, 99)], 20),
        ([], 100),
    ],
)
def test_missing_pictures_count_but_not_before_the_first_keyframe_nor_a_torn_last_one(
    shown: Sequence[int], undecoded: int
) -> None:
    look = Look(track=make_track(GRID[:100]), number=0)
    look_at_pictures((ArrayPicture(index, GRID[index], slide(0)) for index in shown), look, None)
    assert look.undecoded == undecoded


@pytest.mark.parametrize(("count", "most"), [(0, 60), (5, 60), (60, 60), (61, 60), (1000, 60), (1000, 2)])
def test_spread_takes_the_first_the_last_and_evenly_between(count: int, most: int) -> None:
    chosen = sorted(spread(range(10, 10 + count), most))
    assert len(chosen) == min(count, most)
    if count:
        assert (chosen[0], chosen[-1]) == (10, 9 + count)
