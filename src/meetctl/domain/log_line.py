"""One line of a journal or of a log: its time, and whose it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from meetctl.domain.log_level import is_event

_TIME_KEYS = ("ts", "time", "timestamp", "@timestamp")
_OWN_BEGINNING = re.compile(
    rb'\{(?:"v":1,"seq":\d+,"ts":|"ts": )"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"', re.ASCII
)
"""How the lines of our own journals and logs begin: their time can be read without the rest."""
_OWN_EVENT = re.compile(rb'\{"v":1,"seq":\d+,"ts":"[0-9T:.Z-]*","t":[0-9.e+-]+,"type":"([a-z_.]+)"', re.ASCII)
_TIME_LENGTH = len("2026-11-24T09:30:00.000000Z")
_EPOCH_S = (1e8, 1e11)
"""Numbers between these are seconds since 1970, a thousand times as many are milliseconds."""


DISORDER = timedelta(minutes=1)
"""By how much lines of one file may be out of order, as those of several processes are."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as it was read, without its end."""

    raw: bytes
    document: Mapping[str, Any] | None
    """The object that it is; None for a line that is none."""
    time: str
    """When it was written, as `format_time` shows it; that of the line before where it does not say."""
    source: str
    """The file that it is from."""

    @property
    def text(self) -> str:
        """The line as text; bytes that are no UTF-8 are shown as such."""
        return self.raw.decode("utf-8", "surrogateescape")

    @property
    def event_type(self) -> str | None:
        """The type of a journal's event; None for a line of a log."""
        return self.document["type"] if self.document is not None and is_event(self.document) else None

    @property
    def turn(self) -> int | None:
        """Which turn it belongs to."""
        turn = self.document.get("turn") if self.document is not None else None
        return turn if isinstance(turn, int) else None

    @property
    def session(self) -> str:
        """Which session it belongs to; empty for none."""
        return self._named("session_id")

    @property
    def room(self) -> str:
        """Which room it is about; empty for none."""
        return self._named("room")

    @property
    def tenant(self) -> str:
        """Whose meeting it is about; empty where that is not known."""
        return self._named("tenant_id") or self._named("tenant")

    def _named(self, key: str) -> str:
        value = self.document.get(key) if self.document is not None else None
        return value if isinstance(value, str) else ""


def read_line(raw: bytes, source: str, before: str = "") -> LogLine:
    """Read one line; `before` is the time of the line before it in the same file.

    >>> line = read_line(b'{"time": 1795379396.5, "level": "info", "msg": "ready"}', "server.log")
    >>> line.time, read_line(b"no object", "server.log", before=line.time).time
    ('2026-11-22T20:29:56.500000Z', '2026-11-22T20:29:56.500000Z')
    """
    document = parse_object(raw)
    time = "" if document is None else find_time(document)
    return LogLine(raw, document, time or before, source)


def parse_object(raw: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a line is; None where it is none, or torn."""
    text = raw.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        return None
    try:
        document, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        # Whatever is not JSON, or nested as if to break its reader, is text.
        return None
    return document if end == len(text) else None


def find_time(document: Mapping[str, Any]) -> str:
    """Return when a line says it was written, as `format_time` shows it; empty where it does not say."""
    for key in _TIME_KEYS:
        value = document.get(key)
        if isinstance(value, str):
            return value if _is_canonical(value) else _read_time(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _read_epoch(value)
    return ""


def peek_time(raw: bytes) -> str:
    """Return a line's time, of our own lines without reading the rest of them; empty for none."""
    own = _OWN_BEGINNING.match(raw)
    if own is not None:
        return own[1].decode("ascii")
    document = parse_object(raw)
    return "" if document is None else find_time(document)


def peek_type(raw: bytes) -> str | None:
    """Return the type of a journal's event without reading the rest; None for any other line."""
    own = _OWN_EVENT.match(raw)
    return None if own is None else own[1].decode("ascii")


def format_time(moment: datetime) -> str:
    """Return a moment as journals and logs write it, so that times compare as texts.

    >>> format_time(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    '2026-11-24T09:30:00.000000Z'
    """
    at = moment.astimezone(UTC)
    # strftime leaves zeros out of early years on some platforms.
    return f"{at.year:04}-{at:%m-%dT%H:%M:%S.%f}Z"


def _is_canonical(text: str) -> bool:
    """Tell a time in the form of `format_time` from others quickly: its digits are taken on trust."""
    return len(text) == _TIME_LENGTH and text[10] == "T" and text[19] == "." and text[26] == "Z"


def _read_time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        return format_time(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError):
        return ""


def _read_epoch(number: float) -> str:
    seconds = number / 1000 if number >= _EPOCH_S[1] else number
    if not _EPOCH_S[0] <= seconds < _EPOCH_S[1]:
        return ""
    return format_time(datetime.fromtimestamp(seconds, UTC))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
