"""Whose meeting it is, and what the platform's backend says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

ENTERPRISE = "enterprise"
"""The tier whose searches may bring the most."""

_MOST_HITS = 10
_USUAL_HITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer of the platform, as far as a meeting needs to know it."""

    id: str
    tier: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """How a tenant's agent presents itself; what is None is left to the worker's own settings."""

    name: str | None = None
    instructions: str | None = None
    greeting: str | None = None
    greets_latecomers: bool = False
    """Whether people who join later are greeted too."""
    latecomer_greeting: str | None = None
    """What they are told; `{name}` stands for their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeHit:
    """One piece of a tenant's knowledge that a search found."""

    id: str
    text: str
    title: str | None = None
    score: float | None = None
    tenant_id: str | None = None
    """Whose it is, where the backend says so."""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One use of a provider, for the backend to bill."""

    key: str
    """The same whenever this use is reported again: the backend counts a key once."""
    session_id: str
    room: str
    at: str
    """When it was used (UTC, RFC 3339)."""
    kind: str
    """The event's type, such as "llm.request"."""
    provider: str
    model: str
    quantities: Mapping[str, Decimal]
    """How much, by the price book's units."""
    usd: Decimal | None
    """What it cost; None where there is no price."""
    basis: str
    """"reported" or "estimated"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """Something that happened in a session, for the backend to know."""

    key: str
    """The same whenever it is reported again."""
    session_id: str
    room: str
    at: str
    kind: str
    """The event's type, such as "session.started"."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReceipt:
    """What became of reported usage."""

    accepted: int
    duplicates: int
    """How many the backend had already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomToken:
    """A token with which somebody may join a room."""

    token: str = field(repr=False)
    url: str | None = None
    """The server's address, where the backend says it."""
    expires_at: datetime | None = None


def knowledge_limit(tier: str | None) -> int:
    """Return how many pieces of knowledge a search may bring.

    >>> knowledge_limit("enterprise"), knowledge_limit("starter"), knowledge_limit(None)
    (10, 3, 3)
    """
    return _MOST_HITS if tier == ENTERPRISE else _USUAL_HITS
