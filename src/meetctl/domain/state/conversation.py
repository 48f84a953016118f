"""What was said: the last utterances, how many there were, and what the agent does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meetctl.domain.state.fields import flag, keep_last, text, whole

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_UTTERANCES = 200
"""So many of the last utterances are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Something that a person or the agent said or wrote."""

    t: float
    role: str
    """"user" or "assistant"."""
    text: str | None
    """None where what was said was removed from the journal."""
    turn: int | None = None
    participant: str | None = None
    name: str | None = None
    is_typed: bool = False
    is_interrupted: bool = False
    """Of the agent: whether somebody spoke into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is said, and what the agent does."""

    agent_state: str | None = None
    agent_state_t: float = 0.0
    """Since when it has been in that state, in seconds of media time."""
    recent: tuple[Utterance, ...] = ()
    interim: Utterance | None = None
    """What a person is saying now, as understood so far; it may still change."""
    by_people: int = 0
    """How many utterances of people there were."""
    by_agent: int = 0
    interrupted: int = 0
    """How many of the agent's utterances somebody spoke into."""
    cut: int = 0
    """How often the agent's answer was cut off because it recited its instructions."""


def change_agent_state(conversation: Conversation, event: Event) -> Conversation:
    """Take `agent.state`."""
    return replace(conversation, agent_state=text(event.fields, "new"), agent_state_t=event.t)


def hear(conversation: Conversation, event: Event) -> Conversation:
    """Take `transcript`."""
    fields = event.fields
    utterance = Utterance(
        t=event.t,
        role=text(fields, "role") or "user",
        text=text(fields, "text"),
        turn=whole(fields, "turn"),
        participant=text(fields, "participant"),
        name=text(fields, "name"),
        is_typed=flag(fields, "typed"),
        is_interrupted=flag(fields, "interrupted"),
    )
    if not flag(fields, "final"):
        return replace(conversation, interim=utterance)
    is_agents = utterance.role == "assistant"
    return replace(
        conversation,
        recent=keep_last(conversation.recent, utterance, MOST_UTTERANCES),
        interim=conversation.interim if is_agents else None,
        by_people=conversation.by_people + (not is_agents),
        by_agent=conversation.by_agent + is_agents,
        interrupted=conversation.interrupted + utterance.is_interrupted,
    )


def cut_answer(conversation: Conversation, _: Event) -> Conversation:
    """Take `answer.cut`."""
    return replace(conversation, cut=conversation.cut + 1)
