"""Frames of a turned camera stand upright, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.agent.rtc_video import turn_upright

SIDES = st.integers(1, 9)


def planes_of(data: bytes | bytearray | memoryview, width: int, height: int) -> list[np.ndarray]:
    planes, start = [], 0
    for rows, columns in ((height, width), *[((height + 1) // 2, (width + 1) // 2)] * 2):
        plane = np.frombuffer(data, np.uint8, rows * columns, start).reshape(rows, columns)
        planes.append(plane)
        start += rows * columns
    assert start == memoryview(data).nbytes
    return planes


def picture(width: int, height: int) -> bytes:
    size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    return bytes(range(size))


@given(width=SIDES, height=SIDES)
def test_a_quarter_moves_the_top_left_corner_to_the_top_right(width: int, height: int) -> None:
    data = picture(width, height)
    turned, turned_width, turned_height = turn_upright(data, width, height, 1)
    assert (turned_width, turned_height) == (height, width)
    for before, after in zip(
        planes_of(data, width, height), planes_of(turned, turned_width, turned_height), strict=True
    ):
        rows, columns = before.shape
        assert after.shape == (columns, rows)
        assert after[0, -1] == before[0, 0]
        assert all(
            after[column, rows - 1 - row] == before[row, column]
            for row in range(rows)
            for column in range(columns)
        )


@given(width=SIDES, height=SIDES, quarters=st.integers(0, 3))
def test_four_quarters_are_none(width: int, height: int, quarters: int) -> None:
    data = picture(width, height)
    there, there_width, there_height = turn_upright(data, width, height, quarters)
    back, *size = turn_upright(there, there_width, there_height, (4 - quarters) % 4)
    assert (bytes(back), size) == (data, [width, height])


@given(width=SIDES, height=SIDES)
def test_half_a_turn_is_two_quarters(width: int, height: int) -> None:
    data = picture(width, height)
    once, once_width, once_height = turn_upright(data, width, height, 1)
    assert turn_upright(once, once_width, once_height, 1) == turn_upright(data, width, height, 2)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_an_upright_picture_is_passed_on_as_it_is(kind: type) -> None:
    data = kind(picture(4, 4))
    assert turn_upright(data, 4, 4, 0)[0] is data
