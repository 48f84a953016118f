"""A meeting's events as a log: which lines are wanted, and where the next error is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from meetctl.domain.events import format_event
from meetctl.domain.log_filter import LineTest, LogFilter
from meetctl.domain.log_level import LEVELS, Level, find_level, reaches
from meetctl.domain.log_line import LogLine
from meetctl.domain.log_where import parse_where
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.events import Event

PINNED = 3
"""So many of the last errors are pinned at the top."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogEntry:
    """One event as a line of the log."""

    event: Event
    level: Level

    @property
    def turn(self) -> int | None:
        """Which turn it belongs to."""
        turn = self.event.fields.get("turn")
        return turn if isinstance(turn, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What is wanted, as it was asked for."""

    level: Level = "info"
    """The lowest level that is shown."""
    search: str = ""
    """A regular expression; `!` before it shows the lines without it, `?` an expression over fields."""
    turn: int | None = None
    filter: LogFilter = field(default_factory=lambda: LogFilter(level="info"))

    def with_level(self, level: Level) -> LogQuery:
        """Return the query with another lowest level."""
        return replace(self, level=level, filter=replace(self.filter, level=level))

    def with_turn(self, turn: int | None) -> LogQuery:
        """Return the query for one turn; None for all."""
        return replace(self, turn=turn, filter=replace(self.filter, turn=turn))

    def with_search(self, search: str) -> LogQuery:
        """Return the query with another search; an empty one admits all.

        >>> query = LogQuery().with_search("! usage")
        >>> query.search, query.filter.unwanted[0].pattern
        ('! usage', 'usage')

        Raises:
            UsageError: It is no regular expression, or no expression over fields.
        """
        search = search.strip()
        plain = replace(self.filter, patterns=(), unwanted=(), where=())
        if not search.lstrip("!? "):
            return replace(self, search="", filter=plain)
        sign, rest = (search[0], search[1:].strip()) if search[0] in "!?" else ("", search)
        if sign == "?":
            return replace(self, search=search, filter=replace(plain, where=(parse_where(rest),)))
        pattern = _compile(rest)
        found = replace(plain, unwanted=(pattern,)) if sign == "!" else replace(plain, patterns=(pattern,))
        return replace(self, search=search, filter=found)


class EntryTest:
    """Tests entries; `tell` gives an entry's words, in which regular expressions are looked for."""

    def __init__(self, query: LogQuery, tell: Callable[[LogEntry], str]) -> None:
        self._level = query.level
        self._turn = query.turn
        self._tell = tell
        searches = query.filter.patterns or query.filter.unwanted or query.filter.where
        self._lines: LineTest | None = query.filter.make_test() if searches else None

    def admits(self, entry: LogEntry) -> bool:
        """Tell whether an entry is wanted."""
        if not reaches(entry.level, self._level):
            return False
        if self._turn is not None and entry.turn != self._turn:
            return False
        if self._lines is None:
            return True
        words = self._tell(entry).encode("utf-8", "surrogateescape")
        return self._lines.admits(LogLine(words, format_event(entry.event), entry.event.ts, ""))


def read_entries(events: Iterable[Event]) -> list[LogEntry]:
    """Return events as lines of a log, with the level of each."""
    return [
        LogEntry(
            event=event,
            level=find_level({**event.fields, "seq": event.seq, "type": event.type}) or "info",
        )
        for event in events
    ]


def change_level(level: Level, steps: int) -> Level:
    """Return a level so many steps more serious; past the last comes the first.

    >>> change_level("warning", 1), change_level("debug", -1)
    ('error', 'critical')
    """
    return LEVELS[(LEVELS.index(level) + steps) % len(LEVELS)]


def is_error(entry: LogEntry) -> bool:
    """Tell whether an entry is an error, or worse."""
    return reaches(entry.level, "error")


def find_next_error(entries: Sequence[LogEntry], place: int | None) -> int | None:
    """Return where the next error after a place is; after the last comes the first. None for none."""
    start = -1 if place is None else place
    later = range(start + 1, len(entries))
    around = range(min(start + 1, len(entries)))
    return next((at for at in (*later, *around) if is_error(entries[at])), None)


def pin_errors(entries: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
    """Return the last errors, oldest first."""
    found: list[LogEntry] = []
    for entry in reversed(entries):
        if is_error(entry):
            found.append(entry)
            if len(found) == PINNED:
                break
    return tuple(reversed(found))


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        # What people type in a hurry is small letters; a capital says that it matters.
        flags = re.NOFLAG if any(letter.isupper() for letter in pattern) else re.IGNORECASE
        return re.compile(pattern, flags)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from None
