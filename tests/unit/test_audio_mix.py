from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meetctl.services.audio_mix import AudioMix


def samples(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.array(values, np.int16)


def test_what_nobody_says_is_silence() -> None:
    mix = AudioMix(0)
    assert mix.take(3).tolist() == [0, 0, 0]
    assert (mix.position, mix.end) == (3, 3)


def test_voices_at_the_same_moment_are_added() -> None:
    mix = AudioMix(100)
    assert mix.add(100, samples(1, 2, 3)) == 0
    assert mix.add(101, samples(10, 20, 30)) == 0
    assert mix.end == 104
    assert mix.take(6).tolist() == [1, 12, 23, 30, 0, 0]


def test_too_loud_is_cut_off_and_does_not_wrap() -> None:
    mix = AudioMix(0)
    for _ in range(3):
        mix.add(0, samples(30_000, -30_000))
    assert mix.take(2).tolist() == [32_767, -32_768]


def test_what_comes_too_late_is_left_out_and_counted() -> None:
    mix = AudioMix(0)
    mix.take(4)
    assert mix.add(2, samples(1, 2, 3, 4)) == 2
    assert mix.add(0, samples(9, 9)) == 2
    assert mix.take(3).tolist() == [3, 4, 0]


@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 60), st.lists(st.integers(-20_000, 20_000), max_size=20)), max_size=12
    ),
    takes=st.lists(st.integers(0, 30), max_size=6),
)
def test_mixing_is_summing_wherever_it_is_cut(pieces: list[tuple[int, list[int]]], takes: list[int]) -> None:
    expected = np.zeros(100, np.int64)
    mix = AudioMix(0)
    for start, values in pieces:
        expected[start : start + len(values)] += np.array(values, np.int64)
        mix.add(start, np.array(values, np.int16))
    taken = [mix.take(count) for count in takes]
    rest = mix.take(max(0, 100 - mix.position))
    got = np.concatenate([*taken, rest])[:100]
    assert got.tolist() == np.clip(expected, -32_768, 32_767).tolist()
