"""How serious a line is: what a log says of itself, and what the events of a journal come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

Level = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From what hardly matters to what ends things."""

_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
_SYNONYMS: Mapping[str, Level] = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
    "dpanic": "critical",
    "critical": "critical",
    "fatal": "critical",
    "panic": "critical",
}
_SPELLINGS: Mapping[str, Level] = {
    spelling: level
    for name, level in _SYNONYMS.items()
    for spelling in (name, name.upper(), name.capitalize())
}
_FINE = ("done", "interrupted", "cancelled", "preempted", "asked", "skipped")
"""Outcomes of which nobody has to be told."""


def _by_outcome(event: Mapping[str, Any]) -> Level:
    return "info" if event.get("outcome") in _FINE else "warning"


def _backend_call(event: Mapping[str, Any]) -> Level:
    return "debug" if event.get("outcome") == "done" else "warning"


def _transcript(event: Mapping[str, Any]) -> Level:
    return "info" if event.get("final", True) else "debug"


def _error(event: Mapping[str, Any]) -> Level:
    return "warning" if event.get("recoverable") is True else "error"


def _session_ended(event: Mapping[str, Any]) -> Level:
    return "error" if str(event.get("reason", "")).endswith("failed") else "info"


def _own(event: Mapping[str, Any]) -> Level:
    return _SPELLINGS.get(str(event.get("level")), "info")


_Rule = Callable[[Mapping[str, Any]], Level]

_FIXED: Mapping[str, Level] = {
    "agent.state": "debug",
    "answer.cut": "warning",
    "backend.degraded": "warning",
    "budget.step": "warning",
    "control.refused": "warning",
    "frame.kept": "debug",
    "provider.degraded": "warning",
    "recording.stopped": "warning",
    "stt.usage": "debug",
    "tool.refused": "warning",
    "user.state": "debug",
    "video.frames": "debug",
}
_BY_FIELDS: Mapping[str, tuple[_Rule, Level]] = {
    "backend.call": (_backend_call, "warning"),
    "control.performed": (_by_outcome, "warning"),
    "error": (_error, "error"),
    "knowledge.searched": (_by_outcome, "warning"),
    "llm.request": (_by_outcome, "warning"),
    "log": (_own, "critical"),
    "session.ended": (_session_ended, "error"),
    "tool.called": (_by_outcome, "warning"),
    "transcript": (_transcript, "info"),
    "turn.ended": (_by_outcome, "warning"),
}
"""Types whose level depends on what happened, each with the highest that it can have.

All others have that of `_FIXED`, or "info".
"""


def is_event(document: Mapping[str, Any]) -> bool:
    """Tell an event of a journal from a line of a log.

    >>> is_event({"v": 1, "seq": 3, "type": "turn.ended"}), is_event({"level": "info", "message": "ready"})
    (True, False)
    """
    return "seq" in document and isinstance(document.get("type"), str)


def find_level(document: Mapping[str, Any]) -> Level | None:
    """Return how serious an event or a log's line is; None where a line does not say.

    >>> find_level({"seq": 1, "type": "turn.ended", "outcome": "failed"}), find_level({"level": "WARN"})
    ('warning', 'warning')
    """
    if not is_event(document):
        own = document.get("level")
        return _SPELLINGS.get(own) if isinstance(own, str) else None
    kind = document["type"]
    rule = _BY_FIELDS.get(kind)
    return _FIXED.get(kind, "info") if rule is None else rule[0](document)


def highest_level(kind: str) -> Level:
    """Return the most serious that an event of this type can be."""
    rule = _BY_FIELDS.get(kind)
    return _FIXED.get(kind, "info") if rule is None else rule[1]


def reaches(level: Level | None, least: Level) -> bool:
    """Tell whether something is at least as serious as that; what does not say counts as "info".

    >>> reaches("error", "warning"), reaches(None, "info"), reaches(None, "warning")
    (True, True, False)
    """
    return _RANKS[level or "info"] >= _RANKS[least]


def words_of_level(least: Level) -> tuple[str, ...]:
    """Return texts of which a line has at least one, in quotes, if it is as serious; none if any line may be.

    >>> "provider.degraded" in words_of_level("warning"), words_of_level("info")
    (True, ())
    """
    if _RANKS[least] <= _RANKS["info"]:
        return ()
    levels = (word for word, level in _SPELLINGS.items() if reaches(level, least))
    kinds = (kind for kind in (*_FIXED, *_BY_FIELDS) if reaches(highest_level(kind), least))
    return (*levels, *kinds)
