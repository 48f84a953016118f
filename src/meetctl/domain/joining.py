"""Sending an agent into a room: the order, the stages on its way, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Stage = Literal["room", "sent", "accepted", "joined", "video", "words"]
"""The room is made, the order given and taken; the agent is in the room, has seen video, has spoken."""

STAGES: Mapping[Stage, str] = {
    "room": "the room was made",
    "sent": "the order was given",
    "accepted": "accepted by a worker",
    "joined": "joined",
    "video": "subscribed to video",
    "words": "first words",
}
"""What people read of each stage."""

MISSED: Mapping[Stage, str] = {
    "room": "no room was made",
    "sent": "no order was given",
    "accepted": "not accepted by a worker",
    "joined": "not joined",
    "video": "not subscribed to video",
    "words": "no first words",
}
"""What people read of a stage that was not reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOrder:
    """Which agent is to come where, and how long that may take."""

    room: str
    agent_name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the agent is told for this meeting: its tenant, and settings that differ from its worker's."""
    creates_room: bool = False
    allows_another: bool = False
    """Whether it may come where an agent of this name is already."""
    limit_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDone:
    """A stage that is behind us."""

    stage: Stage
    after_s: float
    """Seconds since the command began."""
    detail: str = ""
    is_skipped: bool = False
    """Whether there was nothing to wait for; `detail` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed:
    """The stage that did not come about, and why, as far as that can be known from outside."""

    stage: Stage
    cause: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinOutcome:
    """What came of an order."""

    dispatch: str
    stages: tuple[StageDone, ...]
    failure: StageFailed | None = None
    agent: str | None = None
    """The agent's identity in the room."""
    session_id: str | None = None
    is_taken_back: bool = False
    """Whether the order was taken back, because no worker took it."""
    warnings: tuple[str, ...] = ()
