"""How long each turn took and on what, on one scale: from the end of speech to the first sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.domain.state.spread import Spread

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState
    from meetctl.domain.state.turns import Turn, Turns

SCALES_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""The lengths that a full bar may have, in seconds."""
_SHORTEST_S = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class StageName:
    """A part of the wait, and how it is called."""

    letter: str
    name: str
    measure: str | None
    """The field of a turn's latency that it is measured in; None for what no field says."""


STAGES = (
    StageName(letter="S", name="STT", measure="transcript_s"),
    StageName(letter="E", name="end of turn", measure="end_of_turn_s"),
    StageName(letter="K", name="knowledge", measure="knowledge_s"),
    StageName(letter="M", name="model", measure="llm_s"),
    StageName(letter="V", name="voice", measure="tts_s"),
    StageName(letter=".", name="rest", measure=None),
)
"""In the order in which they happen. The end of a turn is found while the last words still come, and is
measured from the end of speech as they are; so a bar has of it only what is left after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLatency:
    """One turn's wait."""

    number: int
    participant: str | None
    outcome: str | None
    """None while the turn goes on."""
    total_s: float | None
    """From the end of speech to the first sound; None where nothing was heard, or nobody measured it."""
    parts: tuple[tuple[str, float], ...]
    """The bar: seconds by a stage's letter, one after the other."""
    overlap_s: float
    """By how much the parts are longer than the total, because some of them ran at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpread:
    """How long a stage took over all turns of the session that had it."""

    letter: str
    """Empty for the total."""
    name: str
    turns: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyView:
    """The last turns, oldest first, and all turns' percentiles."""

    turns: tuple[TurnLatency, ...]
    scale_s: float
    """How long a bar of full length is: the same for all turns, and shown."""
    total: StageSpread
    stages: tuple[StageSpread, ...]
    """As each was measured: end of turn from the end of speech."""


def view_latency(state: SessionState) -> LatencyView:
    """Return how long a session's turns took."""
    spreads = dict(state.turns.latency)
    total = spreads.get("total_s", Spread())
    return LatencyView(
        turns=tuple(measure_turn(turn) for turn in state.turns.recent),
        scale_s=choose_scale(state.turns),
        total=_spread("", "total", total),
        stages=tuple(
            _spread(stage.letter, stage.name, spreads.get(stage.measure, Spread()))
            for stage in STAGES
            if stage.measure is not None
        ),
    )


def choose_scale(turns: Turns) -> float:
    """Return the shortest scale that 19 of 20 turns fit on, so that one slow turn changes nothing."""
    p95_s = dict(turns.latency).get("total_s", Spread()).percentile_s(95)
    return next((scale for scale in SCALES_S if (p95_s or 0.0) <= scale), SCALES_S[-1])


def measure_turn(turn: Turn) -> TurnLatency:
    """Divide a turn's wait into its stages.

    >>> from meetctl.domain.state.turns import Turn
    >>> latency = {"transcript_s": 0.2, "end_of_turn_s": 0.5, "llm_s": 0.3, "tts_s": 0.1, "total_s": 1.0}
    >>> measured = measure_turn(Turn(number=1, latency=latency))
    >>> [(letter, round(seconds, 3)) for letter, seconds in measured.parts], measured.overlap_s
    ([('S', 0.2), ('E', 0.3), ('M', 0.3), ('V', 0.1), ('.', 0.1)], 0.0)
    """
    parts = list(_divide(turn.latency))
    total_s = turn.latency.get("total_s")
    known_s = sum(seconds for _, seconds in parts)
    if total_s is not None and total_s - known_s > _SHORTEST_S:
        parts.append((STAGES[-1].letter, total_s - known_s))
    overlap_s = 0.0 if total_s is None else known_s - total_s
    return TurnLatency(
        number=turn.number,
        participant=turn.participant,
        outcome=turn.outcome,
        total_s=total_s,
        parts=tuple(parts),
        overlap_s=overlap_s if overlap_s > _SHORTEST_S else 0.0,
    )


def fill_bar(parts: tuple[tuple[str, float], ...], scale_s: float, columns: int) -> str:
    """Return a bar as letters; one that is longer than the scale ends in `>`.

    Ends are rounded, not lengths, so that no bar is longer or shorter than what it stands for.

    >>> fill_bar((("S", 0.2), ("E", 0.3), ("M", 0.5)), 2.0, 20)
    'SSEEEMMMMM'
    >>> fill_bar((("M", 3.0),), 2.0, 8)
    'MMMMMMM>'
    """
    bar, end_s = "", 0.0
    for letter, seconds in parts:
        end_s += seconds
        bar += letter * (round(end_s / scale_s * columns) - len(bar))
    return bar if len(bar) <= columns else f"{bar[: columns - 1]}>"


def _divide(latency: Mapping[str, float]) -> list[tuple[str, float]]:
    parts = []
    heard_s = 0.0
    for stage in STAGES:
        seconds = latency.get(stage.measure) if stage.measure else None
        if seconds is None:
            continue
        if stage.measure == "transcript_s":
            heard_s = seconds
        elif stage.measure == "end_of_turn_s":
            seconds = max(0.0, seconds - heard_s)
        if seconds > 0:
            parts.append((stage.letter, seconds))
    return parts


def _spread(letter: str, name: str, spread: Spread) -> StageSpread:
    return StageSpread(
        letter=letter,
        name=name,
        turns=spread.count,
        p50_s=spread.percentile_s(50),
        p95_s=spread.percentile_s(95),
    )
