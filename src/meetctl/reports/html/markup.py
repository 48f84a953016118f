"""HTML and SVG elements, in which plain text is always escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_VOID = frozenset({"br", "img", "link", "meta"})
"""Elements of HTML that have no end tag (https://html.spec.whatwg.org/multipage/syntax.html#void-elements)."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Controls, halves of surrogate pairs (undecodable file names) and what turns the direction of text round."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Return plain text as HTML; what cannot be printed becomes the replacement character.

    >>> escape("<b> & \\x07")
    '&lt;b&gt; &amp; �'
    """
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", text)))


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element; children that are not Markup are escaped, and attributes always.

    A trailing underscore in an attribute's name is dropped and others become hyphens (`class_`,
    `aria_label`); an attribute that is None is left out.

    >>> element("td", "a < b", class_="sum", id=None)
    '<td class="sum">a &lt; b</td>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Put parts one after another; those that are not Markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def _plain(value: str | float) -> str:
    """Write numbers short: coordinates need no more than two decimals."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
