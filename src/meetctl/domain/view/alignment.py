"""Holding two sessions against each other: at the same time, or at the same turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import nextafter
from typing import Literal

Alignment = Literal["time", "turn"]


def align_by_turn(t: float, starts: Sequence[float], others: Sequence[float], others_end: float) -> float:
    """Return the time at which the other session is as far into the same turn.

    `starts` are when the turns begin, `others` when the other session's do. The other waits at its turn's
    end where that is shorter, and at its own end where it has no such turn.

    >>> [align_by_turn(t, [10, 20], [5, 50], 60) for t in (2, 12, 21, 99)]
    [2.0, 7, 51, 60]
    >>> align_by_turn(30, [10, 40], [5, 8], 60) < 8
    True
    """
    turn = bisect_right(starts, t)
    if turn > len(others):
        return others_end
    begin, since = (others[turn - 1], t - starts[turn - 1]) if turn else (0.0, t)
    has_next = turn < len(others)
    latest = nextafter(others[turn], 0) if has_next else others_end
    return max(0.0, min(begin + since, latest))
