"""A key of a LiveKit server that signs without cryptography."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class InMemoryTokenSigner:
    """The TokenSigner port: knows by heart what it has signed."""

    def __init__(self, api_key: str = "APIfake") -> None:
        self.api_key = api_key
        self._signed: set[str] = set()

    def sign(self, claims: Mapping[str, Any]) -> str:
        header = {"alg": "HS256", "typ": "JWT"}
        token = ".".join([_encode(header), _encode(dict(claims)), _encode({"by": id(self)})])
        self._signed.add(token)
        return token

    def has_signed(self, token: str) -> bool:
        return token in self._signed


def _encode(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
