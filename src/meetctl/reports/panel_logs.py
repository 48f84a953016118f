"""A meeting's log as lines, and as a document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.events import format_event
from meetctl.reports.event_words import tell
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meetctl.domain.log_level import Level
    from meetctl.domain.view.logs import LogEntry, LogQuery

SCHEMA = "meetctl.panel.logs/1"

LEVEL_WORDS: dict[Level, str] = {
    "debug": "debug",
    "info": "info",
    "warning": "warn",
    "error": "ERROR",
    "critical": "CRIT",
}
"""Levels in at most five letters; the most serious are in capitals."""
_TIME = slice(11, 23)
_NO_TIME = "-" * 12


def document(entries: Iterable[LogEntry], query: LogQuery) -> dict[str, Any]:
    """Return the entries that a query admits as an object for JSON."""
    return {
        "schema": SCHEMA,
        "level": query.level,
        "search": query.search or None,
        "turn": query.turn,
        "entries": [
            {"level": entry.level, "text": tell_entry(entry), "event": format_event(entry.event)}
            for entry in entries
        ],
    }


def tell_entry(entry: LogEntry) -> str:
    """Return an event as a line of the log: its time of day (UTC), level, turn, type and words."""
    event = entry.event
    time = event.ts[_TIME] or _NO_TIME
    turn = "" if entry.turn is None else f" #{entry.turn}"
    words = tell(format_event(event))
    return show_plain(
        f"{time} {LEVEL_WORDS[entry.level]:<5}{turn} {event.type}{f': {words}' if words else ''}"
    )


def tell_query(query: LogQuery) -> str:
    """Return what is shown, in a few words.

    >>> from meetctl.domain.view.logs import LogQuery
    >>> tell_query(LogQuery().with_turn(3).with_search("!usage"))
    'from info, turn 3, /!usage'
    """
    told = ["all levels" if query.level == "debug" else f"from {query.level}"]
    if query.turn is not None:
        told.append(f"turn {query.turn}")
    if query.search:
        told.append(f"/{show_plain(query.search)}")
    return ", ".join(told)
