"""A session's bundle as a catalogue lists it: who, when, how large, and whether it still runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

JOURNAL = "events.jsonl"
SESSION = "session.json"
RECORDING = "meeting.mkv"
"""The recording once the meeting is over."""
SEGMENTS = "segments"
"""The recording while the meeting runs, and where its parts could not be joined."""
DELIVERED = "delivered.json"
"""How far its usage was delivered to a backend."""
DELIVERY_LOCK = "delivery.lock"
"""Held by whoever delivers its usage."""

BUNDLES = "[!.]*"
"""A pattern for bundles' directories; a hidden one is being imported or removed, and is no session."""

RunState = Literal["running", "ended", "killed", "unknown"]
"""Running: somebody holds its journal open. Ended: the journal has the session's end. Killed: nobody writes
it, and it has no end. Unknown: it has no end, and nobody can tell whether it is written, as the journal is
missing or its file system knows no locks."""
RUN_STATES: tuple[RunState, ...] = get_args(RunState)

LAST = "last"
"""What a person types for the newest session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBundle:
    """One bundle, as far as it can be read without reading all of it."""

    session_id: str
    path: Path
    state: RunState
    room: str | None = None
    tenant_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """When the last event was written; None while it runs."""
    changed_at: datetime | None = None
    """When its journal, or without one its directory, was last changed."""
    size_bytes: int = 0
    """Of all its files."""
    media_bytes: int = 0
    """Of its recording, whole or in segments."""
    journal: Path | None = None
    """None where there is no journal."""
    journal_bytes: int = 0
    """How long the journal was, up to its last complete line, when it was looked at."""
    usage_waits: bool = False
    """Whether usage of it is still to be delivered to a backend."""
    pruned_at: datetime | None = None
    """When its recording and what people said were removed; None where they were not."""
    problems: tuple[str, ...] = ()
    """What is wrong with the bundle itself."""

    @property
    def is_running(self) -> bool:
        """Whether it runs, or may run."""
        return self.state in ("running", "unknown")

    @property
    def last_at(self) -> datetime | None:
        """When anything of it was last known to happen."""
        return self.ended_at or self.started_at or self.changed_at


def sort_newest_first(bundles: list[SessionBundle]) -> list[SessionBundle]:
    """Return bundles by when they started, the newest first; those that do not say it come last.

    Of two that started at once the one with the later name is first.
    """
    return sorted(
        bundles,
        key=lambda bundle: (
            bundle.started_at is not None,
            bundle.started_at.timestamp() if bundle.started_at else 0.0,
            bundle.session_id,
        ),
        reverse=True,
    )
