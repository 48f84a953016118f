"""What happened in one turn and when, from the events that a journal has of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a turn; times are seconds after the person has finished."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStages:
    """A turn as a whole."""

    outcome: str | None
    """How it ended; None where it has not, or that is not known."""
    is_typed: bool
    """Whether it was written; then it begins with the message."""
    first_sound_s: float | None
    """When the agent was first heard; None where it was not, or nobody knows."""
    stages: tuple[Stage, ...]
    """By their start; those that nothing is known of are left out."""


def find_stages(events: Iterable[Fields]) -> TurnStages | None:
    """Put a turn together from its events; None where they do not even say when it began.

    The journal has durations by stage and the time of each event, on the media clock. A request's event bears
    the time at which it was made, and is written when it ends.
    """
    turn = sorted((event for event in events if _has_times(event)), key=lambda event: int(event["seq"]))
    started = next((event for event in turn if event["type"] == "turn.started"), None)
    if started is None:
        return None
    ended = next((event for event in turn if event["type"] == "turn.ended"), {})
    latency = ended.get("latency")
    measured = latency if isinstance(latency, Mapping) else {}
    said = [event for event in turn if _is_final(event, "user")]
    is_typed = bool(said) and said[0].get("typed") is True
    finished_s = _find_end_of_speech(started, said, measured, is_typed)
    total_s = _number(measured, "total_s")
    first_sound_s = None if total_s is None else total_s
    if first_sound_s is None and (answer := _first(turn, "assistant")):
        first_sound_s = _find_first_sound(turn, answer, finished_s)
    stages = _find_all(turn, started, measured, finished_s, first_sound_s, is_typed)
    return TurnStages(
        outcome=ended["outcome"] if isinstance(ended.get("outcome"), str) else None,
        is_typed=is_typed,
        first_sound_s=first_sound_s,
        stages=tuple(sorted(stages, key=lambda stage: stage.start_s)),
    )


def _find_all(
    turn: Sequence[Fields],
    started: Fields,
    latency: Fields,
    finished_s: float,
    first_sound_s: float | None,
    is_typed: bool,
) -> Iterator[Stage]:
    if not is_typed:
        yield Stage(name="person speaks", start_s=min(0.0, started["t"] - finished_s), end_s=0.0)
    for key, name in (("transcript_s", "transcript"), ("end_of_turn_s", "end of turn")):
        if (seconds := _number(latency, key)) is not None:
            yield Stage(name=name, start_s=0.0, end_s=seconds)
    yield from _find_work(turn, finished_s, _wall_of_media(started))
    if first_sound_s is not None:
        voice_s = _number(latency, "tts_s")
        if voice_s is not None:
            yield Stage(name="voice", start_s=first_sound_s - voice_s, end_s=first_sound_s)
        if (answer := _first(turn, "assistant")) is not None:
            until_s = max(first_sound_s, answer["t"] - finished_s)
            yield Stage(name="agent speaks", start_s=first_sound_s, end_s=until_s)


def _find_work(turn: Sequence[Fields], finished_s: float, wall_s: float) -> Iterator[Stage]:
    """Yield what was asked of knowledge, tools and the model."""
    for event in turn:
        at_s = event["t"] - finished_s
        took_s = (_number(event, "duration_ms") or 0.0) / 1000
        match event["type"]:
            case "knowledge.searched" if took_s:
                yield Stage(name="knowledge", start_s=at_s - took_s, end_s=at_s)
            case "tool.called":
                yield Stage(name=f"tool {event.get('tool')}", start_s=at_s - took_s, end_s=at_s)
            case "llm.request":
                end_s = _seconds(event) - wall_s - finished_s
                yield Stage(name="model", start_s=at_s, end_s=max(at_s, end_s))


def _find_end_of_speech(started: Fields, said: Sequence[Fields], latency: Fields, is_typed: bool) -> float:
    """Return when the person had finished, on the media clock."""
    if not said:
        return float(started["t"])
    behind_s = 0.0 if is_typed else _number(latency, "transcript_s") or 0.0
    return float(said[-1]["t"] - behind_s)


def _find_first_sound(turn: Sequence[Fields], answer: Fields, finished_s: float) -> float | None:
    """Return when the agent began to speak, from how long it spoke, where nothing was measured."""
    spoken = [_number(event, "audio_s") for event in turn if event["type"] == "tts.usage"]
    if not spoken or None in spoken:
        return None
    return max(0.0, float(answer["t"]) - finished_s - sum(seconds for seconds in spoken if seconds))


def _first(turn: Sequence[Fields], role: str) -> Fields | None:
    return next((event for event in turn if _is_final(event, role)), None)


def _is_final(event: Fields, role: str) -> bool:
    return event["type"] == "transcript" and event.get("role") == role and event.get("final") is True


def _has_times(event: Fields) -> bool:
    is_event = isinstance(event.get("type"), str) and isinstance(event.get("seq"), int)
    return is_event and _number(event, "t") is not None and _holds(_seconds, event)


def _holds(read: Callable[[Fields], float], event: Fields) -> bool:
    try:
        read(event)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _seconds(event: Fields) -> float:
    """Return when an event was written, in seconds of the calendar."""
    return datetime.fromisoformat(event["ts"]).timestamp()


def _wall_of_media(event: Fields) -> float:
    """Return what the calendar was when the media clock was 0."""
    return _seconds(event) - float(event["t"])


def _number(fields: Fields, key: str) -> float | None:
    value = fields.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
