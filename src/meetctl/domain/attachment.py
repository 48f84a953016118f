"""Which kept frames a request takes: one window over all tracks together, live and in replay.

A request takes the last `window` frames that were kept at or before its time, whatever tracks they are
from. Frames of two tracks with the same time are in the order of their tracks' ids, so that the agent and
the replay agree without knowing which frame came in first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Protocol, TypeVar


class KeptFrame(Protocol):
    """A frame that the sampler kept."""

    @property
    def t_us(self) -> int:
        """Its time on the media clock, in microseconds."""

    @property
    def track(self) -> str:
        """The id of the track it is from."""


FrameT = TypeVar("FrameT", bound=KeptFrame)


def choose_attached(frames: Iterable[FrameT], as_of_us: int, window: int, since_us: int = 0) -> list[FrameT]:
    """Return the frames that a request takes, oldest first.

    `frames` are kept frames in any order, at least the last `window` of them up to `as_of_us`. Those from
    before `since_us` are not taken.

    >>> from types import SimpleNamespace
    >>> kept = [SimpleNamespace(track=track, t_us=t_us) for track, t_us in (("B", 5), ("A", 5), ("A", 9))]
    >>> [(frame.track, frame.t_us) for frame in choose_attached(kept, 8, 5)]
    [('A', 5), ('B', 5)]
    """
    until = [frame for frame in frames if since_us <= frame.t_us <= as_of_us]
    until.sort(key=lambda frame: (frame.t_us, frame.track))
    return until[max(0, len(until) - window) :]


def attach_ranges(
    kept_us: Sequence[Sequence[int]], requests_us: Sequence[int], window: int, ids: Sequence[str] = ()
) -> list[list[tuple[int, int]]]:
    """Return for each track and request which of the track's kept frames the request takes: start, stop.

    `kept_us` has each track's kept frames' times, ascending; `ids` the tracks' ids. Tracks without ids, or
    with the same, are taken in the order they are given in.

    >>> attach_ranges([[0, 10, 20, 30], [15, 25]], [5, 26], 3, ["A", "B"])
    [[(0, 1), (2, 3)], [(0, 0), (0, 2)]]
    """
    if len(kept_us) == 1:
        column = kept_us[0]
        stops = [bisect_right(column, request_us) for request_us in requests_us]
        return [[(max(0, stop - window), stop) for stop in stops]]
    order = sorted(range(len(kept_us)), key=lambda track: ids[track] if ids else "")
    ranges: list[list[tuple[int, int]]] = [[] for _ in kept_us]
    for request_us in requests_us:
        stops = [bisect_right(column, request_us) for column in kept_us]
        starts = _starts(kept_us, stops, window, order)
        for track, pair in enumerate(zip(starts, stops, strict=True)):
            ranges[track].append(pair)
    return ranges


def _starts(
    kept_us: Sequence[Sequence[int]], stops: Sequence[int], window: int, order: Sequence[int]
) -> list[int]:
    """Return each track's first attached frame, when the last of each are those before `stops`."""
    newest = [
        (kept_us[track][index], rank, index)
        for rank, track in enumerate(order)
        for index in range(max(0, stops[track] - window), stops[track])
    ]
    newest.sort(key=itemgetter(0, 1, 2))
    starts = list(stops)
    for _, rank, index in newest[max(0, len(newest) - window) :]:
        starts[order[rank]] = min(starts[order[rank]], index)
    return starts
