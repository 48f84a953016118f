"""What tests of the dashboard show: meetings from the recordings, at one moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from meetctl.domain.events import Event, parse_journal
from meetctl.domain.state import fold_events
from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIZES = ((80, 24), (120, 40), (200, 60))
"""The terminals in which every screen must be good, in columns and lines."""


def read_recording(name: str) -> tuple[Event, ...]:
    """Return the events of one of the repository's recordings."""
    text = (RECORDINGS / name / "events.jsonl").read_bytes()
    return tuple(event for event in parse_journal(text) if event is not None)


def make_meeting(events: tuple[Event, ...], *, key: str = "s1", room: str | None = None) -> Meeting:
    """Return a meeting that has come to what its events tell."""
    state = fold_events(events)
    return Meeting(key=key, room=room or state.about.room, channel="journal", state=state, session_id=key)


def make_view(*meetings: Meeting) -> DashboardView:
    """Return a view of these meetings, in which every source answers."""
    return DashboardView(
        at=NOW,
        meetings=meetings,
        workers=(),
        sources=(
            SourceHealth(name="journals", seen_at=NOW),
            SourceHealth(name="livekit", seen_at=NOW),
            SourceHealth(name="workers", seen_at=NOW),
        ),
    )
