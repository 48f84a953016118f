"""What was said in a meeting and what happened between, in order: words, tools, knowledge, the system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from meetctl.domain.log_level import Level, find_level
from meetctl.domain.person_names import label_people
from meetctl.domain.state.fields import flag, mapping, number, text, whole
from meetctl.domain.state.people import People

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.state import SessionState
    from meetctl.domain.state.conversation import Utterance
    from meetctl.domain.state.people import Track, Tracks

Speaker = Literal["person", "agent"]

MOST_ITEMS = 500
"""So many of the last items are kept."""
_CUTS_REMEMBERED = 8

AGENT_NAME = "Assistant"
"""What an agent is called whose own name nobody has told."""

SYSTEM_TYPES = frozenset(
    {
        *("session.started", "session.ready", "session.ended", "participant.joined", "participant.left"),
        *("track.started", "track.ended", "policy.changed", "recording.changed", "recording.stopped"),
        *("recording.told", "provider.degraded", "provider.recovered", "backend.degraded"),
        *("backend.recovered", "connection.lost", "connection.restored", "budget.step", "error"),
        *("control.performed", "tool.refused", "answer.cut"),
    }
)
"""Events that stand between what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that a person or the agent said or wrote."""

    t: float
    speaker: Speaker
    who: str
    """What they are called in this meeting: no two people by the same name."""
    participant: str | None
    text: str | None
    """None where what was said was removed from the journal."""
    turn: int | None
    is_typed: bool = False
    is_interim: bool = False
    """Whether it may still change."""
    is_interrupted: bool = False
    """Of the agent: whether somebody spoke into it."""
    is_cut: bool = False
    """Of the agent: whether it was cut off because it recited its instructions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """Something that the model had done."""

    t: float
    tool: str
    outcome: str
    duration_s: float | None
    turn: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeSearch:
    """A search for what the answer should know."""

    t: float
    outcome: str
    duration_s: float | None
    is_used: bool
    """Whether the model was given what was found."""
    sources: tuple[str, ...]
    """The titles of what was found."""
    turn: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNote:
    """Something that happened to the meeting itself."""

    t: float
    event: Event
    level: Level
    turn: int | None = None
    track: Track | None = None
    """What began or ended, as it is known now."""


Item = Said | ToolCall | KnowledgeSearch | SystemNote


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A conversation as far as it is known; `items` are the same objects as long as nothing changes them."""

    items: tuple[Item, ...] = ()
    interim: Said | None = None
    """What somebody is saying now."""
    agent_state: str | None = None
    next_seq: int = 0
    """The number of the first event that was not taken yet."""
    cut_turns: tuple[int | None, ...] = ()
    """The last turns whose answer was cut off."""


def view_conversation(
    state: SessionState, events: Sequence[Event], known: ConversationView | None = None
) -> ConversationView:
    """Return a conversation from a meeting's state and its last events.

    What was said before the first of the events is taken from the state. With what is `known` already, only
    newer events are looked at; where time has gone backwards, all are.
    """
    last_seq = events[-1].seq if events else -1
    if known is None or last_seq + 1 < known.next_seq:
        known = _begin(state, events)
    labels = label_speakers(state.people)
    items, cuts = list(known.items), known.cut_turns
    for event in _newer(events, known.next_seq):
        if event.type == "answer.cut":
            turn = whole(event.fields, "turn")
            cuts = (*cuts[-_CUTS_REMEMBERED + 1 :], turn)
            _mark_cut(items, turn, event.t)
        item = _read_item(event, labels, cuts, state.tracks)
        if item is not None:
            items.append(item)
    interim = state.conversation.interim
    return ConversationView(
        items=tuple(items[-MOST_ITEMS:]),
        interim=None if interim is None else _said(interim, labels, is_interim=True),
        agent_state=None if state.about.has_ended else state.conversation.agent_state,
        next_seq=max(known.next_seq, last_seq + 1),
        cut_turns=cuts,
    )


def label_speakers(people: People) -> dict[str, str]:
    """Return what everybody is called, by identity; see `domain.person_names.label_people`."""
    return label_people({person.identity: person.name or "" for person in people.everyone})


def _begin(state: SessionState, events: Sequence[Event]) -> ConversationView:
    """Take from the state what was said before the events that are still there."""
    labels = label_speakers(state.people)
    is_complete = bool(events) and events[0].seq == 0
    begin_t = events[0].t if events else float("inf")
    earlier = () if is_complete else (one for one in state.conversation.recent if one.t < begin_t)
    return ConversationView(items=tuple(_said(one, labels) for one in earlier))


def _newer(events: Sequence[Event], next_seq: int) -> Sequence[Event]:
    """Return the events from that number on; numbers ascend, so the end is looked at first."""
    for place in range(len(events) - 1, -1, -1):
        if events[place].seq < next_seq:
            return events[place + 1 :]
    return events


def _read_item(
    event: Event, labels: Mapping[str, str], cuts: Iterable[int | None], tracks: Tracks
) -> Item | None:
    fields = event.fields
    turn = whole(fields, "turn")
    duration_ms = number(fields, "duration_ms")
    duration_s = None if duration_ms is None else duration_ms / 1000
    match event.type:
        case "transcript":
            return _read_transcript(event, labels, cuts) if flag(fields, "final") else None
        case "tool.called":
            return ToolCall(
                t=event.t,
                tool=text(fields, "tool") or "unknown",
                outcome=text(fields, "outcome") or "done",
                duration_s=duration_s,
                turn=turn,
            )
        case "knowledge.searched":
            return KnowledgeSearch(
                t=event.t,
                outcome=text(fields, "outcome") or "done",
                duration_s=duration_s,
                is_used=flag(fields, "used"),
                sources=_read_titles(fields.get("sources")),
                turn=turn,
            )
        case "track.started" | "track.ended" if fields.get("kind") == "audio":
            # Microphones come and go with people, who are told of.
            return None
        case kind if kind in SYSTEM_TYPES:
            return _read_note(event, turn, tracks)
    return None


def _read_note(event: Event, turn: int | None, tracks: Tracks) -> SystemNote:
    level = find_level({**event.fields, "seq": event.seq, "type": event.type}) or "info"
    name = text(event.fields, "track") if event.type == "track.ended" else None
    track = next((track for track in tracks.all if track.id == name), None)
    return SystemNote(t=event.t, event=event, level=level, turn=turn, track=track)


def _read_transcript(event: Event, labels: Mapping[str, str], cuts: Iterable[int | None]) -> Said:
    fields = event.fields
    is_agents = text(fields, "role") == "assistant"
    turn = whole(fields, "turn")
    participant = text(fields, "participant")
    return Said(
        t=event.t,
        speaker="agent" if is_agents else "person",
        who=_name(participant, text(fields, "name"), labels, is_agents=is_agents),
        participant=participant,
        text=text(fields, "text"),
        turn=turn,
        is_typed=flag(fields, "typed"),
        is_interrupted=flag(fields, "interrupted"),
        is_cut=is_agents and turn in cuts,
    )


def _said(utterance: Utterance, labels: Mapping[str, str], *, is_interim: bool = False) -> Said:
    is_agents = utterance.role == "assistant"
    return Said(
        t=utterance.t,
        speaker="agent" if is_agents else "person",
        who=_name(utterance.participant, utterance.name, labels, is_agents=is_agents),
        participant=utterance.participant,
        text=utterance.text,
        turn=utterance.turn,
        is_typed=utterance.is_typed,
        is_interim=is_interim,
        is_interrupted=utterance.is_interrupted,
    )


def _name(participant: str | None, name: str | None, labels: Mapping[str, str], *, is_agents: bool) -> str:
    known = labels.get(participant or "") or name or participant
    return known or (AGENT_NAME if is_agents else "Somebody")


def _mark_cut(items: list[Item], turn: int | None, t: float) -> None:
    """Mark the answer of a turn that was written before it was known to be cut."""
    for place in range(len(items) - 1, -1, -1):
        item = items[place]
        if item.t < t and item.turn != turn:
            return
        if isinstance(item, Said) and item.speaker == "agent" and item.turn == turn:
            items[place] = replace(item, is_cut=True)
            return


def _read_titles(sources: object) -> tuple[str, ...]:
    if not isinstance(sources, list):
        return ()
    titles = (text(mapping({"source": source}, "source"), "title") for source in sources)
    return tuple(title or "untitled" for title in titles)
