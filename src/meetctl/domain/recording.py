"""What a recording holds, as columns: when each frame was, how large, and what was said when."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from meetctl.domain.journal import SessionJournal

_REGULAR = 0.9
"""From this share of like distances on, frames come at a rate, and other distances are holes in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRun:
    """The picture size from one frame on, until the next run."""

    first: int
    """Index of the first frame that has this size."""
    width: int
    """Displayed width in pixels, after rotation."""
    height: int
    """Displayed height in pixels, after rotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPart:
    """A stretch of a track's recorded frames, until the next part: one stream of one file."""

    first: int
    """The place of its first frame among the track's recorded ones."""
    media: Path
    """The file that holds it."""
    stream: int
    """The stream's index in that file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One video track: equally long columns in presentation order."""

    name: str
    """What a person would call it, such as "screen" or "video 0"."""
    media: Path
    """The file that holds it, or its first part."""
    stream: int
    """The stream's index in that file."""
    codec: str
    """The codec's name as FFmpeg has it, such as "h264"."""
    t_us: array[int]
    """Each frame's time on the media clock, in microseconds, ascending."""
    size_bytes: array[int]
    """Each frame's encoded size; 0 for a frame that is not in the recording."""
    keyframe: bytearray
    """1 where a frame can be decoded by itself, else 0."""
    runs: tuple[SizeRun, ...]
    """Picture sizes; the first run starts at frame 0."""

    has_losses: bool = False
    """Whether frames may be missing because the file is damaged."""
    id: str = ""
    """The id it had in the meeting, such as "TR_VSc3N8"; empty where nobody says."""
    further: tuple[MediaPart, ...] = ()
    """The parts after the first, where the track changed its size or paused, in order."""
    recorded: array[int] | None = None
    """Indexes of the frames that are in the recording, ascending; None where all are. The times of the
    others are known from the journal."""

    @property
    def parts(self) -> tuple[MediaPart, ...]:
        """All files' streams that hold it, in order."""
        return (MediaPart(first=0, media=self.media, stream=self.stream), *self.further)

    @property
    def recorded_count(self) -> int:
        """How many of its frames are in the recording."""
        return len(self.t_us) if self.recorded is None else len(self.recorded)

    @property
    def span_us(self) -> int:
        """From the first frame's start to the last one's end, in microseconds."""
        return self.t_us[-1] - self.t_us[0] + self.frame_us

    @property
    def frame_us(self) -> int:
        """How long a frame lasts, in microseconds: the mean distance between frames.

        Where damage has torn holes into a regular rate, they do not count.
        """
        gaps = len(self.t_us) - 1
        if not gaps:
            return 0
        return round(_usual_gap_us(self.t_us) if self.has_losses else (self.t_us[-1] - self.t_us[0]) / gaps)

    @property
    def fps(self) -> float:
        """Frames a second over the track's span, without what damage took; 0 for a single frame."""
        if self.has_losses:
            return _round_rate(1_000_000 / self.frame_us) if self.frame_us else 0.0
        return _round_rate(1_000_000 * len(self.t_us) / self.span_us) if self.span_us else 0.0


def _round_rate(fps: float) -> float:
    """Round to what is measured: a rate below one frame a second needs more digits.

    >>> _round_rate(29.9703), _round_rate(1 / 300)
    (29.97, 0.00333)
    """
    return round(fps, 2) if fps >= 1 else float(f"{fps:.3g}")


def _usual_gap_us(t_us: Sequence[int]) -> float:
    """Return the mean distance, without the outliers if nearly all distances are alike.

    >>> _usual_gap_us([0, 33, 67, 100, 133, 167, 200, 233, 267, 300, 333, 1333])
    33.3
    """
    gaps = [b - a for a, b in pairwise(t_us)]
    usual = median_low(gaps)
    alike = [gap for gap in gaps if usual <= 2 * gap <= 3 * usual]
    chosen = alike if _REGULAR * len(gaps) <= len(alike) else gaps
    return sum(chosen) / len(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSpan:
    """A stretch of speech in the audio track."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file or bundle, read from packets alone."""

    path: Path
    """What the user named."""
    media: tuple[Path, ...]
    """The media files behind it, in order; for a plain file, the file itself."""
    kind: Literal["file", "bundle"]
    tracks: tuple[Track, ...]
    duration_us: int
    """How long the recording is, by its container or, where that is wrong, by its frames."""
    recorded_at: datetime
    """When the recording began (aware, UTC)."""
    recorded_at_source: str
    """How that is known: "session.json", "container" or "file time"."""
    has_audio: bool
    request_times_us: tuple[int, ...] | None = None
    """When the agent asked its model, by the journal; None where there is no journal, or was no agent."""
    journal: SessionJournal | None = None
    """What the journal says of frames and requests; None where there is no journal."""
    damaged: bool = False
    warnings: tuple[str, ...] = ()


def sizes_of(track: Track, indexes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the displayed (width, height) of each of the frames at ascending `indexes`."""
    sizes: list[tuple[int, int]] = []
    run = 0
    for index in indexes:
        while run + 1 < len(track.runs) and track.runs[run + 1].first <= index:
            run += 1
        sizes.append((track.runs[run].width, track.runs[run].height))
    return sizes


def take_recorded(track: Track) -> Track:
    """Return the track with only those frames that are in the recording."""
    if track.recorded is None:
        return track
    indexes = track.recorded
    runs = [replace(run, first=bisect_left(indexes, run.first)) for run in track.runs]
    ends = [*(run.first for run in runs[1:]), len(indexes)]
    return replace(
        track,
        t_us=array("q", (track.t_us[index] for index in indexes)),
        size_bytes=array(track.size_bytes.typecode, (track.size_bytes[index] for index in indexes)),
        keyframe=bytearray(track.keyframe[index] for index in indexes),
        runs=tuple(run for run, end in zip(runs, ends, strict=True) if run.first < end),
        recorded=None,
    )
