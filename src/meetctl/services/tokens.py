"""Making tokens of a LiveKit server, and explaining those that others made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meetctl.domain.token_claims import read_claims
from meetctl.domain.token_explanation import explain_token
from meetctl.domain.tokens import make_claims

if TYPE_CHECKING:
    from meetctl.domain.token_explanation import SignatureVerdict, TokenExplanation
    from meetctl.domain.token_text import DecodedToken
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


def explain(
    token: DecodedToken, *, purpose: TokenPurpose | None, signer: TokenSigner | None, clock: Clock
) -> TokenExplanation:
    """Explain a token as of now; `signer` has the configured key, None where none is."""
    claims = read_claims(token)
    return explain_token(
        claims,
        at_s=int(clock.now().timestamp()),
        purpose=purpose,
        signature=_judge_signature(token, claims.issuer, signer),
    )


def _judge_signature(token: DecodedToken, issuer: str, signer: TokenSigner | None) -> SignatureVerdict:
    if signer is None:
        return "not checked"
    if issuer != signer.api_key:
        return "another key"
    return "fits" if signer.has_signed(token.text) else "does not fit"
