"""What came of one recording, and how far it is while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.domain.state import SessionState
    from meetctl.errors import MeetctlError


class EndReason(StrEnum):
    """Why a recording ended, as `session.ended` has it."""

    EVERYONE_LEFT = "everyone left"
    NOBODY_CAME = "nobody came"
    ROOM_CLOSED = "room closed"
    STOPPED = "stopped by the operator"
    LIMIT = "limit reached"
    REMOVED = "removed from the room"
    NOT_RECORDED = "the recording stopped"
    CONNECTION_LOST = "connection lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRoom:
    """One recording that has ended."""

    bundle: Path
    reason: EndReason
    duration_s: float
    """How long its media is."""
    size_bytes: int
    """What the bundle takes on the disk."""
    recorded: dict[str, Any]
    """What became of the video, as `session.ended` says it."""
    told: tuple[str, ...]
    """Identities of the people who were sent a message that they are recorded."""
    is_shown: bool
    """Whether the room was marked as being recorded."""
    state: SessionState
    error: MeetctlError | None = None
    """What it failed with; the bundle holds what was recorded until then."""
