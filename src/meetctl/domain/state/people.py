"""Who is in the meeting, and what they publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meetctl.domain.state.fields import text, whole

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_PEOPLE = 200
"""So many people are remembered; those who left first are forgotten first."""
MOST_TRACKS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is or was in the meeting, the agent among them."""

    identity: str
    name: str | None = None
    kind: str = "standard"
    joined_t: float | None = None
    """None for somebody who is only known by what they did."""
    left_t: float | None = None
    state: str | None = None
    """What they do, as the agent hears it: "speaking", "listening", "away"."""

    @property
    def is_present(self) -> bool:
        """Whether they are still there."""
        return self.left_t is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Something that somebody publishes or published."""

    id: str
    participant: str | None = None
    source: str = "unknown"
    kind: str | None = None
    width: int | None = None
    height: int | None = None
    started_t: float = 0.0
    ended_t: float | None = None
    seen: int = 0
    """How many of its frames came."""
    kept: int = 0
    fps: float | None = None
    """How many frames a second came lately; None where nobody can tell yet."""

    @property
    def is_live(self) -> bool:
        """Whether it is still published and watched."""
        return self.ended_t is None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody, in the order in which they first joined."""

    everyone: tuple[Person, ...] = ()
    joined: int = 0
    """How often anybody joined."""

    @property
    def present(self) -> tuple[Person, ...]:
        """Those who are there."""
        return tuple(person for person in self.everyone if person.is_present)

    def find(self, identity: str | None) -> Person | None:
        """Return the person of that identity."""
        return next((person for person in self.everyone if person.identity == identity), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """All tracks, in the order in which they first started."""

    all: tuple[Track, ...] = ()
    started: int = 0
    """How often any track started."""

    @property
    def live(self) -> tuple[Track, ...]:
        """Those that are published now."""
        return tuple(track for track in self.all if track.is_live)


def join(people: People, event: Event) -> People:
    """Take `participant.joined`; who comes back is the same person."""
    identity = text(event.fields, "participant")
    if identity is None:
        return people
    person = Person(
        identity=identity,
        name=text(event.fields, "name"),
        kind=text(event.fields, "kind") or "standard",
        joined_t=event.t,
    )
    return replace(_put(people, person), joined=people.joined + 1)


def leave(people: People, event: Event) -> People:
    """Take `participant.left`."""
    known = people.find(text(event.fields, "participant"))
    return people if known is None else _put(people, replace(known, left_t=event.t, state=None))


def change_state(people: People, event: Event) -> People:
    """Take `user.state`."""
    identity = text(event.fields, "participant")
    if identity is None:
        return people
    known = people.find(identity) or Person(identity=identity, name=text(event.fields, "name"))
    return _put(people, replace(known, state=text(event.fields, "new")))


def start_track(tracks: Tracks, event: Event) -> Tracks:
    """Take `track.started`; a track that comes back goes on counting."""
    fields = event.fields
    name = text(fields, "track")
    if name is None:
        return tracks
    known = _find(tracks, name) or Track(id=name)
    started = replace(
        known,
        participant=text(fields, "participant") or known.participant,
        source=text(fields, "source") or known.source,
        kind=text(fields, "kind") or known.kind,
        width=whole(fields, "width") or known.width,
        height=whole(fields, "height") or known.height,
        started_t=event.t,
        ended_t=None,
    )
    return replace(_put_track(tracks, started), started=tracks.started + 1)


def end_track(tracks: Tracks, event: Event) -> Tracks:
    """Take `track.ended`."""
    known = _find(tracks, text(event.fields, "track"))
    return tracks if known is None else _put_track(tracks, replace(known, ended_t=event.t, fps=None))


def see_frames(tracks: Tracks, event: Event) -> Tracks:
    """Take `video.frames`."""
    known = _find(tracks, text(event.fields, "track"))
    times = event.fields.get("t_us")
    if known is None or not isinstance(times, list):
        return tracks
    seen = replace(
        known,
        seen=known.seen + len(times),
        width=whole(event.fields, "width") or known.width,
        height=whole(event.fields, "height") or known.height,
        fps=_rate(times) or known.fps,
    )
    return _put_track(tracks, seen)


def keep_frame(tracks: Tracks, event: Event) -> Tracks:
    """Take `frame.kept`."""
    known = _find(tracks, text(event.fields, "track"))
    return tracks if known is None else _put_track(tracks, replace(known, kept=known.kept + 1))


def _put(people: People, person: Person) -> People:
    """Put a person in their old place, or last; of too many, one who has left gives way."""
    everyone = list(people.everyone)
    for place, known in enumerate(everyone):
        if known.identity == person.identity:
            everyone[place] = person
            break
    else:
        everyone.append(person)
    if len(everyone) > MOST_PEOPLE:
        del everyone[next((n for n, known in enumerate(everyone) if not known.is_present), 0)]
    return replace(people, everyone=tuple(everyone))


def _find(tracks: Tracks, name: str | None) -> Track | None:
    return next((track for track in tracks.all if track.id == name), None)


def _put_track(tracks: Tracks, track: Track) -> Tracks:
    everything = list(tracks.all)
    for place, known in enumerate(everything):
        if known.id == track.id:
            everything[place] = track
            break
    else:
        everything.append(track)
    if len(everything) > MOST_TRACKS:
        del everything[next((n for n, known in enumerate(everything) if not known.is_live), 0)]
    return replace(tracks, all=tuple(everything))


def _rate(times: list[object]) -> float | None:
    """Return how many frames a second a batch's times come to."""
    if len(times) < 2:
        return None
    first, last = times[0], times[-1]
    if not isinstance(first, int) or not isinstance(last, int) or last <= first:
        return None
    return (len(times) - 1) * 1_000_000 / (last - first)
