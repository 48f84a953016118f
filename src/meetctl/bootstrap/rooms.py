"""What commands for rooms are given: workers and sessions of this machine, agents, and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import AgentControl, EventSource, SessionStates, WorkerCensus
    from meetctl.services.joining import OpenEvents


def local_workers() -> WorkerCensus:
    """Return the workers of ours that run on this machine."""
    from meetctl.adapters.local_workers import LocalWorkers

    return LocalWorkers()


def agent_control(access: LiveKitAccess) -> AgentControl:
    """Return what steers our agents in the rooms of a LiveKit server."""
    from meetctl.adapters.control_sender import ControlSender
    from meetctl.adapters.system_clock import SystemClock

    return ControlSender(access, clock=SystemClock())


def local_sessions(sessions: Path) -> SessionStates:
    """Return the states of the sessions that are kept in a directory."""
    from meetctl.adapters.local_sessions import LocalSessions

    return LocalSessions(sessions)


def session_events(access: LiveKitAccess, room: str, sessions: Path) -> OpenEvents:
    """Return what finds a session's events: its journal on this machine, else the agent in its room."""
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.adapters.local_sessions import find_journal
    from meetctl.services.following import JournalFollower

    def open_events(*, jobs: frozenset[str], session_id: str | None) -> EventSource | None:
        journal = find_journal(sessions, jobs=jobs, session_id=session_id)
        if journal is not None:
            return JournalFollower(JournalReader(journal))
        return room_observer(access, room, session_id) if session_id is not None else None

    return open_events


def room_observer(access: LiveKitAccess, room: str, session_id: str) -> EventSource:
    """Return the events of a session in a room, as its agent sends them to an observer."""
    import logging

    from meetctl.adapters.room_observer import RoomObserver
    from meetctl.adapters.system_clock import SystemClock

    # What the WebRTC library says of its connections is for its developers; failures come as errors.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    return RoomObserver(access, room, session_id, clock=SystemClock())
