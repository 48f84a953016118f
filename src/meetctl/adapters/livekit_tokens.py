"""Tokens of a LiveKit server: JSON Web Tokens signed with a key that it knows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jwt
from jwt.warnings import InsecureKeyLengthWarning

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess

_ALGORITHM = "HS256"
"""The only one that LiveKit accepts."""


class LiveKitTokens:
    """The TokenSigner port with a server's key."""

    def __init__(self, access: LiveKitAccess) -> None:
        self._access = access

    @property
    def api_key(self) -> str:
        """The key's id, which a token names as its issuer."""
        return self._access.api_key

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""
        with _quietly():
            return jwt.encode(dict(claims), self._access.api_secret, algorithm=_ALGORITHM)

    def has_signed(self, token: str) -> bool:
        """Tell whether a token's signature was made with the key's secret; nothing else of it is checked."""
        try:
            with _quietly():
                jwt.api_jws.decode(token, self._access.api_secret, algorithms=[_ALGORITHM])
        except jwt.InvalidTokenError:
            return False
        return True


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the library from printing that a secret is short, which the commands say in their own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        yield
