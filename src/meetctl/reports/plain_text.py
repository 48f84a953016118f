"""Text from outside, such as file names, made safe to show: on one line, and never steering a terminal."""

from __future__ import annotations

import re
import unicodedata

_BYTES = re.compile("[\udc80-\udcff]+")
"""Bytes that Python could not read as text in the locale's encoding (peps.python.org/pep-0383)."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Halves of a character, which UTF-8 cannot hold."""

_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters that break a line, steer a terminal, or are none (unicode.org/reports/tr44)."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a name read as another one."""


def show_plain(text: str) -> str:
    r"""Return text on one line, with everything that has no look of its own written as an escape.

    >>> print(show_plain("two\nlines\x1b[31m \udcff.mkv"))
    two\nlines\x1b[31m \xff.mkv
    """
    # None of what is escaped is printable, and most texts are.
    if text.isprintable():
        return text
    return "".join(_show(character) for character in show_bytes(text))


def show_bytes(text: str, *, backslash: str = "\\") -> str:
    r"""Return text that UTF-8 can hold: bytes that were none are escapes, which begin with `backslash`.

    Bytes that a locale without UTF-8 could not read are read as UTF-8 first.

    >>> print(show_bytes("caf\udce9.mkv"), show_bytes("caf\udcc3\udca9.mkv"))
    caf\xe9.mkv café.mkv
    """
    text = _BYTES.sub(lambda match: _read(match[0]).replace("\\", backslash), text)
    return _SURROGATE.sub(lambda match: backslash + _escape(match[0])[1:], text)


def _read(surrogates: str) -> str:
    return surrogates.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _show(character: str) -> str:
    hidden = unicodedata.category(character) in _UNSHOWN or character in _REORDERING
    return _escape(character) if hidden else character


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
