"""Making one track of what a meeting left of it: several segments, and the times that the journal tells."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from meetctl.domain.frame_times import FrameTimes
from meetctl.domain.recording import MediaPart, SizeRun, Track

_MILLISECOND_US = 1000


def join_segments(tracks: Iterable[Track]) -> list[Track]:
    """Join tracks that have the same id, in the order of their times; those without an id stay as they are.

    A segment that begins before the one before it has ended cannot go on from there and stays by itself.
    """
    joined: list[Track] = []
    for track in sorted(tracks, key=lambda track: track.t_us[0] if track.id else -1):
        before = next((place for place, one in enumerate(joined) if _goes_on(one, track)), None)
        if before is None:
            joined.append(track)
        else:
            joined[before] = _append(joined[before], track)
    return joined


def _goes_on(one: Track, other: Track) -> bool:
    return bool(other.id) and one.id == other.id and one.t_us[-1] < other.t_us[0]


def _append(one: Track, other: Track) -> Track:
    count = len(one.t_us)
    shifted = [replace(run, first=run.first + count) for run in other.runs]
    return replace(
        one,
        t_us=one.t_us + other.t_us,
        size_bytes=array("q", [*one.size_bytes, *other.size_bytes]),
        keyframe=one.keyframe + other.keyframe,
        runs=_merge_runs([*one.runs, *shifted]),
        has_losses=one.has_losses or other.has_losses,
        further=(*one.further, MediaPart(first=count, media=other.media, stream=other.stream)),
    )


def add_told_times(track: Track, told: FrameTimes) -> Track:
    """Return the track with the frames that came but were not recorded.

    A frame is the same where its time is, in whole milliseconds, which is what Matroska can hold; the
    recording's time and size are taken. An unrecorded frame has the size that the journal says it had, else
    that of the recorded frame before it.
    """
    known = {_milliseconds(t_us) for t_us in track.t_us}
    missing = [index for index, t_us in enumerate(told.t_us) if _milliseconds(t_us) not in known]
    if not missing:
        return track
    columns = sorted(
        [(t_us, 1, index) for index, t_us in enumerate(track.t_us)]
        + [(told.t_us[index], 0, index) for index in missing]
    )
    told_firsts, own_firsts = [run.first for run in told.runs], [run.first for run in track.runs]
    runs: list[SizeRun] = []
    last = 0
    for place, (_, is_recorded, index) in enumerate(columns):
        last = index if is_recorded else last
        if is_recorded or not told.runs:
            run = track.runs[bisect_right(own_firsts, last) - 1]
        else:
            run = told.runs[max(0, bisect_right(told_firsts, index) - 1)]
        if not runs or (runs[-1].width, runs[-1].height) != (run.width, run.height):
            runs.append(replace(run, first=place))
    return replace(
        track,
        t_us=array("q", (t_us for t_us, _, _ in columns)),
        size_bytes=array("q", (track.size_bytes[index] if own else 0 for _, own, index in columns)),
        keyframe=bytearray(track.keyframe[index] if own else 0 for _, own, index in columns),
        runs=tuple(runs),
        recorded=array("q", (place for place, (_, own, _) in enumerate(columns) if own)),
    )


def _merge_runs(runs: Sequence[SizeRun]) -> tuple[SizeRun, ...]:
    """Drop runs that have the size of the one before."""
    merged: list[SizeRun] = []
    for run in runs:
        if not merged or (merged[-1].width, merged[-1].height) != (run.width, run.height):
            merged.append(run)
    return tuple(merged)


def _milliseconds(t_us: int) -> int:
    return (t_us + _MILLISECOND_US // 2) // _MILLISECOND_US
