"""Who is in a meeting, what they do, and what they publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meetctl.domain.person_names import clean_name
from meetctl.domain.view.conversation import label_speakers

if TYPE_CHECKING:
    from meetctl.domain.rooms import Participant
    from meetctl.domain.state import SessionState
    from meetctl.domain.state.people import Person, Track
    from meetctl.domain.view.dashboard import Meeting

Kind = Literal["person", "agent", "recorder", "other"]
_KINDS: dict[str, Kind] = {"standard": "person", "sip": "person", "agent": "agent", "egress": "recorder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRow:
    """Something that somebody publishes."""

    id: str
    source: str
    """"microphone", "camera", "screen_share" and such."""
    kind: str | None
    width: int | None
    height: int | None
    seen: int
    kept: int
    seen_fps: float | None
    """How many frames a second came lately; None where nobody can tell."""
    kept_fps: float | None
    """How many frames a second were kept since it began."""
    is_muted: bool | None
    """None where nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRow:
    """Somebody who is or was there."""

    identity: str
    name: str
    kind: Kind
    state: str | None
    """What they do: "speaking", "listening", "thinking"."""
    joined_t: float | None
    """Since when they are there, in seconds of media time; None where that is not known."""
    left_t: float | None
    muted: tuple[str, ...]
    """Of our agent: what is muted of its ears, eyes and voice."""
    tracks: tuple[TrackRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantsView:
    """Everybody: those who are there first."""

    rows: tuple[ParticipantRow, ...]
    present: int
    unowned: tuple[TrackRow, ...] = ()
    """Tracks of which nobody knows whose they are."""


def view_participants(meeting: Meeting) -> ParticipantsView:
    """Return who is in a meeting: from its events, and what only LiveKit knows."""
    state = meeting.state
    names = label_speakers(state.people)
    in_room = {}
    if meeting.room_view is not None:
        in_room = {one.identity: one for one in meeting.room_view.participants}
    rows = [_row(person, names[person.identity], state, in_room) for person in state.people.everyone]
    known = {row.identity for row in rows}
    rows += [_row_from_room(one) for one in in_room.values() if one.identity not in known]
    rows.sort(key=lambda row: row.left_t is not None)
    unowned = tuple(
        _track(track, state, {})
        for track in state.tracks.live
        if state.people.find(track.participant) is None
    )
    present = sum(row.left_t is None for row in rows)
    return ParticipantsView(rows=tuple(rows), present=present, unowned=unowned)


def _row(person: Person, name: str, state: SessionState, in_room: dict[str, Participant]) -> ParticipantRow:
    there = in_room.get(person.identity)
    muted = {} if there is None else {track.sid: track.is_muted for track in there.tracks}
    kind = _KINDS.get(person.kind, "other")
    is_ours = _is_ours(person, state)
    if is_ours and state.about.is_recorder:
        kind = "recorder"
    return ParticipantRow(
        identity=person.identity,
        name=name,
        kind=kind,
        state=person.state or (state.conversation.agent_state if is_ours and person.is_present else None),
        joined_t=person.joined_t,
        left_t=person.left_t,
        muted=state.steering.muted if is_ours else (),
        tracks=tuple(
            _track(track, state, muted) for track in state.tracks.live if track.participant == person.identity
        ),
    )


def _row_from_room(one: Participant) -> ParticipantRow:
    """Return somebody whom LiveKit knows and the meeting's events do not."""
    tracks = tuple(
        TrackRow(
            id=track.sid,
            source=track.source,
            kind=track.kind,
            width=track.width or None,
            height=track.height or None,
            seen=0,
            kept=0,
            seen_fps=None,
            kept_fps=None,
            is_muted=track.is_muted,
        )
        for track in one.tracks
    )
    return ParticipantRow(
        identity=one.identity,
        name=clean_name(one.name) or clean_name(one.identity),
        kind=_KINDS.get(one.kind, "other"),
        state=one.agent_state,
        joined_t=None,
        left_t=None,
        muted=(),
        tracks=tracks,
    )


def _is_ours(person: Person, state: SessionState) -> bool:
    """Tell our agent, whose events these are, from other agents: by its job, or as the only one."""
    agents = [one.identity for one in state.people.everyone if one.kind == "agent"]
    if person.identity not in agents or state.about.has_ended:
        return False
    named = f"agent-{state.about.job}"
    return person.identity == named if named in agents else len(agents) == 1


def _track(track: Track, state: SessionState, muted: dict[str, bool]) -> TrackRow:
    lasted_s = state.t - track.started_t
    is_video = track.kind == "video" or track.seen > 0
    return TrackRow(
        id=track.id,
        source=track.source,
        kind=track.kind,
        width=track.width,
        height=track.height,
        seen=track.seen,
        kept=track.kept,
        seen_fps=track.fps,
        kept_fps=track.kept / lasted_s if is_video and lasted_s >= 1 else None,
        is_muted=muted.get(track.id),
    )
