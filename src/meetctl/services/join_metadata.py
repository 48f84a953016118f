"""What an agent is told for one meeting: a dispatch's metadata, checked before it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from meetctl.core.settings import parse_recording
from meetctl.domain.policy import parse_count, parse_detail, parse_rate
from meetctl.errors import UsageError


def _parse_tenant(text: str) -> str:
    if not text.strip():
        raise UsageError("it is empty", hint="leave it out where the backend knows whose room it is")
    return text


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "fps": parse_rate,
    "window": lambda text: parse_count("window", text, least=0),
    "detail": parse_detail,
    "side": lambda text: None if text == "own" else parse_count("side", text, least=16),
    "record": parse_recording,
    "tenant": _parse_tenant,
}
KEYS = tuple(_CHECKS)
"""What our agent reads of a dispatch's metadata; other keys are for others."""


def make_metadata(text: str | None, options: Mapping[str, object]) -> dict[str, Any]:
    """Return an order's metadata: the JSON object in `text`, and the options that are not None over it.

    >>> make_metadata('{"tenant": "acme"}', {"fps": "0.5", "window": None})
    {'tenant': 'acme', 'fps': '0.5'}

    Raises:
        UsageError: The text is no JSON object, a value is none that the agent takes, or it is given twice.
    """
    metadata = {} if text is None else _parse_object(text)
    for key, value in metadata.items():
        _check(f"--metadata's {key}", key, value)
    for key, value in options.items():
        if value is None:
            continue
        if key in metadata:
            raise UsageError(f"--{key} and --metadata both say {key}", hint="say it once")
        _check(f"--{key}", key, value)
        metadata[key] = value
    return metadata


def find_unread_keys(metadata: Iterable[str]) -> list[str]:
    """Return the keys that our agent does not read.

    >>> find_unread_keys(["fsp", "tenant"])
    ['fsp']
    """
    return [key for key in metadata if key not in _CHECKS]


def _parse_object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--metadata is not JSON: {error}", hint='such as \'{"tenant": "acme"}\'') from None
    if not isinstance(document, dict):
        raise UsageError("--metadata is not a JSON object", hint='such as \'{"tenant": "acme"}\'')
    return document


def _check(name: str, key: str, value: object) -> None:
    """Check a value as the agent would read it; what is wrong with it names where it was said."""
    check = _CHECKS.get(key)
    if check is None:
        return
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{name} is neither a text nor a number")
    try:
        check(str(value))
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from None
