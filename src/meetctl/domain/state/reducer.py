"""The one fold from a journal's events to everything that a person sees of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from meetctl.domain.session_cost import USAGE_TYPES, UsageTotal
from meetctl.domain.state import about, conversation, health, looks, people, spending, steering, turns
from meetctl.domain.state.about import About, Looking, Recording
from meetctl.domain.state.conversation import Conversation
from meetctl.domain.state.health import Health
from meetctl.domain.state.looks import Frames, Requests
from meetctl.domain.state.people import People, Tracks
from meetctl.domain.state.spending import Spending
from meetctl.domain.state.steering import Steering
from meetctl.domain.state.turns import Turns

if TYPE_CHECKING:
    from meetctl.domain.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session as its events have told it so far.

    Counters are exact, however long it runs; of what was said, kept, asked and went wrong the last ones are
    remembered.
    """

    about: About = field(default_factory=About)
    looking: Looking = field(default_factory=Looking)
    recording: Recording = field(default_factory=Recording)
    people: People = field(default_factory=People)
    tracks: Tracks = field(default_factory=Tracks)
    conversation: Conversation = field(default_factory=Conversation)
    turns: Turns = field(default_factory=Turns)
    frames: Frames = field(default_factory=Frames)
    requests: Requests = field(default_factory=Requests)
    usage: UsageTotal = field(default_factory=UsageTotal)
    spending: Spending = field(default_factory=Spending)
    health: Health = field(default_factory=Health)
    steering: Steering = field(default_factory=Steering)
    t: float = 0.0
    """The latest media time that any event has, in seconds."""
    last_at: str | None = None
    """When the last event was written (UTC, RFC 3339)."""
    events: int = 0
    """How many events were taken."""
    unknown: int = 0
    """How many of them are of a type that we do not know."""
    next_seq: int = 0
    """The number that the next event should have."""
    lost: int = 0
    """How many events are missing, by their numbers."""


def reduce(state: SessionState, event: Event) -> SessionState:
    """Return the state after one more event; no event makes it fail, and one of an unknown type is counted.

    An event that was taken already, by its number, is left out, so that reading a journal again from an
    earlier place changes nothing.

    >>> from meetctl.domain.events import parse_event
    >>> line = (
    ...     '{"seq":0,"t":1.5,"type":"participant.joined","participant":"maya","name":"Maya","room":"demo"}'
    ... )
    >>> state = reduce(SessionState(), parse_event(line))
    >>> state.about.room, [person.name for person in state.people.present], state.t
    ('demo', ['Maya'], 1.5)
    >>> reduce(state, parse_event(line)) is state
    True
    """
    return fold_events((event,), state)


def fold_events(events: Iterable[Event | None], state: SessionState | None = None) -> SessionState:
    """Return the state after many events; None stands for an unreadable line, as `parse_journal` gives it.

    It is what `reduce` comes to event by event; the whole state is made once for all of them.
    """
    begun = SessionState() if state is None else state
    parts: dict[str, Any] = {}
    about_it = begun.about
    t, last_at, taken, unknown, next_seq, lost = (
        begun.t, begun.last_at, begun.events, begun.unknown, begun.next_seq, begun.lost,
    )  # fmt: skip
    for event in events:
        if event is None or event.seq < next_seq:
            continue
        takers = _TAKERS.get(event.type)
        for name, take in takers or ():
            parts[name] = take(parts[name] if name in parts else getattr(begun, name), event)
        about_it = parts.get("about", about_it)
        owner = (event.session_id, event.room, event.tenant_id)
        if (about_it.session_id, about_it.room, about_it.tenant_id) != owner:
            parts["about"] = about_it = _name_owner(about_it, event)
        t = max(t, event.t)
        last_at = event.ts or last_at
        taken += 1
        unknown += takers is None
        lost += event.seq - next_seq
        next_seq = event.seq + 1
    if taken == begun.events:
        return begun
    return replace(
        begun, t=t, last_at=last_at, events=taken, unknown=unknown, next_seq=next_seq, lost=lost, **parts
    )


def _name_owner(known: About, event: Event) -> About:
    """Say whose the session is; a tenant who is known stays known."""
    tenant_id = event.tenant_id if isinstance(event.tenant_id, str) else known.tenant_id
    return replace(
        known,
        session_id=event.session_id or known.session_id,
        room=event.room or known.room,
        tenant_id=tenant_id,
    )


def _add_usage(usage: UsageTotal, event: Event) -> UsageTotal:
    return usage.add(event.type, event.fields)


_Taker = tuple[str, Callable[[Any, "Event"], Any]]

_USAGE: tuple[_Taker, ...] = (
    ("usage", _add_usage),
    ("turns", turns.add_usage),
    ("spending", spending.spend),
)

_TAKERS: Mapping[str, tuple[_Taker, ...]] = {
    "session.started": (
        ("about", about.start_about),
        ("looking", about.start_looking),
        ("recording", about.start_recording),
    ),
    "session.ready": (),
    "session.ended": (("about", about.end_about), ("recording", about.end_recording)),
    "tenant.resolved": (("about", about.resolve_tenant),),
    "policy.changed": (("looking", about.change_looking),),
    "recording.changed": (("recording", about.change_recording),),
    "recording.stopped": (("recording", about.stop_recording),),
    "participant.joined": (("people", people.join),),
    "participant.left": (("people", people.leave),),
    "user.state": (("people", people.change_state),),
    "agent.state": (("conversation", conversation.change_agent_state),),
    "track.started": (("tracks", people.start_track),),
    "track.ended": (("tracks", people.end_track),),
    "video.frames": (("frames", looks.see), ("tracks", people.see_frames)),
    "frame.kept": (("frames", looks.keep), ("tracks", people.keep_frame)),
    "frame.looked": (("frames", looks.look),),
    "transcript": (("conversation", conversation.hear),),
    "answer.cut": (("conversation", conversation.cut_answer),),
    "turn.started": (("turns", turns.start_turn),),
    "turn.ended": (("turns", turns.end_turn),),
    **dict.fromkeys(USAGE_TYPES, _USAGE),
    "llm.request": (("frames", looks.send), ("requests", looks.ask), *_USAGE),
    "error": (("health", health.fail),),
    "log": (("health", health.log),),
    "provider.degraded": (("health", health.degrade_provider),),
    "provider.recovered": (("health", health.recover_provider),),
    "backend.degraded": (("health", health.degrade_backend),),
    "backend.recovered": (("health", health.recover_backend),),
    "connection.lost": (("health", health.lose_connection),),
    "connection.restored": (("health", health.restore_connection),),
    "backend.call": (("health", health.call_backend),),
    "knowledge.searched": (("health", health.search),),
    "tool.called": (("health", health.call_tool),),
    # A refused tool was called too; what else changes nothing here is in the journal for those who ask.
    "tool.refused": (),
    "recording.told": (),
    "control.performed": (("steering", steering.perform),),
    "control.refused": (("steering", steering.refuse),),
    "budget.step": (("steering", steering.step_budget),),
}

KNOWN_TYPES = frozenset(_TAKERS)
"""The types of events that change anything but the counters."""
