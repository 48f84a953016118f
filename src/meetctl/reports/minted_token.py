"""A token that was made, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meetctl.domain.token_claims import read_claims
from meetctl.domain.token_explanation import list_dangers
from meetctl.domain.token_text import DecodedToken
from meetctl.domain.tokens import ALGORITHM, find_weakness
from meetctl.reports.ages import format_age

if TYPE_CHECKING:
    from meetctl.domain.tokens import TokenOrder

_FRAME = ("iss", "sub", "iat", "nbf", "exp", "name")


def minted_warnings(order: TokenOrder, claims: Mapping[str, Any], api_secret: str) -> Iterator[str]:
    """Say what is dangerous about a token that was made, and about the secret that it is signed with."""
    weakness = find_weakness(api_secret)
    if weakness:
        yield f"LIVEKIT_API_SECRET {weakness}: with it anybody can make tokens of their own"
    read = read_claims(DecodedToken(text="", header={"alg": ALGORITHM}, claims=claims))
    yield from (f"of this token: {danger}" for danger in list_dangers(read, claims["iat"]))
    if not order.grants.as_claim().keys() - {"room"} and not order.inference:
        yield "of this token: it grants nothing"


def describe_minted(order: TokenOrder, claims: Mapping[str, Any]) -> str:
    """Say in one line whose a token is, and how long it is valid."""
    where = f", room {order.grants.room!r}" if order.grants.room else ""
    life = format_age(order.valid_for.total_seconds())
    return f"identity {order.identity!r}{where}, valid for {life}, until {format_moment(claims['exp'])}"


def minted_document(
    token: str, order: TokenOrder, claims: Mapping[str, Any], *, url: str, link: str | None
) -> dict[str, object]:
    """Return the JSON document of a token that was made; `grants` is all that it claims but its frame."""
    return {
        "schema": "meetctl.token/1",
        "token": token,
        "url": url,
        "link": link,
        "identity": order.identity,
        "name": order.name or None,
        "room": order.grants.room or None,
        "expires_at": datetime.fromtimestamp(claims["exp"], UTC).isoformat(),
        "grants": {name: value for name, value in claims.items() if name not in _FRAME},
    }


def format_moment(seconds: int) -> str:
    """Return seconds since the epoch as people read a moment.

    >>> format_moment(1_795_553_420)
    '2026-11-24 20:50:20 UTC'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
