"""Spans of time in words, as people say them."""

from __future__ import annotations

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_DAY_S = 24 * _HOUR_S


def format_age(seconds: float) -> str:
    """Return a span in its two largest units; less than nothing, as of clocks that differ, is nothing.

    >>> [format_age(s) for s in (0.4, 42, 61, 3 * 3600 + 125, 26 * 3600, 3 * 86400)]
    ['0 s', '42 s', '1 min 1 s', '3 h 2 min', '1 d 2 h', '3 d']
    """
    left = max(0, int(seconds))
    parts = []
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min"), (1, "s")):
        count, left = divmod(left, unit_s)
        if count:
            parts.append(f"{count} {unit}")
        if parts and (len(parts) == 2 or not count):
            break
    return " ".join(parts) or "0 s"
