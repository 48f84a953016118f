"""What a LiveKit token is made of: whom it is for, what that takes, and its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit

from meetctl.domain.video_grants import VideoGrants

TokenPurpose = Literal["agent", "participant", "observer"]
"""Whom a token is for.

A participant talks, listens and shares. An agent joins a room as one, or registers as a worker. An observer
is sent an agent's events, unseen and without a right to send anything (docs/control.md).
"""

PURPOSES: tuple[TokenPurpose, ...] = get_args(TokenPurpose)

USUAL_LIFE = timedelta(hours=6)
LONGEST_USUAL_LIFE = timedelta(hours=24)
"""A token that is valid for longer is warned of: nobody can take a token back."""

SHORTEST_SECRET = 32
"""Bytes of a secret that HMAC-SHA256 gets its full strength from (RFC 7518, section 3.2)."""

ALGORITHM = "HS256"
"""How a token is signed; LiveKit accepts nothing else."""

AGENT_KIND = "agent"
LIVEKIT_KINDS = ("egress", "ingress", "sip", "connector", "bridge")
"""Kinds of participants that are LiveKit's own services; what is none of these, and no agent, is a person."""

_KNOWN_SECRETS = frozenset({"secret", "devsecret"})
"""Secrets that stand in public instructions; the first is that of `livekit-server --dev`."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MEETING_PAGE = "https://meet.livekit.io/custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentToSend:
    """An agent that LiveKit sends into the room when the token's holder makes it by joining."""

    name: str
    metadata: str = ""
    deployment: str = ""
    """Which deployment of it, on LiveKit Cloud; empty for the one in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """A token that is to be made."""

    grants: VideoGrants
    identity: str
    name: str = ""
    """What others see; the identity where it is empty."""
    kind: str = ""
    """What LiveKit takes the participant for; empty for a person."""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent: AgentToSend | None = None
    inference: bool = False
    """Whether it pays for models of LiveKit Inference."""
    unknown_grants: Mapping[str, Any] = field(default_factory=dict)
    """What goes into the `video` claim besides, as it is."""
    valid_for: timedelta = USUAL_LIFE


def preset_grants(purpose: TokenPurpose, room: str) -> VideoGrants:
    """Return what a token for a purpose has to grant, and no more.

    >>> preset_grants("observer", "standup").as_claim()["hidden"]
    True
    """
    sends = purpose != "observer"
    grants = VideoGrants(
        room=room, room_join=True, can_publish=sends, can_publish_data=sends, can_subscribe=True
    )
    match purpose:
        case "observer":
            return replace(grants, hidden=True)
        case "agent":
            # As in the tokens that LiveKit gives to the agents that it sends.
            return replace(grants, can_update_own_metadata=True, agent=True)
        case "participant":
            return grants


def preset_kind(purpose: TokenPurpose | None) -> str:
    """Return the kind of participant that a token for a purpose names."""
    return AGENT_KIND if purpose == "agent" else ""


def make_claims(order: TokenOrder, *, api_key: str, now_s: int) -> dict[str, Any]:
    """Return what a token claims; `now_s` is in seconds since the epoch."""
    claims: dict[str, Any] = {
        "iss": api_key,
        "sub": order.identity,
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + int(order.valid_for.total_seconds()),
        "name": order.name,
        "kind": order.kind,
        "metadata": order.metadata,
        "attributes": dict(order.attributes),
        "video": order.grants.as_claim() | dict(order.unknown_grants),
        "inference": {"perform": True} if order.inference else {},
        "roomConfig": {"agents": [_agent_claim(order.agent)]} if order.agent else {},
    }
    return {name: value for name, value in claims.items() if value not in ("", {})}


def _agent_claim(agent: AgentToSend) -> dict[str, str]:
    claim = {"agentName": agent.name, "metadata": agent.metadata, "deployment": agent.deployment}
    return {name: value for name, value in claim.items() if value}


def find_weakness(api_secret: str) -> str | None:
    """Say what makes a secret easy to come by, in words that follow its name; None for a good one.

    >>> find_weakness("secret"), find_weakness("k" * 31), find_weakness("k" * 32)
    ('is one that everybody knows', 'has 31 bytes, fewer than 32', None)
    """
    if api_secret in _KNOWN_SECRETS:
        return "is one that everybody knows"
    size = len(api_secret.encode(errors="surrogatepass"))
    return f"has {size} bytes, fewer than {SHORTEST_SECRET}" if size < SHORTEST_SECRET else None


def meeting_link(url: str, token: str) -> str:
    """Return the address of LiveKit's hosted page that joins a room of the server at `url` with a token.

    >>> meeting_link("wss://livekit.example.com", "a.b.c")
    'https://meet.livekit.io/custom?liveKitUrl=wss%3A%2F%2Flivekit.example.com&token=a.b.c'
    """
    return f"{_MEETING_PAGE}?liveKitUrl={quote(url, safe='')}&token={quote(token, safe='')}"


def find_page_obstacle(url: str) -> str | None:
    """Say what keeps LiveKit's hosted page from reaching the server at `url`; None where nothing does.

    >>> find_page_obstacle("wss://livekit.example.com") is None
    True
    """
    server = urlsplit(url)
    if server.hostname in _LOOPBACK:
        return "it works in a browser on this machine alone"
    if server.scheme in ("ws", "http"):
        return f"the page is loaded over https, from which browsers do not connect to {server.scheme}://"
    return None
