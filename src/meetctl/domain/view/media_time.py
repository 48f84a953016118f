"""Times within a session as people read and type them: 12:30, 1:02:03."""

from __future__ import annotations

_MOST_PARTS = 3
_SIXTY = 60
_LONGEST_S = 10_000 * 3600


def format_time(seconds: float, *, hours: bool = False, tenths: bool = False) -> str:
    """Return a time as people read it; `hours` shows them also where there are none.

    >>> format_time(75.49), format_time(75.49, hours=True, tenths=True), format_time(3723)
    ('1:15', '0:01:15.4', '1:02:03')
    """
    whole_tenths = int(max(0.0, seconds) * 10 + 1e-6)
    whole, rest = divmod(whole_tenths, 10)
    minutes, second = divmod(whole, _SIXTY)
    hour, minute = divmod(minutes, _SIXTY)
    text = f"{hour}:{minute:02}:{second:02}" if hour or hours else f"{minute}:{second:02}"
    return f"{text}.{rest}" if tenths else text


def parse_time(text: str) -> float:
    """Read a time: seconds, minutes and seconds, or hours, minutes and seconds.

    >>> parse_time("90"), parse_time("12:30"), parse_time("1:02:03.5")
    (90.0, 750.0, 3723.5)

    Raises:
        ValueError: It is none of these.
    """
    parts = text.strip().split(":")
    if len(parts) > _MOST_PARTS or not all(_is_number(part, last=part is parts[-1]) for part in parts):
        raise ValueError(f"{text!r} is no time such as 90, 12:30 or 1:02:03")
    seconds = 0.0
    for place, part in enumerate(parts):
        number = float(part)
        if place and number >= _SIXTY:
            raise ValueError(f"{text!r} is no time: after a colon comes a number below 60")
        seconds = seconds * _SIXTY + number
    if seconds > _LONGEST_S:
        raise ValueError(f"{text!r} is longer than any meeting")
    return seconds


def _is_number(part: str, *, last: bool) -> bool:
    whole, point, rest = part.partition(".")
    if not (part.isascii() and whole.isdigit()):
        return False
    return not point or (last and rest.isdigit())
