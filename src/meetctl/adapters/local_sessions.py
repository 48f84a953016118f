"""The sessions that are kept on this machine: where their journals are, and what they have come to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.events import parse_event, parse_journal
from meetctl.domain.session_bundle import BUNDLES, JOURNAL
from meetctl.domain.state import SessionState, fold_events

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_MOST_LOOKED_AT = 64
_LONGEST_FIRST_LINE = 65_536


@dataclass(slots=True, kw_only=True)
class _Reading:
    """How far a journal has been read."""

    offset: int = 0
    state: SessionState = field(default_factory=SessionState)


class LocalSessions:
    """The SessionStates port over bundles in a directory; each line of a journal is read once."""

    def __init__(self, sessions: Path) -> None:
        self._sessions = sessions
        self._readings: dict[str, _Reading] = {}

    async def read(self, session_id: str) -> SessionState | None:
        """Return a session's state now; None where its journal is not on this machine."""
        return await asyncio.to_thread(self._read, session_id)

    def _read(self, session_id: str) -> SessionState | None:
        journal = find_journal(self._sessions, session_id=session_id)
        if journal is None:
            return None
        reading = self._readings.setdefault(session_id, _Reading())
        try:
            with journal.open("rb") as file:
                file.seek(reading.offset)
                data = file.read()
        except OSError:
            # It was removed a moment ago.
            return None
        whole = data[: data.rfind(b"\n") + 1]
        reading.offset += len(whole)
        reading.state = fold_events(parse_journal(whole), reading.state)
        return reading.state


def find_journal(sessions: Path, *, session_id: str | None = None, jobs: Collection[str] = ()) -> Path | None:
    """Return the journal of a session by its id, or of the one that began by one of these jobs of LiveKit's.

    An id that comes from elsewhere may be anything, and never leads out of `sessions`.
    """
    if session_id is not None and _SESSION_ID.fullmatch(session_id):
        journal = sessions / session_id / JOURNAL
        if journal.is_file():
            return journal
    if not jobs:
        return None
    # Their directories' names begin with the time, so that the newest come first.
    newest = sorted(sessions.glob(f"{BUNDLES}/{JOURNAL}"), reverse=True)[:_MOST_LOOKED_AT]
    return next((journal for journal in newest if _read_job(journal) in jobs), None)


def _read_job(journal: Path) -> str | None:
    """Return the job that a session began by; None where its first line does not say."""
    try:
        with journal.open("rb") as file:
            event = parse_event(file.readline(_LONGEST_FIRST_LINE))
    except (OSError, ValueError):
        return None
    job = event.fields.get("job")
    return job if isinstance(job, str) else None
