"""Rooms of a LiveKit server as its API shows them: who is there with which tracks, and who was sent there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Literal

ParticipantKind = Literal["standard", "sip", "agent", "ingress", "egress", "other"]
ParticipantState = Literal["joining", "joined", "active", "disconnected"]
TrackKind = Literal["audio", "video", "data"]
TrackSource = Literal["microphone", "camera", "screen_share", "screen_share_audio", "unknown"]
JobStatus = Literal["pending", "running", "done", "failed", "cancelled"]

SESSION_ATTRIBUTE = "meetctl.session_id"
"""The attribute in which our agent says which session it is."""

_STATE_ATTRIBUTE = "lk.agent.state"
_NAME_ATTRIBUTES = ("lk.agent.name", "lk.agent_name")
_PEOPLE = ("standard", "sip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room that is there: somebody is in it, or it waits for somebody."""

    name: str
    sid: str
    created_at: datetime
    metadata: str = ""
    empty_timeout_s: int = 0
    """How long it waits for the first participant."""
    departure_timeout_s: int = 0
    """How long it stays after the last one has left."""
    max_participants: int | None = None
    """None for no limit."""
    participants: int = 0
    """How many are there, agents included and hidden ones not; the server counts some seconds late."""
    publishers: int = 0
    is_recording: bool = False
    """Whether LiveKit shows it as being recorded, by its own egress or by `meetctl record`; what our agent
    records is not told here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a participant publishes."""

    sid: str
    kind: TrackKind
    source: TrackSource
    name: str = ""
    codec: str = ""
    """The MIME type, such as "video/VP8"."""
    is_muted: bool = False
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody in a room: a person, an agent, or another machine."""

    identity: str
    kind: ParticipantKind
    state: ParticipantState
    name: str = ""
    joined_at: datetime | None = None
    is_hidden: bool = False
    """Whether the others cannot see it, as observers are."""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()

    @property
    def is_person(self) -> bool:
        """Whether it is a person whom the others can see, by app or by telephone."""
        return self.kind in _PEOPLE and not self.is_hidden

    @property
    def session_id(self) -> str | None:
        """The session of our agent; None of everybody else.

        Anybody may be let set attributes of their own: only the server says who is an agent.
        """
        return self.attributes.get(SESSION_ATTRIBUTE) or None if self.kind == "agent" else None

    @property
    def agent_name(self) -> str | None:
        """The name that an agent was dispatched by; None where it is none, or does not say."""
        if self.kind != "agent":
            return None
        return next((name for key in _NAME_ATTRIBUTES if (name := self.attributes.get(key))), None)

    @property
    def agent_state(self) -> str | None:
        """What an agent says that it does: "initializing", "listening", "thinking", "speaking" or "idle"."""
        return self.attributes.get(_STATE_ATTRIBUTE) or None if self.kind == "agent" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a dispatch has become at one worker."""

    id: str
    status: JobStatus
    error: str = ""
    participant: str = ""
    """The agent's identity in the room; empty until it has been accepted."""
    worker: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """An order that an agent come into a room. LiveKit shows it as long as the room is there."""

    id: str
    room: str
    agent_name: str
    """Empty for the one that LiveKit makes by itself, for workers without a name."""
    metadata: str = ""
    created_at: datetime | None = None
    jobs: tuple[Job, ...] = ()


def find_close_names(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return which of the known names may have been meant: the closest first, then those that begin so.

    >>> find_close_names("Standup", ["standup", "retro", "standup-2"])
    ['standup', 'standup-2']
    >>> find_close_names("acme", ["acme-quarterly-review", "retro"])
    ['acme-quarterly-review']
    """
    folded = name.casefold()
    by_folded = {one.casefold(): one for one in known}
    begun = sorted(one for one in by_folded if folded and one.startswith(folded))
    close = dict.fromkeys([*get_close_matches(folded, by_folded, n=most), *begun])
    return [by_folded[one] for one in close][:most]
