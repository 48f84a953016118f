"""Holding a session's journal against its recording: the same frames, the same attachments, the same cost.

The agent's sampler runs over the recorded frames alone, with the journal's policy and its changes, and must
keep what the journal says was kept; where not all frames were recorded, it must do so over the times of all
of them too. While the recording paused, the times that the journal has count as recorded. Each request must
have taken what the one window over all tracks gives, by the policy of its time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.domain.attachment import choose_attached
from meetctl.domain.journal import KeptEntry, RequestEntry, SessionJournal
from meetctl.domain.policy import Policy
from meetctl.domain.policy_span import span_at
from meetctl.domain.recording import Recording, Track, take_recorded
from meetctl.domain.verification import BothSides, Verification
from meetctl.domain.vision_tokens import sent_size
from meetctl.errors import MeetctlError, UsageError
from meetctl.services.kept_frames import Kept, SeenTrack, find_seen, replay_kept
from meetctl.services.request_costs import CostComparison, SentImage, compare_costs

if TYPE_CHECKING:
    from meetctl.ports import FrameSource, PriceBook, Progress

LAST_US = 1_000_000
"""A killed session may lack its last second: journal and recording are made durable at different times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that journal and replay do not agree on."""

    t_us: int
    text: str


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """A comparison under way."""

    recording: Recording
    journal: SessionJournal
    policy: Policy
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify_bundle(path: Path, *, source: FrameSource, book: PriceBook, progress: Progress) -> Verification:
    """Compare one bundle's journal with its recording; what cannot be decided does not hold."""
    try:
        recording = source.read(path, progress)
        journal = recording.journal
        if journal is None:
            what = "is a plain file" if recording.kind == "file" else "has no events.jsonl"
            return _undecided(path, f"{path} {what}: there is no journal to compare with")
        reason = _find_obstacle(recording, journal)
        if reason or journal.policy is None:
            return _undecided(path, reason or f"{path}: the journal does not say its policy")
        comparison = _Comparison(recording=recording, journal=journal, policy=journal.policy)
        return _verify(comparison, book)
    except MeetctlError as error:
        return _undecided(path, error.message)


def _undecided(path: Path, reason: str) -> Verification:
    return Verification(path=path, first_difference=reason, is_decided=False)


def _find_obstacle(recording: Recording, journal: SessionJournal) -> str | None:
    """Return why nothing could be decided, whatever the frames are."""
    if journal.unreadable or journal.lost:
        return f"{recording.path}: the journal lacks {journal.unreadable + journal.lost} events"
    if recording.damaged and journal.has_ended:
        return recording.warnings[0] if recording.warnings else f"{recording.path} is damaged"
    if not journal.kept and not journal.requests and any(span.fps != 0 for span in journal.spans):
        return f"{recording.path}: the journal has no kept frame and no request"
    return None


def _verify(comparison: _Comparison, book: PriceBook) -> Verification:
    recording, journal = comparison.recording, comparison.journal
    tracks = find_seen(journal, _name_tracks(comparison))
    told = _group(journal.kept)
    replayed = {track_id: replay_kept(track, journal) for track_id, track in tracks.items()}
    for track_id in [*tracks, *(told.keys() - tracks.keys())]:
        mine, track = told.get(track_id, []), tracks.get(track_id)
        is_same = _compare_track(comparison, track_id, mine, replayed.get(track_id, []), track)
        if is_same and track is not None and not track.is_whole:
            _compare_track(comparison, track_id, mine, replay_kept(track, journal, of_all=True), track)
    common = {
        track_id: max(told.get(track_id, []), replayed.get(track_id, []), key=len)
        for track_id in sorted(told.keys() | replayed.keys())
    }
    sent = _attach(comparison, _with_names(common, told))
    costs = compare_costs(recording, journal, comparison.policy, sent, book)
    comparison.differences += [Difference(t_us=t_us, text=text) for t_us, text in costs.differences]
    comparison.notes += costs.notes
    if not journal.has_ended:
        comparison.notes.append(_describe_end(comparison))
    return _conclude(comparison, told, replayed, costs)


def _conclude(
    comparison: _Comparison,
    told: Mapping[str, Sequence[Kept]],
    replayed: Mapping[str, Sequence[Kept]],
    costs: CostComparison,
) -> Verification:
    first = min(comparison.differences, key=lambda difference: difference.t_us, default=None)
    return Verification(
        path=comparison.recording.path,
        first_difference=first.text if first else None,
        frames=BothSides(journal=sum(map(len, told.values())), replay=sum(map(len, replayed.values()))),
        requests=len(comparison.journal.requests),
        tokens=costs.tokens,
        usd=costs.usd,
        list_usd=costs.list_usd,
        model=costs.model,
        has_agent=comparison.journal.has_agent,
        notes=tuple(comparison.notes),
    )


def _name_tracks(comparison: _Comparison) -> dict[str, Track]:
    """Return the recorded tracks by the ids that the journal has; a single one needs no id of its own.

    Raises:
        UsageError: Several tracks are recorded, and not all of them say which they are.
    """
    tracks = comparison.recording.tracks
    ids = list(dict.fromkeys(entry.track for entry in comparison.journal.kept))
    if len(tracks) == 1 and not tracks[0].id and len(ids) == 1:
        return {ids[0]: tracks[0]}
    names = [track.id for track in tracks]
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{comparison.recording.path}: the recording does not say which track is which")
    return dict(zip(names, tracks, strict=True))


def _group(kept: Sequence[KeptEntry]) -> dict[str, list[Kept]]:
    tracks: dict[str, list[Kept]] = {}
    for entry in kept:
        tracks.setdefault(entry.track, []).append(
            Kept(
                t_us=entry.t_us,
                track=entry.track,
                width=entry.width,
                height=entry.height,
                frame=entry.frame,
            )
        )
    return tracks


def _compare_track(
    comparison: _Comparison,
    track_id: str,
    told: Sequence[Kept],
    replayed: Sequence[Kept],
    track: SeenTrack | None,
) -> bool:
    """Note the track's first difference, if there is one; tell whether there is none."""
    name = track.name if track else track_id
    for mine, theirs in zip(told, replayed, strict=False):
        if mine.t_us != theirs.t_us:
            _note_missing(comparison, name, min(mine, theirs, key=lambda kept: kept.t_us), track)
            return False
        if (mine.width, mine.height) != (theirs.width, theirs.height):
            text = (
                f"{mine.frame} at {_seconds(mine.t_us)} of {name}: {mine.width}x{mine.height} in the "
                f"journal, {theirs.width}x{theirs.height} in the recording"
            )
            comparison.differences.append(Difference(t_us=mine.t_us, text=text))
            return False
    rest = [*told[len(replayed) :], *replayed[len(told) :]]
    if rest and (comparison.journal.has_ended or rest[0].t_us < _end_us(comparison) - LAST_US):
        _note_missing(comparison, name, rest[0], track)
        return False
    return True


def _note_missing(comparison: _Comparison, name: str, kept: Kept, track: SeenTrack | None) -> None:
    if not kept.frame:
        text = f"frame at {_seconds(kept.t_us)} of {name}: the replay keeps it, the journal does not have it"
    elif track is None or kept.t_us not in track.vouched_us():
        text = f"{kept.frame} at {_seconds(kept.t_us)} of {name}: kept by the journal, not in the recording"
    else:
        text = f"{kept.frame} at {_seconds(kept.t_us)} of {name}: kept by the journal, not by the replay"
    comparison.differences.append(Difference(t_us=kept.t_us, text=text))


def _with_names(
    common: Mapping[str, Sequence[Kept]], told: Mapping[str, Sequence[Kept]]
) -> dict[str, list[Kept]]:
    """Give the frames their names in the journal, where it has them at the same time."""
    named: dict[str, list[Kept]] = {}
    for track_id, frames in common.items():
        names = {kept.t_us: kept for kept in told.get(track_id, ())}
        named[track_id] = [names.get(frame.t_us, frame) for frame in frames]
    return named


def _attach(comparison: _Comparison, kept: Mapping[str, Sequence[Kept]]) -> list[list[SentImage]]:
    """Return what each of the journal's requests sends by the rule, the oldest image first."""
    times_us = {track: [frame.t_us for frame in frames] for track, frames in kept.items()}
    sent: list[list[SentImage]] = []
    for request in comparison.journal.requests:
        as_of_us = request.takes_until_us
        span = span_at(comparison.journal.spans, as_of_us)
        stops = {track: bisect_right(column, as_of_us) for track, column in times_us.items()}
        newest = [
            frame for track, stop in stops.items() for frame in kept[track][max(0, stop - span.window) : stop]
        ]
        frames = choose_attached(newest, as_of_us, span.window, span.attaches_from_us)
        names = [frame.frame or f"the frame at {_seconds(frame.t_us)}" for frame in frames]
        if names != list(request.images):
            _note_request(
                comparison,
                request,
                f"it took {_list(request.images)} by the journal, {_list(names)} by the rule",
            )
        detail = request.detail or span.policy.detail
        sent.append([*(_send(comparison, frame, detail) for frame in frames), *_looked(comparison, request)])
    return sent


def _send(comparison: _Comparison, frame: Kept, detail: str) -> SentImage:
    """Return a frame in the size that it was made ready to be sent in, when it was kept."""
    side = span_at(comparison.journal.spans, frame.t_us).policy.side
    width, height = sent_size(frame.width, frame.height, side)
    return SentImage(width=width, height=height, detail=detail)


def _looked(comparison: _Comparison, request: RequestEntry) -> list[SentImage]:
    """Return what the model had asked to look at closely, as the journal has it: no rule chooses that."""
    entries = {entry.frame: entry for entry in comparison.journal.looked}
    found = [entries[name] for name in request.looked if name in entries]
    if len(found) < len(request.looked):
        missing = [name for name in request.looked if name not in entries]
        _note_request(comparison, request, f"it took {_list(missing)}, which the journal does not have")
    return [SentImage(width=entry.width, height=entry.height, detail=entry.detail) for entry in found]


def _note_request(comparison: _Comparison, request: RequestEntry, what: str) -> None:
    text = f"{request.request} at {_seconds(request.takes_until_us)}: {what}"
    comparison.differences.append(Difference(t_us=request.takes_until_us, text=text))


def _end_us(comparison: _Comparison) -> int:
    """Return the last moment that either side knows."""
    recorded = [take_recorded(track).t_us[-1] for track in comparison.recording.tracks]
    return max(comparison.journal.end_us, *recorded)


def _describe_end(comparison: _Comparison) -> str:
    last = [take_recorded(track).t_us[-1] for track in comparison.recording.tracks]
    end_us = min(comparison.journal.end_us, max(last))
    return f"the session has no end: it still runs or was killed; compared up to {_seconds(end_us)}"


def _seconds(t_us: int) -> str:
    return f"{t_us / 1_000_000:.3f} s"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
