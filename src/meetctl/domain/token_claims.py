"""The claims of a LiveKit token, read as a server reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meetctl.domain.tokens import ALGORITHM, AgentToSend
from meetctl.domain.video_grants import VideoGrants, read_grants

if TYPE_CHECKING:
    from meetctl.domain.token_text import DecodedToken

_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799
"""From the first second of the year 1 to the last one of 9999, which is as far as a calendar goes."""

_READ = frozenset({"iss", "sub", "name", "kind", "metadata", "attributes", "video", "iat", "nbf", "exp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token claims; what is missing or malformed is empty or None."""

    algorithm: str
    issuer: str = ""
    """The id of the key that it says it is signed with."""
    identity: str = ""
    name: str = ""
    kind: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    grants: VideoGrants = field(default_factory=VideoGrants)
    agents: tuple[AgentToSend, ...] = ()
    issued_s: int | None = None
    """Seconds since the epoch, as are the next two."""
    not_before_s: int | None = None
    expires_s: int | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    """What it claims besides, by name: for LiveKit's other services, or not LiveKit's at all."""
    faults: tuple[str, ...] = ()
    """Why a server refuses it, whatever it allows."""


def read_claims(token: DecodedToken) -> TokenClaims:
    """Read a decoded token's claims; never fails, since what is malformed is noted as a fault."""
    claims, faults = token.claims, _Faults()
    algorithm = str(token.header.get("alg", ""))[:20]
    if algorithm != ALGORITHM:
        faults.add(f"it is signed by {algorithm or 'nothing'}, and LiveKit accepts {ALGORITHM} alone")
    read = read_grants(claims.get("video"))
    return TokenClaims(
        algorithm=algorithm,
        issuer=faults.read_text(claims, "iss"),
        identity=faults.read_text(claims, "sub"),
        name=faults.read_text(claims, "name"),
        kind=faults.read_text(claims, "kind").lower(),
        metadata=faults.read_text(claims, "metadata"),
        attributes=faults.read_texts(claims, "attributes"),
        grants=read.grants,
        agents=tuple(_read_agents(claims.get("roomConfig"))),
        issued_s=faults.read_time(claims, "iat"),
        not_before_s=faults.read_time(claims, "nbf"),
        expires_s=faults.read_time(claims, "exp"),
        other={
            **{name: value for name, value in claims.items() if name not in _READ},
            **{f"video.{name}": value for name, value in read.unknown.items()},
        },
        faults=(*faults.found, *read.faults),
    )


class _Faults:
    """Reads claims one by one, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, fault: str) -> None:
        self.found.append(fault)

    def read_text(self, claims: Mapping[str, Any], name: str) -> str:
        value = claims.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            self.add(f"{name} is no text")
        return ""

    def read_texts(self, claims: Mapping[str, Any], name: str) -> Mapping[str, str]:
        value = claims.get(name)
        if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
            return value
        if value is not None:
            self.add(f"{name} is no object of texts")
        return {}

    def read_time(self, claims: Mapping[str, Any], name: str) -> int | None:
        """Return a time in whole seconds; what no calendar has is taken to the calendar's end."""
        value = claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.add(f"{name} is no number")
            return None
        return int(max(_EARLIEST_S, min(value, _LATEST_S)))


def _read_agents(room_config: object) -> Iterator[AgentToSend]:
    agents = room_config.get("agents") if isinstance(room_config, dict) else None
    for agent in agents if isinstance(agents, list) else ():
        if isinstance(agent, dict):
            texts = {name: value for name, value in agent.items() if isinstance(value, str)}
            yield AgentToSend(
                name=texts.get("agentName") or texts.get("agent_name") or "",
                metadata=texts.get("metadata", ""),
                deployment=texts.get("deployment", ""),
            )
