"""Making tokens for a LiveKit server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meetctl.domain.tokens import make_claims

if TYPE_CHECKING:
    from meetctl.domain.tokens import TokenOrder, TokenPurpose
    from meetctl.ports import Clock, TokenSigner

_IDENTITY_BYTES = 4
_OBSERVER_BYTES = 16
"""Nobody may come upon an observer's identity: who joins under it reads the meeting (docs/control.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedToken:
    """A token, and what it claims."""

    text: str = field(repr=False)
    claims: dict[str, Any]


def make_identity(purpose: TokenPurpose) -> str:
    """Return a new identity that says what it is for; an observer's cannot be guessed."""
    return f"{purpose}-{secrets.token_hex(_OBSERVER_BYTES if purpose == 'observer' else _IDENTITY_BYTES)}"


def mint_token(order: TokenOrder, signer: TokenSigner, clock: Clock) -> MintedToken:
    """Make a token; it is valid from now on."""
    claims = make_claims(order, api_key=signer.api_key, now_s=int(clock.now().timestamp()))
    return MintedToken(text=signer.sign(claims), claims=claims)
