"""Finding a token in what people have at hand, and decoding it, which needs no secret."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from meetctl.errors import UsageError

_CANDIDATE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
LONGEST_TEXT = 1_000_000
"""Characters that a token is looked for in; a link or the output of a program is far shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedToken:
    """A token's two readable parts. Nothing says that they are true: the signature is not checked here."""

    text: str = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def find_token(text: str) -> DecodedToken:
    """Return the first token in a text: a token alone, a link, a header, or what a program printed.

    Raises:
        UsageError: There is none, or what looks like one cannot be decoded.
    """
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"{len(text):,} characters are too many for a token, or for a link with one")
    broken = False
    for match in _CANDIDATE.finditer(unquote(text)):
        first, second, _ = match[0].split(".")
        header = _decode(first)
        if header is None:
            # Three words with dots between them, as in the name of a host.
            continue
        claims = _decode(second)
        if claims is not None:
            return DecodedToken(text=match[0], header=header, claims=claims)
        broken = True
    if broken:
        raise UsageError(
            "there is a token, but its middle part is no JSON object", hint="was all of it copied?"
        )
    raise UsageError(
        "there is no token in what was given",
        hint="a token has three parts with dots between them, and begins with eyJ",
    )


def _decode(part: str) -> Mapping[str, Any] | None:
    """Return the JSON object in a part of a token; None where there is none."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        value = json.loads(content, parse_constant=_read_number, parse_float=_read_number)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_number(text: str) -> float:
    """Return a number of JSON, which knows neither NaN nor infinity although Python reads them."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
