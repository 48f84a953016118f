"""Turns' latency as lines with letters for bars, and as a document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.view.latency import STAGES, fill_bar
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.domain.view.latency import LatencyView, StageSpread, TurnLatency

SCHEMA = "meetctl.panel.latency/1"

LEGEND = " ".join(f"{stage.letter} {stage.name}" for stage in STAGES)
_STAGE_COLUMNS = 5
_TURN_COLUMNS = 5
_TOTAL_COLUMNS = 8
HEAD_COLUMNS = _TURN_COLUMNS + _TOTAL_COLUMNS + 1
NUMBERS_COLUMNS = HEAD_COLUMNS + _STAGE_COLUMNS * len(STAGES)
NOTES_COLUMNS = len(" interrupted")
_BAR_COLUMNS = 40


def document(view: LatencyView) -> dict[str, Any]:
    """Return the latency of turns as an object for JSON."""
    return {
        "schema": SCHEMA,
        "scale_s": view.scale_s,
        "turns": [
            {
                "turn": turn.number,
                "participant": turn.participant,
                "outcome": turn.outcome,
                "total_s": turn.total_s,
                "parts": [
                    {"stage": _name(letter), "seconds": round(seconds, 3)} for letter, seconds in turn.parts
                ],
                "overlap_s": round(turn.overlap_s, 3),
            }
            for turn in view.turns
        ],
        "total": _describe(view.total),
        "stages": [_describe(stage) for stage in view.stages],
    }


def list_lines(view: LatencyView, *, bar_columns: int = _BAR_COLUMNS) -> Iterator[str]:
    """Return the head, a line for each turn, the percentiles and the legend."""
    yield head_line(view.scale_s, bar_columns, with_stages=True)
    for turn in view.turns:
        numbers = number_columns(turn, with_stages=True)
        yield f"{numbers} {fill_bar(turn.parts, view.scale_s, bar_columns)}{notes_of(turn)}".rstrip()
    yield from percentile_lines(view)
    yield LEGEND


def head_line(scale_s: float, bar_columns: int, *, with_stages: bool) -> str:
    """Return the names of the columns, and over the bars the scale.

    >>> head_line(2.0, 10, with_stages=False)
    ' turn   total 0 --- 2 s>'
    """
    names = "".join(f"{stage.letter:>{_STAGE_COLUMNS}}" for stage in STAGES) if with_stages else ""
    end = f" {scale_s:g} s"
    axis = f"0 {'-' * max(0, bar_columns - len(end) - 3)}{end}>"
    return f"{'turn':>{_TURN_COLUMNS}}{'total':>{_TOTAL_COLUMNS}}{names} {axis}"


def number_columns(turn: TurnLatency, *, with_stages: bool) -> str:
    """Return a turn's number and seconds, below the names of `head_line`."""
    parts = dict(turn.parts)
    stages = "".join(_seconds(parts.get(stage.letter), _STAGE_COLUMNS) for stage in STAGES)
    total = "-" if turn.total_s is None else f"{turn.total_s:.2f} s"
    return f"{turn.number:>{_TURN_COLUMNS}}{total:>{_TOTAL_COLUMNS}}{stages if with_stages else ''}"


def notes_of(turn: TurnLatency) -> str:
    """Return what a turn's numbers do not tell; empty for nothing."""
    notes = [] if turn.outcome in (None, "done") else [show_plain(str(turn.outcome))]
    if turn.outcome is None:
        notes.append("goes on")
    if turn.overlap_s:
        notes.append(f"overlap {turn.overlap_s:.2f}")
    return f" {', '.join(notes)}" if notes else ""


def percentile_lines(view: LatencyView) -> tuple[str, str]:
    """Return a line of medians and one of 95th percentiles, in total and by stage, as each was measured."""
    return (
        " ".join(["p50", *(_percentile(one, one.p50_s) for one in (view.total, *view.stages))]),
        " ".join(["p95", *(_percentile(one, one.p95_s) for one in (view.total, *view.stages))]),
    )


def _percentile(spread: StageSpread, seconds: float | None) -> str:
    value = "-" if seconds is None else f"{seconds:.2f}"
    if not spread.letter:
        return f"{value} s".rjust(_TOTAL_COLUMNS)
    return f" {spread.letter} {value:>4}"


def _seconds(seconds: float | None, columns: int) -> str:
    return ("-" if seconds is None else f"{seconds:.2f}").rjust(columns)


def _name(letter: str) -> str:
    return next(stage.name for stage in STAGES if stage.letter == letter)


def _describe(spread: StageSpread) -> dict[str, Any]:
    return {"stage": spread.name, "turns": spread.turns, "p50_s": spread.p50_s, "p95_s": spread.p95_s}
