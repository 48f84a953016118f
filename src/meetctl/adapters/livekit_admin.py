"""Rooms, participants and dispatches through a LiveKit server's API."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from livekit import api

from meetctl.adapters.livekit_api import connect_api, explain_refusals
from meetctl.domain.rooms import Dispatch, Job, Participant, Room, Track
from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.rooms import JobStatus, ParticipantKind, ParticipantState, TrackKind, TrackSource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LiveKitAdmin:
    """The RoomAdmin port over one pool of connections; it is used by one event loop."""

    def __init__(self, access: LiveKitAccess) -> None:
        self._access = access
        self._opened: api.LiveKitAPI | None = None

    async def list_rooms(self) -> tuple[Room, ...]:
        """Return all rooms, by name."""
        with self._explaining():
            answer = await self._api.room.list_rooms(api.ListRoomsRequest())
        return tuple(sorted(map(_read_room, answer.rooms), key=lambda room: room.name))

    async def find_room(self, name: str) -> Room | None:
        """Return one room; None where it is not there."""
        with self._explaining():
            answer = await self._api.room.list_rooms(api.ListRoomsRequest(names=[name]))
        return _read_room(answer.rooms[0]) if answer.rooms else None

    async def create_room(
        self,
        name: str,
        *,
        metadata: str = "",
        empty_timeout_s: int | None = None,
        departure_timeout_s: int | None = None,
        max_participants: int | None = None,
    ) -> Room:
        """Make a room; one that is there already is returned as it is, and not changed."""
        request = api.CreateRoomRequest(
            name=name,
            metadata=metadata,
            empty_timeout=empty_timeout_s or 0,
            departure_timeout=departure_timeout_s or 0,
            max_participants=max_participants or 0,
        )
        with self._explaining():
            return _read_room(await self._api.room.create_room(request))

    async def close_room(self, name: str) -> None:
        """End the room for everybody in it."""
        with self._explaining(missing=_no_room(name)):
            await self._api.room.delete_room(api.DeleteRoomRequest(room=name))

    async def list_participants(self, room: str) -> tuple[Participant, ...]:
        """Return who is in a room, in the order in which they came."""
        await self._require_room(room)
        with self._explaining(missing=_no_room(room)):
            answer = await self._api.room.list_participants(api.ListParticipantsRequest(room=room))
        participants = map(_read_participant, answer.participants)
        return tuple(sorted(participants, key=lambda one: (one.joined_at or _EPOCH, one.identity)))

    async def remove_participant(self, room: str, identity: str) -> None:
        """Put somebody out of a room."""
        await self._require_room(room)
        with self._explaining(missing=_nobody(room, identity)):
            await self._api.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))

    async def mute_track(self, room: str, identity: str, track: str, *, muted: bool) -> None:
        """Mute or unmute a track."""
        # The server takes a track that is not there for muted, and is silent about a room without anybody.
        await self._require_track(room, identity, track)
        request = api.MuteRoomTrackRequest(room=room, identity=identity, track_sid=track, muted=muted)
        with self._explaining(missing=_nobody(room, identity)):
            try:
                await self._api.room.mute_published_track(request)
            except api.TwirpError as error:
                if muted or error.code != api.TwirpErrorCode.FAILED_PRECONDITION:
                    raise
                raise ServiceError(
                    f"the LiveKit server {self._access.url} lets nobody unmute somebody else",
                    hint="room.enable_remote_unmute in the server's configuration allows it",
                ) from error

    async def list_dispatches(self, room: str) -> tuple[Dispatch, ...]:
        """Return which agents were sent into a room, in the order in which they were."""
        # Of a room that is not there the server says nothing, and that only after three seconds.
        await self._require_room(room)
        with self._explaining(missing=_no_room(room)):
            found = await self._api.agent_dispatch.list_dispatch(room)
        dispatches = map(_read_dispatch, found)
        return tuple(sorted(dispatches, key=lambda one: (one.created_at or _EPOCH, one.id)))

    async def create_dispatch(self, room: str, agent_name: str, *, metadata: str = "") -> Dispatch:
        """Send an agent into a room."""
        request = api.CreateAgentDispatchRequest(room=room, agent_name=agent_name, metadata=metadata)
        with self._explaining():
            return _read_dispatch(await self._api.agent_dispatch.create_dispatch(request))

    async def delete_dispatch(self, room: str, dispatch: str) -> None:
        """Take a dispatch back."""
        await self._require_room(room)
        with self._explaining(missing=f"there is no dispatch {dispatch!r} in room {room!r}"):
            await self._api.agent_dispatch.delete_dispatch(dispatch, room)

    async def aclose(self) -> None:
        """Let go of its connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    @property
    def _api(self) -> api.LiveKitAPI:
        if self._opened is None:
            self._opened = connect_api(self._access)
        return self._opened

    @contextmanager
    def _explaining(self, *, missing: str = "") -> Iterator[None]:
        with explain_refusals(self._access, missing=missing):
            yield

    async def _require_room(self, name: str) -> None:
        if await self.find_room(name) is None:
            raise NotFoundError(_no_room(name))

    async def _require_track(self, room: str, identity: str, track: str) -> None:
        for participant in await self.list_participants(room):
            if participant.identity == identity:
                if any(one.sid == track for one in participant.tracks):
                    return
                raise NotFoundError(f"{identity!r} publishes no track {track!r} in room {room!r}")
        raise NotFoundError(_nobody(room, identity))


def _no_room(name: str) -> str:
    return f"there is no room {name!r}"


def _nobody(room: str, identity: str) -> str:
    return f"there is no participant {identity!r} in room {room!r}"


def _read_room(room: api.Room) -> Room:
    created_ms = room.creation_time_ms or room.creation_time * 1_000
    return Room(
        name=room.name,
        sid=room.sid,
        created_at=_EPOCH + timedelta(milliseconds=created_ms),
        metadata=room.metadata,
        empty_timeout_s=room.empty_timeout,
        departure_timeout_s=room.departure_timeout,
        max_participants=room.max_participants or None,
        participants=room.num_participants,
        publishers=room.num_publishers,
        is_recording=room.active_recording,
    )


def _read_participant(info: api.ParticipantInfo) -> Participant:
    kinds: dict[int, ParticipantKind] = {
        api.ParticipantInfo.Kind.STANDARD: "standard",
        api.ParticipantInfo.Kind.SIP: "sip",
        api.ParticipantInfo.Kind.AGENT: "agent",
        api.ParticipantInfo.Kind.INGRESS: "ingress",
        api.ParticipantInfo.Kind.EGRESS: "egress",
    }
    states: dict[int, ParticipantState] = {
        api.ParticipantInfo.State.JOINED: "joined",
        api.ParticipantInfo.State.ACTIVE: "active",
        api.ParticipantInfo.State.DISCONNECTED: "disconnected",
    }
    joined_ms = info.joined_at_ms or info.joined_at * 1_000
    return Participant(
        identity=info.identity,
        kind=kinds.get(info.kind, "other"),
        state=states.get(info.state, "joining"),
        name=info.name,
        joined_at=_EPOCH + timedelta(milliseconds=joined_ms) if joined_ms else None,
        is_hidden=info.permission.hidden,
        metadata=info.metadata,
        attributes=dict(info.attributes),
        tracks=tuple(map(_read_track, info.tracks)),
    )


def _read_track(info: api.TrackInfo) -> Track:
    kinds: dict[int, TrackKind] = {api.TrackType.VIDEO: "video", api.TrackType.DATA: "data"}
    sources: dict[int, TrackSource] = {
        api.TrackSource.MICROPHONE: "microphone",
        api.TrackSource.CAMERA: "camera",
        api.TrackSource.SCREEN_SHARE: "screen_share",
        api.TrackSource.SCREEN_SHARE_AUDIO: "screen_share_audio",
    }
    return Track(
        sid=info.sid,
        kind=kinds.get(info.type, "audio"),
        source=sources.get(info.source, "unknown"),
        name=info.name,
        codec=info.mime_type,
        is_muted=info.muted,
        width=info.width,
        height=info.height,
    )


def _read_dispatch(dispatch: api.AgentDispatch) -> Dispatch:
    return Dispatch(
        id=dispatch.id,
        room=dispatch.room,
        agent_name=dispatch.agent_name,
        metadata=dispatch.metadata,
        created_at=_read_ns(dispatch.state.created_at),
        jobs=tuple(map(_read_job, dispatch.state.jobs)),
    )


def _read_job(job: api.Job) -> Job:
    statuses: dict[int, JobStatus] = {
        api.JobStatus.JS_RUNNING: "running",
        api.JobStatus.JS_SUCCESS: "done",
        api.JobStatus.JS_FAILED: "failed",
        api.JobStatus.JS_CANCELLED: "cancelled",
    }
    return Job(
        id=job.id,
        status=statuses.get(job.state.status, "pending"),
        error=job.state.error,
        participant=job.state.participant_identity,
        worker=job.state.worker_id,
        started_at=_read_ns(job.state.started_at),
        ended_at=_read_ns(job.state.ended_at),
    )


def _read_ns(ns: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=ns // 1_000) if ns else None
