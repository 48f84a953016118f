"""A token explained, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meetctl.domain.token_rights import OTHER_SERVICES
from meetctl.reports.ages import format_age
from meetctl.reports.minted_token import format_moment
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from meetctl.domain.token_claims import TokenClaims
    from meetctl.domain.token_explanation import TokenExplanation

_MARGIN = 12
_LONGEST_VALUE = 200
"""Characters of metadata and attributes that people are shown; programs get all."""


def explanation_lines(explanation: TokenExplanation, configured_key: str | None) -> Iterator[str]:
    """Explain a token in lines for people; `configured_key` is a key's id, None where there is none."""
    claims = explanation.claims
    yield from _entry("for", [_purpose(explanation)])
    yield from _entry("identity", [_identity(claims)])
    yield from _entry("valid", [_validity(explanation)])
    yield from _entry("may", explanation.allows or ["do nothing at all"])
    yield from _entry("may not", explanation.forbids)
    yield from _entry("carries", list(_carried(claims)))
    yield from _entry("signature", [_signature(explanation, configured_key)])
    lacks = explanation.lacks or (["nothing"] if explanation.purpose else [])
    yield from _entry("lacks", lacks)
    yield from _entry("refused", claims.faults)
    yield from _entry("beware", explanation.dangers)


def explanation_document(explanation: TokenExplanation) -> dict[str, object]:
    """Return the JSON document of an explanation, which does not hold the token."""
    claims = explanation.claims
    return {
        "schema": "meetctl.token.explanation/1",
        "purpose": explanation.purpose,
        "purpose_guessed": explanation.is_guessed,
        "identity": claims.identity or None,
        "name": claims.name or None,
        "kind": claims.kind or "standard",
        "room": claims.grants.room or None,
        "issuer": claims.issuer or None,
        "algorithm": claims.algorithm or None,
        "signature": explanation.signature,
        "validity": explanation.validity,
        "issued_at": _moment(claims.issued_s),
        "not_before": _moment(claims.not_before_s),
        "expires_at": _moment(claims.expires_s),
        "expires_in_s": None if claims.expires_s is None else claims.expires_s - explanation.at_s,
        "grants": claims.grants.as_claim(),
        "agents": [
            {"name": agent.name, "metadata": agent.metadata, "deployment": agent.deployment or None}
            for agent in claims.agents
        ],
        "metadata": claims.metadata or None,
        "attributes": dict(claims.attributes),
        "other_claims": dict(claims.other),
        "may": list(explanation.allows),
        "may_not": list(explanation.forbids),
        "lacks": list(explanation.lacks),
        "faults": list(claims.faults),
        "dangers": list(explanation.dangers),
        "problems": list(explanation.problems),
    }


def _entry(title: str, values: Sequence[str]) -> Iterator[str]:
    for place, value in enumerate(values):
        yield f"{'' if place else title:<{_MARGIN}}{show_plain(value)}"


def _purpose(explanation: TokenExplanation) -> str:
    if explanation.purpose is None:
        return "no meeting: it joins no room"
    article = "a" if explanation.purpose == "participant" else "an"
    return f"{article} {explanation.purpose}" + (", it seems" if explanation.is_guessed else "")


def _identity(claims: TokenClaims) -> str:
    kind = f", of the kind {claims.kind}" if claims.kind not in ("", "standard") else ""
    name = f", shown as {claims.name!r}" if claims.name else ""
    return (repr(claims.identity) if claims.identity else "none") + name + kind


def _validity(explanation: TokenExplanation) -> str:
    claims, at_s = explanation.claims, explanation.at_s
    expires_s, begins_s = claims.expires_s, claims.not_before_s
    if explanation.validity == "not yet valid" and begins_s is not None:
        return f"not yet: from {format_moment(begins_s)}, in {format_age(begins_s - at_s)}"
    if expires_s is None:
        return "for ever"
    if explanation.validity == "expired":
        return f"expired {format_age(at_s - expires_s)} ago, at {format_moment(expires_s)}"
    return f"for {format_age(expires_s - at_s)}, until {format_moment(expires_s)}"


def _carried(claims: TokenClaims) -> Iterator[str]:
    if claims.metadata:
        yield f"metadata {_clip(claims.metadata)}"
    for name, value in claims.attributes.items():
        yield f"attribute {_clip(name)} = {_clip(value)}"
    for agent in claims.agents:
        if agent.metadata:
            yield f"metadata for agent {_clip(agent.name)}: {_clip(agent.metadata)}"
    room_config = claims.other.get("roomConfig")
    others = {name for name in claims.other if name not in ("roomConfig", *OTHER_SERVICES)}
    if isinstance(room_config, dict):
        others |= {f"roomConfig.{name}" for name in room_config if name != "agents"}
    if others:
        yield "other claims: " + ", ".join(sorted(map(_clip, others)))


def _signature(explanation: TokenExplanation, configured_key: str | None) -> str:
    issuer = repr(explanation.claims.issuer) if explanation.claims.issuer else "no key"
    match explanation.signature:
        case "fits":
            return f"fits the configured key {issuer}"
        case "does not fit":
            return f"does not fit the configured key {issuer}, which it names"
        case "another key":
            return f"not checked: it names {issuer}, and {configured_key!r} is configured"
        case "not checked":
            return f"not checked: it names {issuer}, and no key is configured"


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
