"""Whether a signed control message is for this agent, in time, and new."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meetctl.domain.control import CONTROL_TOPIC, OPERATIONS, check_arguments
from meetctl.errors import UsageError

LONGEST_LIFE_S = 60
"""How long a message may be valid."""

LEEWAY_S = 5
"""How far the sender's clock may be from the agent's."""

RefusalReason = Literal[
    "sent by a participant",
    "too big",
    "not JSON",
    "no token",
    "wrong algorithm",
    "forged",
    "incomplete",
    "wrong issuer",
    "wrong audience",
    "foreign room",
    "another agent",
    "not yet valid",
    "expired",
    "too long-lived",
    "replayed",
    "too many",
    "agent left",
    "unknown operation",
    "wrong arguments",
]
"""Why a message can be refused."""

_MOST_REMEMBERED = 1_000
_JTI = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlMessage:
    """A message that is to be performed."""

    jti: str
    op: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message that is not performed, and why."""

    reason: RefusalReason
    jti: str | None = None
    """Whose sender is told; None where nothing proves that the message is its sender's, and new."""
    error: str | None = None
    """What the sender is told."""


def make_claims(
    *, api_key: str, room: str, agent: str, op: str, args: Mapping[str, Any], jti: str, now_s: int
) -> dict[str, Any]:
    """Return what a control message's token claims; `now_s` is in seconds since the epoch.

    `sub` names the agent, so that no other one in the room, nor the next one, takes the message too.
    """
    return {
        "iss": api_key,
        "aud": CONTROL_TOPIC,
        "sub": agent,
        "room": room,
        "op": op,
        "args": dict(args),
        "jti": jti,
        "iat": now_s,
        "exp": now_s + LONGEST_LIFE_S,
    }


class ControlJudge:
    """Judges the claims of tokens whose signature holds, and remembers which it has seen."""

    def __init__(self, *, api_key: str, room: str) -> None:
        self._api_key = api_key
        self._room = room
        self._seen: dict[str, int] = {}
        """Until when each token's id is remembered, in seconds since the epoch."""

    def judge(self, claims: Mapping[str, Any], *, agent: str, now_s: int) -> ControlMessage | Refusal:
        """Tell what is to be performed, or why nothing is.

        `agent` is the judging agent's identity, `now_s` the time in seconds since the epoch.
        """
        reason = self._find_fault(claims, agent, now_s)
        if reason is not None:
            return Refusal(reason=reason)
        jti, op, args = claims["jti"], claims["op"], claims["args"]
        self._forget(now_s)
        if jti in self._seen:
            return Refusal(reason="replayed")
        if len(self._seen) >= _MOST_REMEMBERED:
            # To forget one that is still valid would let it be sent again.
            return Refusal(reason="too many")
        self._seen[jti] = claims["exp"] + LEEWAY_S
        try:
            return ControlMessage(jti=jti, op=op, args=check_arguments(op, args))
        except UsageError as error:
            reason = "wrong arguments" if op in OPERATIONS else "unknown operation"
            return Refusal(reason=reason, jti=jti, error=error.message)

    def _find_fault(self, claims: Mapping[str, Any], agent: str, now_s: int) -> RefusalReason | None:
        # LiveKit's own tokens are signed with the same secret: they name no audience.
        if claims.get("aud") != CONTROL_TOPIC:
            return "wrong audience"
        if claims.get("iss") != self._api_key:
            return "wrong issuer"
        if claims.get("room") != self._room:
            return "foreign room"
        if claims.get("sub", agent) != agent:
            return "another agent"
        if not _is_complete(claims):
            return "incomplete"
        return _find_fault_in_time(claims["iat"], claims.get("nbf", claims["iat"]), claims["exp"], now_s)

    def _forget(self, now_s: int) -> None:
        for jti in [jti for jti, until_s in self._seen.items() if until_s < now_s]:
            del self._seen[jti]


def _is_complete(claims: Mapping[str, Any]) -> bool:
    jti = claims.get("jti")
    return (
        isinstance(jti, str)
        and _JTI.fullmatch(jti) is not None
        and isinstance(claims.get("op"), str)
        and isinstance(claims.get("args"), dict)
        and all(type(claims.get(name)) is int for name in ("iat", "exp"))
        and type(claims.get("nbf", 0)) is int
    )


def _find_fault_in_time(issued_s: int, not_before_s: int, expires_s: int, now_s: int) -> RefusalReason | None:
    if expires_s - issued_s > LONGEST_LIFE_S:
        return "too long-lived"
    if expires_s + LEEWAY_S < now_s or expires_s <= issued_s:
        return "expired"
    if max(issued_s, not_before_s) > now_s + LEEWAY_S:
        return "not yet valid"
    return None
