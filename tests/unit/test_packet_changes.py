"""The estimate of changes from packet sizes and keyframes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.packet_changes import FACTOR, KEYFRAME_SHARE, MERGE_US, estimate_changes, is_large

GAP_US = 33_333
WHOLE = 40_000
"""What a whole picture takes."""


def column(large: dict[int, int], count: int = 900, keyframes: tuple[int, ...] = (0, 300, 600)) -> list[int]:
    found = estimate_changes(
        [GAP_US * n for n in range(count)],
        [large.get(n, WHOLE if n in keyframes else 200) for n in range(count)],
        bytearray(n in keyframes for n in range(count)),
    )
    return [t_us // GAP_US for t_us in found]


def test_small_packets_and_regular_keyframes_are_no_change() -> None:
    assert column({}) == []


def test_first_frame_is_no_change() -> None:
    assert column({0: 10 * WHOLE}) == []


def test_large_packet_is_a_change() -> None:
    assert column({100: 20_000, 450: 5_000}) == [100, 450]


def test_packet_must_hold_a_part_of_a_whole_picture() -> None:
    assert column({100: WHOLE // KEYFRAME_SHARE}) == []
    assert column({100: WHOLE // KEYFRAME_SHARE + 1}) == [100]


def test_packet_must_stand_out_from_its_neighbours() -> None:
    busy = dict.fromkeys(range(900), 2_000) | dict.fromkeys((0, 300, 600), WHOLE)
    assert column(busy | {100: 2_000 * FACTOR}) == []
    assert column(busy | {100: 2_000 * FACTOR + 1}) == [100]


def test_neighbours_are_changes_once_at_the_largest() -> None:
    within = MERGE_US // GAP_US
    assert column({100: 9_000, 101: 12_000, 100 + within: 8_000}) == [101]
    assert column({100: 9_000, 101 + within: 8_000}) == [100, 101 + within]


def test_keyframe_off_the_regular_distance_is_a_change() -> None:
    assert column({}, keyframes=(0, 300, 430, 730)) == [430]


def test_keyframes_alone_say_nothing_when_there_is_one() -> None:
    assert column({}, keyframes=(0,)) == []


def test_nothing_is_estimated_from_nothing() -> None:
    assert estimate_changes([], [], bytearray()) == []
    assert estimate_changes([0], [WHOLE], bytearray([1])) == []


def test_without_any_keyframe_only_neighbours_count() -> None:
    sizes = [100] * 200
    sizes[90] = 5_000
    assert estimate_changes(range(200), sizes, bytearray(200)) == [90]
    assert is_large(sizes, bytearray(200), 90)
    assert not is_large(sizes, bytearray(200), 91)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.booleans()), max_size=300))
def test_changes_are_frames_of_the_track_in_order_and_apart(packets: list[tuple[int, bool]]) -> None:
    t_us = [GAP_US * n for n in range(len(packets))]
    changes = estimate_changes(t_us, [size for size, _ in packets], bytearray(key for _, key in packets))
    assert changes == sorted(set(changes))
    assert set(changes) <= set(t_us[1:])
