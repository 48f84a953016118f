"""When a meeting was recorded, and when it was not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSpan:
    """Whether frames are recorded from one moment on, until the next span."""

    from_us: int
    """Media time of the first frame that it is for."""
    is_on: bool


def is_recorded_at(spans: Sequence[RecordingSpan], t_us: int) -> bool:
    """Tell whether a frame of this time was to be recorded; `spans` is in order.

    >>> spans = [RecordingSpan(from_us=0, is_on=True), RecordingSpan(from_us=500, is_on=False)]
    >>> is_recorded_at(spans, 499), is_recorded_at(spans, 500), is_recorded_at([], 0)
    (True, False, True)
    """
    place = bisect_right(spans, t_us, key=attrgetter("from_us")) - 1
    return spans[place].is_on if place >= 0 else True
