"""The audit of recordings: the agent's sampler over recorded frames, priced, with its coverage."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from meetctl.domain.audit import PolicyAudit, RecordingAudit, Thumbnail, TurnsSource
from meetctl.domain.coverage import Method, measure_coverage
from meetctl.domain.labels import label_frames
from meetctl.domain.packet_changes import FIT_CODECS, estimate_changes
from meetctl.domain.policy import Policy
from meetctl.domain.recording import Recording, Track
from meetctl.domain.turns import requests_after_speech, requests_at_rate
from meetctl.errors import UsageError
from meetctl.services.pricing import PricedFrames, price_policy, sum_policies
from meetctl.services.sampling import choose_policies, sample_track, times_of

if TYPE_CHECKING:
    from meetctl.ports import FrameSink, FrameSource, PriceBook, Progress
    from meetctl.services.look import Look

TurnsChoice = Literal["auto", "events", "vad", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What the user asked for; the same for every recording of a call."""

    base: Policy
    """What a policy has where it says nothing else."""
    policies: tuple[Policy, ...]
    sweep: bool = False
    coverage: Method = "decode"
    turns: TurnsChoice = "auto"
    turns_per_min: Fraction = Fraction(2)
    at: datetime | None = None
    """At which time's prices; None for the time of each recording."""
    thumbnails: bool = False
    """Whether a report wants small pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One recording's audit under way: what every track's part of it needs."""

    recording: Recording
    request: AuditRequest
    policies: tuple[Policy, ...]
    requests_us: tuple[int, ...]
    at: datetime
    source: FrameSource
    book: PriceBook
    progress: Progress
    sink: FrameSink | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _TrackAudit:
    """What one track's audit found."""

    policies: tuple[PolicyAudit, ...]
    changes_us: tuple[int, ...] | None
    undecoded: int = 0
    """How many of the track's frames could not be decoded, where it was tried."""
    kept_thumbnails: Sequence[Thumbnail] = ()
    change_thumbnails: Sequence[Thumbnail] = ()


def audit_recording(
    path: Path,
    request: AuditRequest,
    *,
    source: FrameSource,
    book: PriceBook,
    progress: Progress,
    sink: FrameSink | None = None,
) -> RecordingAudit:
    """Audit one file or bundle.

    Raises:
        MediaError: The recording cannot be read.
        UsageError: A model has no image rule, or the recording lacks what the request needs.
        OutputError: `sink` cannot write.
    """
    recording = source.read(path, progress)
    turns, requests_us = _find_requests(recording, request, source, progress)
    policies = choose_policies(
        recording, request.base, request.policies, gates=request.coverage == "decode", sweep=request.sweep
    )
    at = request.at or recording.recorded_at
    for policy in policies:
        book.image_rule(policy.model, at)  # an unknown model is said before minutes are spent on decoding
    work = _Work(
        recording=recording,
        request=request,
        policies=policies,
        requests_us=requests_us,
        at=at,
        source=source,
        book=book,
        progress=progress,
        sink=sink,
    )
    tracks = [_audit_track(work, number) for number in range(len(recording.tracks))]
    recording = _note_losses(recording, sum(track.undecoded for track in tracks))
    return RecordingAudit(
        recording=recording,
        priced_at=at,
        turns=turns,
        requests_us=requests_us,
        policies=sum_policies([track.policies for track in tracks], recording.duration_us),
        tracks=tuple(sum_policies([track.policies], recording.duration_us) for track in tracks),
        changes_us=tuple(track.changes_us for track in tracks),
        warnings=(*recording.warnings, *_warn(recording, request)),
        kept_thumbnails=tuple(t for track in tracks for t in track.kept_thumbnails),
        change_thumbnails=tuple(t for track in tracks for t in track.change_thumbnails),
    )


def _audit_track(work: _Work, number: int) -> _TrackAudit:
    track, method = work.recording.tracks[number], work.request.coverage
    kept = {policy.name: sample_track(track, policy) for policy in work.policies}
    changes = _estimate(track) if method == "packets" else None
    look: Look | None = None
    if method == "decode" or _needs_pictures(work):
        look = _look(work, number, kept, changes, detect=method == "decode")
        kept |= {name: gate.kept for name, gate in look.gates.items()}
        if look.detector:
            changes = look.detector.finish(track, track.t_us[-1] + track.frame_us)
    if work.sink:
        _label_frames(work, number, kept[_exported(work).name])
    return _TrackAudit(
        policies=tuple(_audit_policy(work, track, policy, kept, changes) for policy in work.policies),
        changes_us=None if changes is None else tuple(changes),
        undecoded=look.undecoded if look else 0,
        kept_thumbnails=look.kept_thumbnails if look else (),
        change_thumbnails=look.change_thumbnails if look else (),
    )


def _note_losses(recording: Recording, undecoded: int) -> Recording:
    """Say that frames could not be decoded, unless a warning already says that their file is damaged."""
    named = any(text.startswith(str(path)) for text in recording.warnings for path in recording.media)
    if not undecoded or (recording.damaged and named):
        return recording
    frames = sum(len(track.t_us) for track in recording.tracks)
    warning = f"{recording.path} is damaged: {undecoded:,} of {frames:,} frames could not be decoded"
    return replace(recording, damaged=True, warnings=(*recording.warnings, warning))


def _audit_policy(
    work: _Work,
    track: Track,
    policy: Policy,
    kept: Mapping[str, Sequence[int]],
    changes: Sequence[int] | None,
) -> PolicyAudit:
    kept_us = times_of(track, kept[policy.name])
    return price_policy(
        PricedFrames(
            policy=policy,
            track=track,
            kept=kept[policy.name],
            kept_us=kept_us,
            requests_us=work.requests_us,
            duration_us=work.recording.duration_us,
        ),
        measure_coverage(changes, kept_us, work.request.coverage),
        is_baseline=policy is work.policies[0],
        book=work.book,
        at=work.at,
    )


def _needs_pictures(work: _Work) -> bool:
    gated = any(policy.gate is not None for policy in work.policies)
    return gated or work.request.thumbnails or work.sink is not None


def _exported(work: _Work) -> Policy:
    """The policy whose frames are shown and exported: the first that was asked for."""
    return work.policies[min(1, len(work.policies) - 1)]


def _look(
    work: _Work,
    number: int,
    kept: Mapping[str, Sequence[int]],
    changes: Sequence[int] | None,
    *,
    detect: bool,
) -> Look:
    # NumPy comes with these, and an audit without pictures does not wait for it.
    from meetctl.services.changes import ChangeDetector, Gate
    from meetctl.services.look import MOST_THUMBNAILS, Export, Look, look_at_pictures, spread

    track, shown = work.recording.tracks[number], _exported(work)
    look = Look(
        track=track,
        number=number,
        gates={p.name: Gate(p.gate, kept[p.name]) for p in work.policies if p.gate is not None},
        detector=ChangeDetector() if detect else None,
        known_changes=frozenset(bisect_left(track.t_us, t_us) for t_us in changes or ()),
        kept_wanted=spread(kept[shown.name], MOST_THUMBNAILS) if work.request.thumbnails else frozenset(),
        with_thumbnails=work.request.thumbnails,
    )
    export = (
        Export(
            policy=shown,
            sink=work.sink,
            recording=work.recording.path.name,
            indexes=frozenset(kept[shown.name]),
        )
        if work.sink
        else None
    )
    # What is exported is as exact as what the agent sends; thumbnails and comparisons need not be.
    pictures = work.source.pictures(work.recording, number, work.progress, coarse=export is None)
    look_at_pictures(pictures, look, export)
    return look


def _label_frames(work: _Work, number: int, kept: Sequence[int]) -> None:
    """Tell the sink which frames each request took, and with which labels."""
    if work.sink is None:
        return
    times_us = times_of(work.recording.tracks[number], kept)
    window = _exported(work).window
    for request_us in work.requests_us:
        stop = bisect_right(times_us, request_us)
        start = max(0, stop - window)
        labels = label_frames([(request_us - t_us) / 1_000_000 for t_us in times_us[start:stop]])
        pairs = list(zip(kept[start:stop], labels, strict=True))
        work.sink.label(work.recording.path.name, number, request_us, pairs)


def _estimate(track: Track) -> list[int] | None:
    """Estimate changes from packets; None for a codec whose packets do not tell."""
    if track.codec not in FIT_CODECS:
        return None
    return estimate_changes(track.t_us, track.size_bytes, track.keyframe)


def _find_requests(
    recording: Recording, request: AuditRequest, source: FrameSource, progress: Progress
) -> tuple[TurnsSource, tuple[int, ...]]:
    """Find when the model was asked: by the journal, by speech, or at a rate."""
    if request.turns == "vad":
        if not recording.has_audio:
            raise UsageError(
                f"--turns vad: {recording.path} has no audio track", hint="give --turns-per-min instead"
            )
        return "vad", requests_after_speech(source.speech(recording, progress))
    if request.turns in ("auto", "events") and recording.request_times_us is not None:
        return "events", recording.request_times_us
    if request.turns == "events":
        raise UsageError(
            f"--turns events: {recording.path} has no events.jsonl",
            hint="a bundle has one; for a plain file give --turns vad or --turns-per-min",
        )
    return "rate", requests_at_rate(request.turns_per_min, recording.duration_us)


def _warn(recording: Recording, request: AuditRequest) -> list[str]:
    """Say where what was asked for could not be done."""
    return [
        f"{recording.path}: no coverage for {track.name}: packets of {track.codec} do not tell when "
        "the picture changed; use --coverage decode"
        for track in recording.tracks
        if request.coverage == "packets" and track.codec not in FIT_CODECS
    ]
