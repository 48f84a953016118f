"""The words that tell a model where in time each attached frame belongs."""

from __future__ import annotations

from collections.abc import Sequence


def label_frames(ages_s: Sequence[float]) -> list[str]:
    """Return one label a frame, oldest first, from the frames' ages in seconds.

    >>> label_frames([4.0, 3.0, 0.2])
    ['first visible frame, 4.0 s ago', 'frame 2 of 3, 3.0 s ago', 'most recent frame, 0.2 s ago']
    >>> label_frames([1.5])
    ['first visible frame, 1.5 s ago']
    """
    count = len(ages_s)
    return [f"{_position(i, count)}, {age_s:.1f} s ago" for i, age_s in enumerate(ages_s)]


def _position(index: int, count: int) -> str:
    if index == 0:
        return "first visible frame"
    if index == count - 1:
        return "most recent frame"
    return f"frame {index + 1} of {count}"
