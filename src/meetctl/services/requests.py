"""When the model was asked, and which kept frames each request takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from meetctl.domain.attachment import attach_ranges
from meetctl.domain.audit import TurnsSource
from meetctl.domain.labels import label_frames
from meetctl.domain.recording import Recording
from meetctl.domain.turns import requests_after_speech, requests_at_rate
from meetctl.errors import UsageError
from meetctl.services.sampling import times_of

if TYPE_CHECKING:
    from meetctl.ports import FrameSink, FrameSource, Progress

TurnsChoice = Literal["auto", "events", "vad", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One policy's kept frames of every track, and which of them each request takes."""

    kept: Sequence[Sequence[int]]
    """For each track, the kept frames' indexes."""
    kept_us: Sequence[Sequence[int]]
    """For each track, their times."""
    ranges: Sequence[Sequence[tuple[int, int]]]
    """For each track and request, the first of them that it takes and the one after the last."""


def find_requests(
    recording: Recording,
    choice: TurnsChoice,
    turns_per_min: Fraction,
    *,
    source: FrameSource,
    progress: Progress,
) -> tuple[TurnsSource, tuple[int, ...]]:
    """Find when the model was asked: by the journal, by speech, or at a rate.

    Raises:
        UsageError: The recording lacks what the choice needs.
    """
    if choice == "vad":
        if not recording.has_audio:
            raise UsageError(
                f"--turns vad: {recording.path} has no audio track", hint="give --turns-per-min instead"
            )
        return "vad", requests_after_speech(source.speech(recording, progress))
    if choice in ("auto", "events") and recording.request_times_us is not None:
        return "events", recording.request_times_us
    if choice == "events" and recording.journal is not None:
        raise UsageError(
            f"--turns events: {recording.path} was recorded without an agent, so nothing was asked",
            hint="give --turns vad or --turns-per-min",
        )
    if choice == "events":
        raise UsageError(
            f"--turns events: {recording.path} has no events.jsonl",
            hint="a bundle has one; for a plain file give --turns vad or --turns-per-min",
        )
    return "rate", requests_at_rate(turns_per_min, recording.duration_us)


def attach_kept(
    recording: Recording, kept: Sequence[Sequence[int]], requests_us: Sequence[int], window: int
) -> Attached:
    """Give each request the last kept frames of all tracks together."""
    kept_us = [times_of(track, indexes) for track, indexes in zip(recording.tracks, kept, strict=True)]
    ids = [track.id for track in recording.tracks]
    return Attached(kept=kept, kept_us=kept_us, ranges=attach_ranges(kept_us, requests_us, window, ids))


def label_requests(
    recording: Recording, attached: Attached, requests_us: Sequence[int], sink: FrameSink
) -> None:
    """Tell the sink which frames each request took, oldest first, and with which labels."""
    for request, request_us in enumerate(requests_us):
        frames = sorted(
            (attached.kept_us[track][place], recording.tracks[track].id, track, attached.kept[track][place])
            for track, ranges in enumerate(attached.ranges)
            for place in range(*ranges[request])
        )
        labels = label_frames([(request_us - t_us) / 1_000_000 for t_us, *_ in frames])
        taken = [(track, index, label) for (*_, track, index), label in zip(frames, labels, strict=True)]
        sink.label(recording.path.name, request_us, taken)
