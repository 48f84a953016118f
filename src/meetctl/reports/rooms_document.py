"""Rooms, participants and dispatches as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.reports.money import exact_usd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from meetctl.domain.room_view import AgentView, RoomView
    from meetctl.domain.rooms import Dispatch, Job, Participant, Room, Track


def document_rooms(views: Iterable[RoomView], now: datetime) -> dict[str, Any]:
    """Return rooms as a document (schema meetctl.rooms/1)."""
    return {
        "schema": "meetctl.rooms/1",
        "at": now.isoformat(),
        "rooms": [document_view(view, now) for view in views],
    }


def document_view(view: RoomView, now: datetime) -> dict[str, Any]:
    """Return a room with the agents in it, and how many people are."""
    return {
        **document_room(view.room, now),
        "people": view.people,
        "agents": [_document_agent(agent) for agent in view.agents],
    }


def document_room(room: Room, now: datetime) -> dict[str, Any]:
    """Return what a room is like."""
    return {
        "name": room.name,
        "sid": room.sid,
        "created_at": room.created_at.isoformat(),
        "age_s": max(0, round((now - room.created_at).total_seconds())),
        "metadata": room.metadata,
        "empty_timeout_s": room.empty_timeout_s,
        "departure_timeout_s": room.departure_timeout_s,
        "max_participants": room.max_participants,
        "egress_records": room.is_recording,
    }


def document_participant(one: Participant) -> dict[str, Any]:
    """Return a participant with their tracks."""
    return {
        "identity": one.identity,
        "name": one.name,
        "kind": one.kind,
        "state": one.state,
        "joined_at": _moment(one.joined_at),
        "hidden": one.is_hidden,
        "metadata": one.metadata,
        "attributes": dict(one.attributes),
        "session_id": one.session_id,
        "tracks": [document_track(track) for track in one.tracks],
    }


def document_track(track: Track) -> dict[str, Any]:
    """Return a track; its size is null where it has none."""
    return {
        "sid": track.sid,
        "kind": track.kind,
        "source": track.source,
        "name": track.name,
        "codec": track.codec,
        "muted": track.is_muted,
        "width": track.width or None,
        "height": track.height or None,
    }


def document_dispatch(one: Dispatch) -> dict[str, Any]:
    """Return a dispatch with what became of it."""
    return {
        "id": one.id,
        "room": one.room,
        "agent_name": one.agent_name,
        "metadata": one.metadata,
        "created_at": _moment(one.created_at),
        "jobs": [_document_job(job) for job in one.jobs],
    }


def _document_job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status,
        "error": job.error or None,
        "participant": job.participant or None,
        "worker": job.worker or None,
        "started_at": _moment(job.started_at),
        "ended_at": _moment(job.ended_at),
    }


def _document_agent(agent: AgentView) -> dict[str, Any]:
    one, state, spent = agent.participant, agent.state, agent.spent
    return {
        "identity": one.identity,
        "agent_name": one.agent_name,
        "state": one.agent_state,
        "session_id": one.session_id,
        "tenant_id": state.about.tenant_id if state is not None else None,
        "cost": spent
        and {
            "usd": None if spent.usd is None else exact_usd(spent.usd),
            "complete": spent.is_complete,
            "offline": spent.is_offline,
        },
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
