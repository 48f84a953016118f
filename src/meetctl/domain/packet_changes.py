"""An estimate of visible changes from packet sizes and keyframes, without decoding anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median_low

FACTOR = 6
"""A packet this many times its neighbours' median may show new content."""

KEYFRAME_SHARE = 25
"""It does only if it also holds at least this part (a 25th) of what a whole picture takes: a pointer
over a still picture multiplies tiny packets, and shows nothing new."""

NEIGHBOURS = 60
"""How many packets to each side make the median."""

MERGE_US = 350_000
"""Candidates nearer than this to the one before belong to the same change; the largest tells when."""

_REGULAR = 0.9
"""A keyframe this much earlier than the longest distance between two is off the grid."""

FIT_CODECS = frozenset({"h264"})
"""Codecs whose packet sizes follow the content. VP8 and VP9 under WebRTC's rate control spread a
change over many packets; measured, the estimate is worse than no answer there (docs/coverage.md)."""


def estimate_changes(t_us: Sequence[int], size_bytes: Sequence[int], keyframe: Sequence[int]) -> list[int]:
    """Return the estimated times of visible changes, in microseconds, ascending.

    The columns are equally long and in presentation order. A change is a non-key packet much
    larger than its neighbours, or a keyframe off the regular grid, which an encoder inserts at a
    scene cut. The first frame is no change: nothing was there before it.
    """
    candidates = {*_large_packets(size_bytes, keyframe), *_irregular_keyframes(t_us, keyframe)} - {0}
    changes: list[int] = []
    last_us: int | None = None
    for index in sorted(candidates):
        if last_us is None or t_us[index] - last_us >= MERGE_US:
            changes.append(index)
        elif size_bytes[index] > size_bytes[changes[-1]]:
            changes[-1] = index
        last_us = t_us[index]
    return [t_us[index] for index in changes]


def is_large(size_bytes: Sequence[int], keyframe: Sequence[int], index: int) -> bool:
    """Tell whether a packet is large enough to show new content.

    >>> is_large([900, 20, 20, 400, 20, 20, 20], [1, 0, 0, 0, 0, 0, 0], 3)
    True
    """
    size = size_bytes[index]
    return size > _least_size(size_bytes, keyframe) and size > FACTOR * _median_around(size_bytes, index)


def _least_size(size_bytes: Sequence[int], keyframe: Sequence[int]) -> int:
    whole = sorted(size for size, key in zip(size_bytes, keyframe, strict=True) if key)
    return whole[len(whole) // 2] // KEYFRAME_SHARE if whole else 0


def _large_packets(size_bytes: Sequence[int], keyframe: Sequence[int]) -> Iterable[int]:
    """Compare with the whole track and a block first: few packets need the median of their neighbours."""
    least = _least_size(size_bytes, keyframe)
    for start in range(0, len(size_bytes), NEIGHBOURS):
        stop = start + NEIGHBOURS
        block = size_bytes[start:stop]
        if max(block) <= least:
            continue
        for index, size in enumerate(block, start):
            if size > least and not keyframe[index] and size > FACTOR * _median_around(size_bytes, index):
                yield index


def _median_around(size_bytes: Sequence[int], index: int) -> int:
    return median_low(size_bytes[max(0, index - NEIGHBOURS) : index + NEIGHBOURS + 1])


def _irregular_keyframes(t_us: Sequence[int], keyframe: Sequence[int]) -> Iterable[int]:
    """Find keyframes that come sooner than the encoder's regular distance after the one before."""
    indexes = [index for index, key in enumerate(keyframe) if key]
    gaps = [t_us[b] - t_us[a] for a, b in pairwise(indexes)]
    regular_us = max(gaps, default=0)
    for index, gap_us in zip(indexes[1:], gaps, strict=True):
        if gap_us < _REGULAR * regular_us:
            yield index
