"""Moments of a session that somebody wants to find again: turns, tool calls, errors, what cost much."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

from meetctl.domain.session_cost import add_usd, read_usage
from meetctl.domain.state.fields import count, flag, text, whole

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MarkerKind = Literal["error", "missed", "cost", "interruption", "tool", "turn"]
MARKER_KINDS: tuple[MarkerKind, ...] = get_args(MarkerKind)
"""All kinds, what matters most first: where two share a place, the first is shown."""

SPIKE = 2
"""A request is a spike in cost from so many times the session's median request on."""
_FEWEST_REQUESTS = 3
"""Of fewer requests nobody can say what is usual."""

_TROUBLES = {
    "error": "component",
    "provider.degraded": "model",
    "backend.degraded": "reason",
    "connection.lost": "reason",
}
"""The events that are errors, and the field of each that says where or why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One moment, and why it is marked."""

    t: float
    """When, in seconds on the media clock."""
    kind: MarkerKind
    text: str


def find_markers(moments: Sequence[float], events: Sequence[Event]) -> tuple[Marker, ...]:
    """Return the marked moments of a session, ascending; `moments` says when each event is reached.

    >>> from meetctl.domain.events import parse_event
    >>> lines = ('{"seq":0,"t":1,"type":"turn.started","turn":1}', '{"seq":1,"t":2,"type":"error"}')
    >>> [(marker.t, marker.kind, marker.text) for marker in find_markers((1, 2), [*map(parse_event, lines)])]
    [(1, 'turn', 'turn 1'), (2, 'error', 'error')]
    """
    spikes = find_spikes(events)
    markers: list[Marker] = []
    for place, (t, event) in enumerate(zip(moments, events, strict=True)):
        kind, words = _mark(event)
        if kind is not None:
            markers.append(Marker(t=t, kind=kind, text=words))
        if place in spikes:
            markers.append(
                Marker(t=t, kind="cost", text=f"a request of {spikes[place]:.1f} times the median")
            )
    return tuple(markers)


def mark_missed(missed_us: Iterable[int]) -> tuple[Marker, ...]:
    """Mark the visible changes that no kept frame shows.

    >>> [(marker.t, marker.kind) for marker in mark_missed([1_500_000])]
    [(1.5, 'missed')]
    """
    return tuple(
        Marker(t=t_us / 1_000_000, kind="missed", text="a change that no kept frame shows")
        for t_us in missed_us
    )


def merge_markers(*several: Sequence[Marker]) -> tuple[Marker, ...]:
    """Return markers of several sources in the order of their times, what matters most first."""
    everything = (marker for markers in several for marker in markers)
    return tuple(sorted(everything, key=lambda marker: (marker.t, MARKER_KINDS.index(marker.kind))))


def find_spikes(events: Sequence[Event]) -> dict[int, float]:
    """Return the places of requests that cost far more than usual, and how many times the median each was.

    They are compared by what they cost; where no request cost anything, as offline, by their input tokens.
    """
    costs: dict[int, Decimal] = {}
    tokens: dict[int, Decimal] = {}
    for place, event in enumerate(events):
        if event.type != "llm.request":
            continue
        tokens[place] = Decimal(count(event.fields, "input_tokens"))
        usd = add_usd(line.usd for line in read_usage(event.type, event.fields))
        if usd is not None:
            costs[place] = usd
    weights = costs if any(costs.values()) else tokens
    if len(weights) < _FEWEST_REQUESTS:
        return {}
    usual = median(weights.values())
    if not usual:
        return {}
    return {place: float(weight / usual) for place, weight in weights.items() if weight >= SPIKE * usual}


def find_next(markers: Sequence[Marker], t: float) -> Marker | None:
    """Return the first marker after a time; None where there is none."""
    place = bisect_right(markers, t, key=lambda marker: marker.t)
    return markers[place] if place < len(markers) else None


def find_previous(markers: Sequence[Marker], t: float) -> Marker | None:
    """Return the last marker before a time; None where there is none."""
    place = bisect_left(markers, t, key=lambda marker: marker.t)
    return markers[place - 1] if place else None


def place_markers(markers: Iterable[Marker], end_s: float, cells: int) -> dict[int, MarkerKind]:
    """Return which kind is shown in each cell of a bar, where there is any; what matters most comes first.

    >>> bar = place_markers(mark_missed([0, 5_000_000, 10_000_000]), 10, 11)
    >>> sorted(bar.items())
    [(0, 'missed'), (5, 'missed'), (10, 'missed')]
    """
    shown: dict[int, MarkerKind] = {}
    for marker in markers:
        cell = place_time(marker.t, end_s, cells)
        known = shown.get(cell)
        if known is None or MARKER_KINDS.index(marker.kind) < MARKER_KINDS.index(known):
            shown[cell] = marker.kind
    return shown


def place_time(t: float, end_s: float, cells: int) -> int:
    """Return the cell of a bar that a time is in.

    >>> [place_time(t, 60, 31) for t in (0, 30, 60, 90)]
    [0, 15, 30, 30]
    """
    if end_s <= 0 or cells <= 1:
        return 0
    return min(cells - 1, max(0, round(t / end_s * (cells - 1))))


def _mark(event: Event) -> tuple[MarkerKind | None, str]:
    """Return an event's kind of marker, None where it has none, and what is said of it."""
    fields = event.fields
    if event.type in _TROUBLES:
        where = text(fields, _TROUBLES[event.type])
        return "error", f"{event.type}: {where}" if where else event.type
    match event.type:
        case "turn.started":
            number = whole(fields, "turn")
            return "turn", "a turn" if number is None else f"turn {number}"
        case "tool.called":
            return "tool", f"tool {text(fields, 'tool') or 'call'}, {text(fields, 'outcome') or 'called'}"
        case "tool.refused":
            return "error", f"tool {text(fields, 'tool') or 'call'} refused"
        case "llm.request" if fields.get("outcome") == "failed":
            return "error", "a request that failed"
        case "transcript" if flag(fields, "interrupted"):
            return "interruption", "the agent was interrupted"
        case "answer.cut":
            return "interruption", "an answer was cut"
    return None, ""
