"""Which frames a session should have kept: its own sampler over the frames that can be relied on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from meetctl.domain.frame_times import find_frame_times
from meetctl.domain.policy_span import make_sampler
from meetctl.domain.recording_span import is_recorded_at

if TYPE_CHECKING:
    from meetctl.domain.frame_times import FrameTimes
    from meetctl.domain.journal import SessionJournal
    from meetctl.domain.recording import SizeRun, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kept frame, by either side."""

    t_us: int
    track: str
    width: int
    height: int
    frame: str = ""
    """Its name in the journal; empty for a frame that the replay alone knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTrack:
    """All frames of one track that came, and which of them are vouched for.

    Those are the recorded ones, and those that came while nothing was to be recorded: of these the journal's
    times are all there is, and all that the sampler needs.
    """

    id: str
    name: str
    """What a person would call it."""
    t_us: Sequence[int]
    runs: Sequence[SizeRun]
    vouched: Sequence[int]
    """Their places, ascending."""

    @property
    def is_whole(self) -> bool:
        """Whether all frames are vouched for."""
        return len(self.vouched) == len(self.t_us)

    def vouched_us(self) -> Collection[int]:
        """Return the times of those that are vouched for."""
        return {self.t_us[place] for place in self.vouched}


def find_seen(journal: SessionJournal, recorded: dict[str, Track]) -> dict[str, SeenTrack]:
    """Return the tracks that came, by id: those of the recording, and those of its pauses alone."""
    tracks = {track_id: _from_recording(track_id, track, journal) for track_id, track in recorded.items()}
    for track_id, times in find_frame_times(journal.batches).items():
        if track_id not in tracks and times.runs:
            track = _from_journal(track_id, times, journal)
            if track.vouched:
                tracks[track_id] = track
    return tracks


def _from_recording(track_id: str, track: Track, journal: SessionJournal) -> SeenTrack:
    vouched: Sequence[int] = range(len(track.t_us))
    if track.recorded is not None:
        own = frozenset(track.recorded)
        vouched = [
            place
            for place, t_us in enumerate(track.t_us)
            if place in own or not is_recorded_at(journal.recorded, t_us)
        ]
    return SeenTrack(
        id=track_id,
        name=f"{track.name} ({track_id})",
        t_us=track.t_us,
        runs=track.runs,
        vouched=vouched,
    )


def _from_journal(track_id: str, times: FrameTimes, journal: SessionJournal) -> SeenTrack:
    vouched = [place for place, t_us in enumerate(times.t_us) if not is_recorded_at(journal.recorded, t_us)]
    return SeenTrack(id=track_id, name=track_id, t_us=times.t_us, runs=times.runs, vouched=vouched)


def replay_kept(track: SeenTrack, journal: SessionJournal, *, of_all: bool = False) -> list[Kept]:
    """Run the session's sampler over the frames that are vouched for, or over all."""
    places = range(len(track.t_us)) if of_all else track.vouched
    times_us = track.t_us if len(places) == len(track.t_us) else [track.t_us[place] for place in places]
    kept = []
    for index in make_sampler(journal.spans).select(times_us):
        run = track.runs[bisect_right(track.runs, places[index], key=attrgetter("first")) - 1]
        kept.append(Kept(t_us=times_us[index], track=track.id, width=run.width, height=run.height))
    return kept
