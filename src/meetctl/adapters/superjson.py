"""superjson: JSON with a second tree beside it that says which values are dates, big integers and so on.

https://github.com/flightcontrolhq/superjson. A value is `{"json": …, "meta": {"values": …}}`; a node of
`values` is `[type]`, `[type, children]` or `children`, and children are keyed by dotted paths.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

LARGEST_EXACT_INTEGER = 2**53 - 1
"""Above this, JavaScript's numbers have gaps."""

_Path = tuple[str | int, ...]
_ESCAPED_PATHS = 1
"""The first version of the annotations in which a backslash in a key is written as two."""


class SuperjsonError(ValueError):
    """The annotations do not fit the value."""


def serialize(value: Any) -> dict[str, Any]:
    """Return a value with its annotations: datetimes become Dates, sets Sets, large integers BigInts.

    A Decimal becomes a string of digits, never a float.

    >>> serialize({"at": datetime(2026, 11, 22, 9, tzinfo=UTC), "usd": Decimal("1E-3")})["meta"]["values"]
    {'at': ['Date']}

    Raises:
        TypeError: It holds something that JSON has no form for.
        ValueError: It holds a datetime without a zone.
    """
    annotations: dict[_Path, str] = {}
    written = _write(value, (), annotations)
    if not annotations:
        return {"json": written}
    values: Any = _as_tree(annotations)
    return {"json": written, "meta": {"values": values, "v": 1}}


def to_plain(value: Any) -> Any:
    """Return a value as plain JSON: dates and decimals as strings, what is no number as null.

    Raises:
        TypeError: It holds something that JSON has no form for.
        ValueError: It holds a datetime without a zone.
    """
    match value:
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {_key(key): to_plain(item) for key, item in value.items()}
        case Set():
            return [to_plain(item) for item in value]
        case Sequence() if not isinstance(value, str | bytes | bytearray):
            return [to_plain(item) for item in value]
        case _:
            return _write_leaf(value)


def deserialize(wrapped: Mapping[str, Any]) -> Any:
    """Return what was meant: Dates as aware datetimes, BigInts as int, undefined as None.

    Sets become lists, since their members may be anything, and Maps dicts. Other annotations leave the JSON
    as it is. `wrapped` is used up: containers of it are part of the result.

    >>> deserialize({"json": {"n": "12"}, "meta": {"values": {"n": ["bigint"]}}})
    {'n': 12}

    Raises:
        SuperjsonError: The annotations do not fit the value.
    """
    root = [wrapped.get("json")]
    meta = wrapped.get("meta")
    if not isinstance(meta, Mapping):
        return root[0]
    version = meta.get("v", 0)
    is_escaped = isinstance(version, int) and version >= _ESCAPED_PATHS
    for path, kind in _annotations(meta.get("values"), (0,), is_escaped=is_escaped):
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is not None:
            _replace(root, path, reader)
    return root[0]


def _write(value: Any, path: _Path, annotations: dict[_Path, str]) -> Any:
    match value:
        case bool():
            return value
        case int() if abs(value) > LARGEST_EXACT_INTEGER:
            annotations[path] = "bigint"
            return str(value)
        case float() if not math.isfinite(value):
            annotations[path] = "number"
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case datetime():
            annotations[path] = "Date"
        case Mapping():
            return {_key(key): _write(item, (*path, key), annotations) for key, item in value.items()}
        case Set():
            annotations[path] = "set"
            return [_write(item, (*path, index), annotations) for index, item in enumerate(value)]
        case Sequence() if not isinstance(value, str | bytes | bytearray):
            return [_write(item, (*path, index), annotations) for index, item in enumerate(value)]
    return _write_leaf(value)


def _write_leaf(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            # Digits only: "1E-3" is no number to everybody who reads it.
            return format(value, "f")
        case datetime() if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be sent")
        case datetime():
            # JavaScript's dates end at the millisecond.
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key of JSON is a string, not {type(key).__name__}")
    return key


def _as_tree(annotations: Mapping[_Path, str]) -> Any:
    """Nest the annotations: those inside an annotated container are its children, all others are flat."""
    own = annotations.get(())
    children: dict[str, Any] = {}
    nested: dict[_Path, dict[_Path, str]] = {}
    for path in sorted((path for path in annotations if path), key=len):
        outer = next((path[:end] for end in range(1, len(path)) if path[:end] in nested), path)
        nested.setdefault(outer, {})[path[len(outer) :]] = annotations[path]
    for path, inner in nested.items():
        children[".".join(_escape(str(part)) for part in path)] = _as_tree(inner)
    if own is None:
        return children
    return [own, children] if children else [own]


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace(".", "\\.")


def _annotations(tree: Any, path: _Path, *, is_escaped: bool) -> Iterator[tuple[_Path, Any]]:
    """Walk the annotations, those of what is inside a container before its own."""
    if isinstance(tree, Mapping):
        children, own = tree, None
    elif isinstance(tree, list) and tree:
        children, own = (tree[1] if len(tree) > 1 else {}), tree[0]
    elif tree is None:
        return
    else:
        raise SuperjsonError("an annotation is neither a list nor an object")
    if not isinstance(children, Mapping):
        raise SuperjsonError("an annotation's children are no object")
    for key, child in children.items():
        yield from _annotations(child, (*path, *_split(key, is_escaped=is_escaped)), is_escaped=is_escaped)
    if own is not None:
        yield path, own


def _split(key: str, *, is_escaped: bool) -> list[str]:
    """Split a dotted path.

    >>> _split("a\\\\.b.c", is_escaped=True)
    ['a.b', 'c']
    """
    parts, letters = [""], iter(key)
    for letter in letters:
        if letter == "\\":
            following = next(letters, "")
            if following == "." or (following == "\\" and is_escaped):
                parts[-1] += following
            elif is_escaped:
                raise SuperjsonError("a path of the annotations is escaped wrongly")
            else:
                parts[-1] += letter + following
        elif letter == ".":
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _replace(root: list[Any], path: _Path, reader: Callable[[Any], Any]) -> None:
    try:
        holder: Any = root
        for part in path[:-1]:
            holder = holder[_place(holder, part)]
        last = _place(holder, path[-1])
        holder[last] = reader(holder[last])
    except SuperjsonError:
        raise
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise SuperjsonError("an annotation does not fit the value that it stands for") from error


def _place(holder: Any, part: str | int) -> Any:
    return int(part) if isinstance(holder, list) else part


def _read_date(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise SuperjsonError("a Date has no zone")
    return moment.astimezone(UTC)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "undefined": lambda _: None,
    "bigint": int,
    "Date": _read_date,
    "number": float,
    "set": list,
    "map": dict,
}
