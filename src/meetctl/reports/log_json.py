"""A line of a journal or a log for programs: the object as it was written, and where it is from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meetctl.domain.log_line import LogLine

SOURCE_KEY = "_file"
"""What is added to each object: no event and no log of ours has a key that begins like this."""
TEXT_KEY = "_text"
"""Where a line that is no object stands."""


def format_lines(lines: Iterable[LogLine]) -> bytes:
    r"""Return JSON Lines in UTF-8.

    >>> from meetctl.domain.log_line import read_line
    >>> format_lines([read_line(b'{"usd": "0.10"}', "a.jsonl"), read_line(b"torn {", "a.log")]).splitlines()
    [b'{"usd": "0.10", "_file": "a.jsonl"}', b'{"_text": "torn {", "_file": "a.log"}']
    """
    ends: dict[str, bytes] = {}
    formatted = []
    for line in lines:
        if line.source not in ends:
            ends[line.source] = _dump({SOURCE_KEY: line.source})[1:]
        formatted.append(_format(line, ends[line.source]))
    return b"".join(line + b"\n" for line in formatted)


def _format(line: LogLine, end: bytes) -> bytes:
    if line.document is None:
        return _dump(
            {TEXT_KEY: line.raw.rstrip(b"\r").decode("utf-8", "backslashreplace"), SOURCE_KEY: line.source}
        )
    if SOURCE_KEY in line.document:
        # It has been through here before.
        return _dump(line.document)
    raw = line.raw.strip()
    if not line.document or not (raw.isascii() or _is_utf8(raw)):
        return _dump({**line.document, SOURCE_KEY: line.source})
    # Spliced, not written anew: numbers stay as they were.
    return b"%b, %b" % (raw[:-1].rstrip(), end)


def _dump(document: object) -> bytes:
    # A name may hold bytes, or a text half a character, which UTF-8 cannot.
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
