"""A line of a journal or a log as people read it: when, how serious, whose, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.log_level import Level, find_level
from meetctl.reports.event_words import tell
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meetctl.domain.log_line import LogLine

_LEVEL_WORDS: dict[Level | None, str] = {
    "debug": "debug",
    "info": "info ",
    "warning": "warn ",
    "error": "error",
    "critical": "crit ",
    None: "     ",
}
_COLOURS: dict[Level | None, str] = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}
_LONGEST_ROOM = 24
_NO_TIME = "-" * 18


def show_lines(lines: Iterable[LogLine], *, colour: bool = False) -> str:
    """Return lines as text, each with its end; see `show_line`."""
    return "".join(f"{show_line(line, colour=colour)}\n" for line in lines)


def show_line(line: LogLine, *, colour: bool = False) -> str:
    """Return one line, or several where a traceback belongs to it; nothing in it steers a terminal.

    In `colour` only the level is told by colour, and what it is not told without.
    """
    document = line.document
    if document is None:
        return show_plain(line.text.rstrip("\r"))
    level = find_level(document)
    kind = line.event_type or document.get("logger")
    told = " ".join(
        part
        for part in (
            f"{line.time[5:10]} {line.time[11:23]}" if line.time else _NO_TIME,
            _LEVEL_WORDS[level],
            name_session(line.room, line.session),
            f"#{line.turn}" if line.turn is not None else "",
            f"{kind}:" if isinstance(kind, str) and kind else "",
            tell(document),
        )
        if part
    )
    text = show_plain(told)
    if colour and level in _COLOURS:
        text = f"\x1b[{_COLOURS[level]}m{text}\x1b[0m"
    traceback = document.get("traceback")
    if isinstance(traceback, str):
        text += "".join(f"\n    {show_plain(part)}" for part in traceback.splitlines())
    return text


def name_session(room: str, session: str) -> str:
    """Return a short name of a session, by whose end it can be asked for.

    >>> name_session("demo", "20261122T212405Z-demo-2d0faa"), name_session("", "")
    ('demo/2d0faa', '')
    """
    if len(room) > _LONGEST_ROOM:
        room = f"{room[: _LONGEST_ROOM - 1]}…"
    return "/".join(part for part in (room, session.rpartition("-")[2]) if part)
