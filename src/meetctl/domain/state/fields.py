"""Reading an event's fields, which may be missing or anything at all, without ever failing."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeVar

T = TypeVar("T")

Tally = tuple[tuple[str, int], ...]
"""How often each of some words occurred, in the order in which each first did."""

_MOST_WORDS = 40
"""So many words a tally tells apart; the rest is counted as one."""
OTHER = "other"


def text(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a field that is text; None otherwise."""
    value = fields.get(name)
    return value if isinstance(value, str) else None


def texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a field that is a list."""
    value = fields.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def whole(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a field that is a whole number; None otherwise.

    >>> whole({"turn": 3, "typed": True}, "turn"), whole({"turn": 3, "typed": True}, "typed")
    (3, None)
    """
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count(fields: Mapping[str, Any], name: str) -> int:
    """Return a field that counts something; 0 where it does not."""
    return max(0, whole(fields, name) or 0)


def number(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number; None otherwise."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def flag(fields: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """Return a field that is true or false."""
    value = fields.get(name)
    return value if isinstance(value, bool) else default


def mapping(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a field that is an object; an empty one otherwise."""
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def tally(words: Tally, word: str | None, *, times: int = 1) -> Tally:
    """Count a word; after many different ones, new ones are counted together.

    >>> tally(tally((), "done"), "done")
    (('done', 2),)
    """
    found = word or OTHER
    known = dict(words)
    if found not in known and len(known) >= _MOST_WORDS:
        found = OTHER
    known[found] = known.get(found, 0) + times
    return tuple(known.items())


def keep_last(items: tuple[T, ...], item: T, limit: int) -> tuple[T, ...]:
    """Append an item, and let the oldest go where there are more than `limit`.

    >>> keep_last((1, 2, 3), 4, 3)
    (2, 3, 4)
    """
    return (*items[-limit + 1 :], item) if len(items) >= limit else (*items, item)
