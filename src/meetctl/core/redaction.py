"""Taking secrets out of text: those that are configured, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_BEARER = re.compile(r"\b(bearer|basic|token)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_KEY = re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{8,}")
_PARAMETER = re.compile(
    r"\b([\w-]*(?:api[_-]?key|access[_-]?token|secret|password))=[^&\s'\"\[]+", re.IGNORECASE
)

_SHORTEST_SECRET = 8
"""What is shorter is a placeholder such as "offline", and an everyday word would be lost from every line."""


class Redactor:
    """Replaces secrets in text.

    >>> Redactor(["correct-horse"]).redact("refused correct-horse, Authorization: Bearer abcdefgh12")
    'refused [secret], Authorization: Bearer [secret]'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(
            {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def redact(self, text: str) -> str:
        """Return the text with every known secret, token and key replaced by a word for it."""
        if self._known is not None:
            text = self._known.sub("[secret]", text)
        text = redact_tokens(text)
        text = _PARAMETER.sub(r"\1=[secret]", text)
        return _KEY.sub("[secret]", _BEARER.sub(r"\1 [secret]", text))


def redact_tokens(text: str) -> str:
    """Return a text without the JSON Web Tokens in it.

    >>> redact_tokens("ws://127.0.0.1/rtc?access_token=eyJhbGciOi.eyJzdWIiOi.x-Y_z&v=1")
    'ws://127.0.0.1/rtc?access_token=[token]&v=1'
    """
    return _TOKEN.sub("[token]", text)


def find_secrets(settings: object) -> tuple[str, ...]:
    """Return the secrets in settings: every text that a dataclass leaves out of its own representation.

    >>> from meetctl.core.local_stack import LiveKitAccess
    >>> find_secrets(LiveKitAccess(url="ws://127.0.0.1:7880", api_key="key", api_secret="correct-horse"))
    ('correct-horse',)
    """
    return tuple(dict.fromkeys(_secrets_in(settings)))


def _secrets_in(value: object) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inner = getattr(value, field.name)
            if not field.repr and isinstance(inner, str):
                yield inner
            else:
                yield from _secrets_in(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_in(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _secrets_in(inner)
