"""Events as a session's journal has them, for tests that need no journal."""

from __future__ import annotations

from typing import Any

from meetctl.domain.events import Event


def make_event(
    kind: str, /, *, seq: int = 0, session_id: str = "s1", room: str = "standup", **fields: Any
) -> Event:
    """Return one event."""
    return Event(
        seq=seq, ts="", t=0.0, type=kind, session_id=session_id, tenant_id=None, room=room, fields=fields
    )
