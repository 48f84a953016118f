"""Turns: the last ones, how they ended, and how long each stage took over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.domain.session_cost import add_usd, read_usage
from meetctl.domain.state.fields import Tally, count, keep_last, mapping, number, tally, text, texts, whole
from meetctl.domain.state.spread import Spread

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_TURNS = 100
"""So many of the last turns are remembered."""

STAGES = ("transcript_s", "end_of_turn_s", "knowledge_s", "llm_s", "tts_s", "total_s")
"""The stages of a turn's latency, in the order in which they happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A person's utterance and the agent's answer."""

    number: int
    participant: str | None = None
    name: str | None = None
    started_t: float | None = None
    ended_t: float | None = None
    """None while it goes on."""
    outcome: str | None = None
    requests: int = 0
    images: int = 0
    """How many images its requests took."""
    latency: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage; what was not measured is absent."""
    usd: Decimal | None = Decimal(0)
    """What its usage came to so far; None where any part has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """All turns of a session."""

    recent: tuple[Turn, ...] = ()
    started: int = 0
    outcomes: Tally = ()
    latency: tuple[tuple[str, Spread], ...] = tuple((stage, Spread()) for stage in STAGES)

    @property
    def ended(self) -> int:
        """How many turns have ended."""
        return sum(times for _, times in self.outcomes)

    def find(self, number: int | None) -> Turn | None:
        """Return a turn, if it is among the last ones."""
        return next((turn for turn in reversed(self.recent) if turn.number == number), None)


def start_turn(turns: Turns, event: Event) -> Turns:
    """Take `turn.started`."""
    turn_number = whole(event.fields, "turn")
    if turn_number is None:
        return turns
    turn = Turn(
        number=turn_number,
        participant=text(event.fields, "participant"),
        name=text(event.fields, "name"),
        started_t=event.t,
    )
    return replace(_put(turns, turn), started=turns.started + 1)


def end_turn(turns: Turns, event: Event) -> Turns:
    """Take `turn.ended`."""
    fields = event.fields
    outcomes = tally(turns.outcomes, text(fields, "outcome"))
    latency = _read_latency(mapping(fields, "latency"))
    spreads = tuple(
        (stage, spread.add(latency[stage]) if stage in latency else spread) for stage, spread in turns.latency
    )
    turn_number = whole(fields, "turn")
    if turn_number is not None:
        known = turns.find(turn_number) or Turn(number=turn_number)
        ended = replace(
            known,
            ended_t=event.t,
            outcome=text(fields, "outcome"),
            requests=count(fields, "requests"),
            latency=latency,
        )
        turns = _put(turns, ended)
    return replace(turns, outcomes=outcomes, latency=spreads)


def add_usage(turns: Turns, event: Event) -> Turns:
    """Take a usage event as part of its turn."""
    known = turns.find(whole(event.fields, "turn"))
    if known is None:
        return turns
    usd = add_usd((known.usd, *(line.usd for line in read_usage(event.type, event.fields))))
    images = len(texts(event.fields, "images")) + len(texts(event.fields, "looked"))
    return _put(turns, replace(known, usd=usd, images=known.images + images))


def _put(turns: Turns, turn: Turn) -> Turns:
    for place, known in enumerate(turns.recent):
        if known.number == turn.number:
            recent = (*turns.recent[:place], turn, *turns.recent[place + 1 :])
            break
    else:
        recent = keep_last(turns.recent, turn, MOST_TURNS)
    return replace(turns, recent=recent)


def _read_latency(latency: Mapping[str, Any]) -> Mapping[str, float]:
    found = {stage: number(latency, stage) for stage in STAGES}
    return {stage: seconds for stage, seconds in found.items() if seconds is not None}
