"""What a token is good for: what it allows, until when, what it lacks, and what is dangerous about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meetctl.domain.control import CONTROL_TOPIC
from meetctl.domain.token_purpose import guess_purpose, list_lacking
from meetctl.domain.token_rights import list_allowed, list_forbidden
from meetctl.domain.tokens import LIVEKIT_KINDS, LONGEST_USUAL_LIFE

if TYPE_CHECKING:
    from meetctl.domain.token_claims import TokenClaims
    from meetctl.domain.tokens import TokenPurpose

Validity = Literal["valid", "expired", "not yet valid", "valid for ever"]
SignatureVerdict = Literal["fits", "does not fit", "another key", "not checked"]
"""Whether a token was signed with the configured key. `another key`: it names another one as its issuer."""

_SIGNATURE_PROBLEMS = {
    "does not fit": "its signature does not fit the configured key",
    "another key": "it is signed with another key than the configured one",
    "not checked": "its signature cannot be checked, as no key is configured",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExplanation:
    """A token explained as of a moment."""

    claims: TokenClaims
    at_s: int
    """The moment, in seconds since the epoch."""
    purpose: TokenPurpose | None
    """None where it is for none of them, as a token for administering is."""
    is_guessed: bool
    validity: Validity
    signature: SignatureVerdict
    allows: tuple[str, ...]
    forbids: tuple[str, ...]
    lacks: tuple[str, ...]
    """What its purpose needs and it does not have."""
    dangers: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it will not do: empty for a token that works for its purpose now."""
        problems = [*self.claims.faults]
        if self.validity not in ("valid", "valid for ever"):
            problems.append(f"it is {self.validity}")
        if self.signature in _SIGNATURE_PROBLEMS:
            problems.append(_SIGNATURE_PROBLEMS[self.signature])
        return (*problems, *(f"it lacks {one}" for one in self.lacks))


def explain_token(
    claims: TokenClaims, *, at_s: int, purpose: TokenPurpose | None, signature: SignatureVerdict
) -> TokenExplanation:
    """Explain a token as of a moment; `purpose` is what it should be for, None to guess."""
    meant = purpose or guess_purpose(claims)
    return TokenExplanation(
        claims=claims,
        at_s=at_s,
        purpose=meant,
        is_guessed=purpose is None,
        validity=_judge_time(claims, at_s),
        signature=signature,
        allows=tuple(list_allowed(claims)),
        forbids=tuple(list_forbidden(claims)),
        lacks=tuple(list_lacking(claims, meant)),
        dangers=tuple(list_dangers(claims, at_s)),
    )


def list_dangers(claims: TokenClaims, at_s: int) -> Iterator[str]:
    """Say what about a token is unusual, or worth more care than a token usually gets."""
    grants = claims.grants
    if claims.other.get("aud") == CONTROL_TOPIC:
        yield "it is a control message to an agent, and no token that a LiveKit server lets in"
    yield from _list_dangers_of_time(claims, at_s)
    if grants.room_join and not grants.room:
        yield "it names no room, so its holder may join any room"
    if grants.room_join and grants.room_admin:
        yield "whoever joins with it may also mute people, put them out and end the meeting"
    if grants.room_join and grants.serves_whole_server:
        yield "it joins a room, and has rights over the whole server besides"
    if grants.room_join and grants.hidden and (grants.may_publish or grants.may_publish_data):
        yield "nobody sees who joins with it, who may send into the room all the same"
    if claims.kind in LIVEKIT_KINDS:
        yield f"who joins with it is taken for LiveKit's own {claims.kind}"
    if _starts_egress(claims):
        yield "its room configuration records the room; keys to a storage in it can be read by its holder"


def _list_dangers_of_time(claims: TokenClaims, at_s: int) -> Iterator[str]:
    if claims.expires_s is None:
        yield "it never expires, and nobody can take a token back"
        return
    began_s = next((one for one in (claims.not_before_s, claims.issued_s) if one is not None), at_s)
    life_s = claims.expires_s - began_s
    if life_s > LONGEST_USUAL_LIFE.total_seconds():
        yield f"it is valid for {life_s / 3600:,.0f} hours, and nobody can take a token back"


def _judge_time(claims: TokenClaims, at_s: int) -> Validity:
    if claims.expires_s is not None and at_s >= claims.expires_s:
        return "expired"
    if claims.not_before_s is not None and at_s < claims.not_before_s:
        return "not yet valid"
    return "valid for ever" if claims.expires_s is None else "valid"


def _starts_egress(claims: TokenClaims) -> bool:
    room_config = claims.other.get("roomConfig")
    return isinstance(room_config, dict) and bool(room_config.get("egress"))
