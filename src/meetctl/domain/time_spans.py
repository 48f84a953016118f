"""Spans of time and points in time as people type them: "10m", "30d", "2026-11-24", "14:05"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from meetctl.errors import UsageError

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:min|[smhdw])\s*)+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(min|[smhdw])")
_LONGEST = timedelta(days=36_500)


def parse_span(text: str) -> timedelta:
    """Read a span: numbers with s, m (or min), h, d or w, largest first or not.

    >>> parse_span("1h30m"), parse_span("1.5d")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=1, seconds=43200))

    Raises:
        UsageError: It is no span.
    """
    wanted = text.strip().lower()
    span = timedelta()
    try:
        if not _SPAN.fullmatch(wanted):
            raise OverflowError
        for number, unit in _PART.findall(wanted):
            span += timedelta(seconds=float(number) * _UNITS[unit])
        if span > _LONGEST:
            raise OverflowError
    except OverflowError:
        raise UsageError(
            f"{text!r} is no span of time", hint="write it as 30s, 10m, 2h, 7d or 1h30m"
        ) from None
    return span


def parse_moment(text: str, now: datetime) -> datetime:
    """Read a point in time in UTC: a span before `now`, a day, a time of `now`'s day, or RFC 3339.

    What says no zone is UTC.

    >>> now = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    >>> parse_moment("90m", now).isoformat(), parse_moment("2026-11-01", now).isoformat()
    ('2026-11-24T12:30:00+00:00', '2026-11-01T00:00:00+00:00')
    >>> parse_moment("09:30", now).isoformat()
    '2026-11-24T09:30:00+00:00'

    Raises:
        UsageError: It is none of these.
    """
    wanted = text.strip()
    try:
        return now - parse_span(wanted)
    except (UsageError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        try:
            moment = datetime.combine(now.astimezone(UTC).date(), time.fromisoformat(wanted))
        except ValueError:
            raise UsageError(
                f"{text!r} is no point in time",
                hint="write 10m, 2h or 7d for so long ago, a day (2026-11-24), or a day and a time",
            ) from None
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise UsageError(f"{text!r} is no point in time that the calendar has") from None
