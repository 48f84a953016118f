"""All that a dashboard knows at one moment: meetings, workers, and whether its sources still answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from meetctl.domain.room_view import RoomView
from meetctl.domain.state import SessionState
from meetctl.domain.workers import LocalWorker

Channel = Literal["journal", "agent", "session", "room"]
"""How a meeting's events come: from its journal on this machine, from our agent in the room, from another
LiveKit agent's session (`lk.agent.session`), or not at all, where only the room is known."""

SourceName = Literal["journals", "livekit", "workers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One meeting as it is known now."""

    key: str
    """What it is told apart by, as long as it is shown."""
    room: str
    channel: Channel
    state: SessionState = field(default_factory=SessionState)
    session_id: str | None = None
    """None where no agent of ours is known."""
    bundle: Path | None = None
    """Where its journal and recording are on this machine."""
    room_view: RoomView | None = None
    """What LiveKit says of the room; None where it was not asked, or does not know it."""
    is_stale: bool = False
    """Whether its events may have stopped coming although it goes on."""
    is_over: bool = False
    """Whether it has ended, or was found to be over without its end having been told."""
    problem: str | None = None
    """Why its events do not come, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """Whether one of the dashboard's sources answers."""

    name: SourceName
    seen_at: datetime | None
    """When it last answered; None where it never did."""
    error: str | None = None
    """Why it does not answer now; None where it does."""
    is_configured: bool = True
    """False where there is none to ask, as without a LiveKit server; nothing is wrong then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardView:
    """Everything at one moment."""

    at: datetime
    meetings: tuple[Meeting, ...] = ()
    workers: tuple[LocalWorker, ...] | None = None
    """None where nobody has asked yet."""
    sources: tuple[SourceHealth, ...] = ()

    def find(self, key: str) -> Meeting | None:
        """Return one meeting; None where it is not known any more."""
        return next((meeting for meeting in self.meetings if meeting.key == key), None)
