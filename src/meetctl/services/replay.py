"""The audit of recordings: the agent's sampler over recorded frames, priced, with its coverage."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.domain.audit import PolicyAudit, RecordingAudit, Thumbnail
from meetctl.domain.coverage import Method, measure_coverage
from meetctl.domain.packet_changes import FIT_CODECS, estimate_changes
from meetctl.domain.policy import Policy
from meetctl.domain.recording import Recording, Track, take_recorded
from meetctl.services.pricing import PricedFrames, price_policy, sum_policies
from meetctl.services.requests import Attached, TurnsChoice, attach_kept, find_requests, label_requests
from meetctl.services.sampling import choose_policies, sample_track

if TYPE_CHECKING:
    from meetctl.ports import FrameSink, FrameSource, PriceBook, Progress
    from meetctl.services.look import Look


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
class _SeenTrack:
    """What one track's frames and pictures gave."""

    kept: Mapping[str, Sequence[int]]
    """Indexes of the kept frames by policy."""
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
    turns, requests_us = find_requests(
        recording, request.turns, request.turns_per_min, source=source, progress=progress
    )
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
    seen = [_see_track(work, number) for number in range(len(recording.tracks))]
    tracks = _audit_tracks(work, seen)
    recording = _note_losses(recording, sum(track.undecoded for track in seen))
    return RecordingAudit(
        recording=recording,
        priced_at=at,
        turns=turns,
        requests_us=requests_us,
        policies=sum_policies(tracks, recording.duration_us),
        tracks=tuple(sum_policies([policies], recording.duration_us) for policies in tracks),
        changes_us=tuple(track.changes_us for track in seen),
        warnings=(*recording.warnings, *_warn(work)),
        kept_thumbnails=tuple(t for track in seen for t in track.kept_thumbnails),
        change_thumbnails=tuple(t for track in seen for t in track.change_thumbnails),
    )


def _see_track(work: _Work, number: int) -> _SeenTrack:
    track, method = work.recording.tracks[number], work.request.coverage
    kept = {policy.name: sample_track(track, policy) for policy in work.policies}
    changes = _estimate(track) if method == "packets" else None
    look: Look | None = None
    if method == "decode" or _needs_pictures(work):
        look = _look(work, number, kept, changes, detect=method == "decode")
        kept |= {name: gate.kept for name, gate in look.gates.items()}
        if look.detector:
            changes = look.detector.finish(take_recorded(track), track.t_us[-1] + track.frame_us)
    return _SeenTrack(
        kept=kept,
        changes_us=None if changes is None else tuple(changes),
        undecoded=look.undecoded if look else 0,
        kept_thumbnails=look.kept_thumbnails if look else (),
        change_thumbnails=look.change_thumbnails if look else (),
    )


def _audit_tracks(work: _Work, seen: Sequence[_SeenTrack]) -> list[tuple[PolicyAudit, ...]]:
    """Price every policy for each track; what a request takes depends on all tracks together."""
    tracks: list[list[PolicyAudit]] = [[] for _ in seen]
    for policy in work.policies:
        kept = [track.kept[policy.name] for track in seen]
        attached = attach_kept(work.recording, kept, work.requests_us, policy.window)
        if work.sink and policy is _exported(work):
            label_requests(work.recording, attached, work.requests_us, work.sink)
        for number, audits in enumerate(tracks):
            audits.append(_audit_policy(work, number, policy, attached, seen[number].changes_us))
    return [tuple(audits) for audits in tracks]


def _note_losses(recording: Recording, undecoded: int) -> Recording:
    """Say that frames could not be decoded, unless a warning already says that their file is damaged."""
    named = any(text.startswith(str(path)) for text in recording.warnings for path in recording.media)
    if not undecoded or (recording.damaged and named):
        return recording
    frames = sum(len(track.t_us) for track in recording.tracks)
    warning = f"{recording.path} is damaged: {undecoded:,} of {frames:,} frames could not be decoded"
    return replace(recording, damaged=True, warnings=(*recording.warnings, warning))


def _audit_policy(
    work: _Work, number: int, policy: Policy, attached: Attached, changes: Sequence[int] | None
) -> PolicyAudit:
    track, kept, kept_us = work.recording.tracks[number], attached.kept[number], attached.kept_us[number]
    if _is_beyond_recorded(track, kept):
        changes = None
    return price_policy(
        PricedFrames(
            policy=policy,
            track=track,
            kept=kept,
            kept_us=kept_us,
            attached=attached.ranges[number],
            duration_us=work.recording.duration_us,
        ),
        measure_coverage(changes, kept_us, work.request.coverage),
        is_baseline=policy is work.policies[0],
        book=work.book,
        at=work.at,
    )


def _is_beyond_recorded(track: Track, kept: Sequence[int]) -> bool:
    """Tell whether a policy keeps as many frames as were recorded, or more, of a track recorded in part.

    What happened between recorded frames nobody knows, so such a policy would seem to miss nothing.
    """
    return track.recorded is not None and len(kept) >= len(track.recorded)


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
    from meetctl.services.look import Export, Look, look_at_pictures

    track, shown = work.recording.tracks[number], _exported(work)
    look = Look(
        track=track,
        number=number,
        gates={p.name: Gate(p.gate, kept[p.name]) for p in work.policies if p.gate is not None},
        detector=ChangeDetector() if detect else None,
        known_changes=frozenset(bisect_left(track.t_us, t_us) for t_us in changes or ()),
        kept_wanted=_choose_shown(track, kept[shown.name]) if work.request.thumbnails else frozenset(),
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


def _choose_shown(track: Track, kept: Sequence[int]) -> frozenset[int]:
    """Choose kept frames for small pictures, among those that are in the recording."""
    from meetctl.services.look import MOST_THUMBNAILS, spread

    if track.recorded is not None:
        recorded = frozenset(track.recorded)
        kept = [index for index in kept if index in recorded]
    return spread(kept, MOST_THUMBNAILS)


def _estimate(track: Track) -> list[int] | None:
    """Estimate changes from packets; None for a codec whose packets do not tell."""
    if track.codec not in FIT_CODECS:
        return None
    recorded = take_recorded(track)
    return estimate_changes(recorded.t_us, recorded.size_bytes, recorded.keyframe)


def _warn(work: _Work) -> list[str]:
    """Say where what was asked for could not be done, or only in part."""
    recording, method = work.recording, work.request.coverage
    warnings = [
        f"{recording.path}: no coverage for {track.name}: packets of {track.codec} do not tell when "
        "the picture changed; use --coverage decode"
        for track in recording.tracks
        if method == "packets" and track.codec not in FIT_CODECS
    ]
    partial = [track for track in recording.tracks if track.recorded is not None]
    if partial and (method != "off" or _needs_pictures(work)):
        recorded, frames = sum(t.recorded_count for t in partial), sum(len(t.t_us) for t in partial)
        warnings.append(
            f"{recording.path}: {recorded:,} of {frames:,} frames were recorded, and the journal has the "
            "times of all: costs are of all, pictures and coverage of the recorded ones alone"
        )
    changes = len(recording.journal.spans) - 1 if recording.journal else 0
    if changes > 0:
        warnings.append(
            f"{recording.path}: the agent's policy changed {changes} times in the meeting; an audit keeps "
            "one policy throughout, `--verify` follows the changes"
        )
    return warnings
