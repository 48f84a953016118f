"""The media clock: whole milliseconds since the first media, whatever clock stamped the frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import ManualClock

from meetctl.agent.media_clock import FURTHEST_US, MediaClock, TrackClock


def test_it_stands_at_zero_until_there_is_media() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    clock.advance(3_000_000)
    assert media.now_us() == 0
    media.begin()
    clock.advance(1_234_567)
    assert media.now_us() == 1_235_000


def test_only_the_first_media_starts_it() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin(clock.monotonic_us - 40_000)
    clock.advance(60_000)
    media.begin()
    assert media.now_us() == 100_000


def test_what_was_before_the_first_media_is_at_zero() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin()
    assert media.media_us(clock.monotonic_us - 700_000) == 0


@given(times=st.lists(st.integers(-2_000_000, 100_000_000)))
def test_times_are_whole_milliseconds_in_order_and_never_negative(times: list[int]) -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin()
    seen = [media.media_us(clock.monotonic_us + t_us) for t_us in sorted(times)]
    assert seen == sorted(seen)
    assert all(t_us >= 0 and t_us % 1000 == 0 for t_us in seen)


def test_frames_of_this_machines_clock_keep_their_distances() -> None:
    clock = ManualClock()
    track = TrackClock(MediaClock(clock))
    stamps = [clock.monotonic_us + 12_000 + round(n * 1_000_000 / 30) for n in range(5)]
    seen = []
    for n, stamp in enumerate(stamps):
        clock.advance_to(stamp - 12_000 + 3_000 * (n % 2))
        seen.append(track.time_us(stamp))
    assert seen == [0, 33_000, 67_000, 100_000, 133_000]


def test_frames_of_another_clock_begin_when_they_arrive() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin()
    clock.advance(250_000)
    track = TrackClock(media)
    seen = []
    for n in range(4):
        seen.append(track.time_us(1_700_000_000_000_000 + n * 100_000))
        clock.advance(100_000 + 7_000 * n)
    assert seen == [250_000, 350_000, 450_000, 550_000]


def test_after_a_jump_of_the_other_clock_frames_are_placed_by_their_arrival_again() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin()
    track = TrackClock(media)
    assert track.time_us(90_000_000_000) == 0
    clock.advance(500_000)
    assert track.time_us(90_000_500_000) == 500_000
    clock.advance(500_000)
    assert track.time_us(7_000) == 1_000_000
    clock.advance(40_000)
    assert track.time_us(47_000) == 1_040_000


def test_one_frame_that_is_seconds_late_does_not_shift_those_after_it() -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    media.begin()
    track = TrackClock(media)
    assert track.time_us(clock.monotonic_us) == 0
    clock.advance(3_000_000)
    assert track.time_us(clock.monotonic_us - FURTHEST_US - 20_000) == 3_000_000
    clock.advance(33_000)
    assert track.time_us(clock.monotonic_us - 60_000) == 2_973_000


@pytest.mark.parametrize("stamp_us", [-5_000_000_000, -1, 0, 10**18])
def test_no_stamp_makes_a_negative_time(stamp_us: int) -> None:
    clock = ManualClock()
    media = MediaClock(clock)
    track = TrackClock(media)
    assert track.time_us(stamp_us) == 0
    clock.advance(FURTHEST_US)
    assert media.now_us() >= 0
