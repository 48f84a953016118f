"""A LiveKit server's rooms in memory, with the refusals of a real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.clock import START

from meetctl.domain.rooms import Dispatch, Participant, Room, Track
from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meetctl.domain.rooms import Job, ParticipantKind, TrackSource


class FakeRoomAdmin:
    """The RoomAdmin port over dictionaries; `admit`, `publish` and `run_job` are what others do in rooms."""

    def __init__(self, *, allows_unmuting: bool = False) -> None:
        self.allows_unmuting = allows_unmuting
        self.is_reachable = True
        self.is_closed = False
        self._rooms: dict[str, Room] = {}
        self._participants: dict[str, dict[str, Participant]] = {}
        self._dispatches: dict[str, dict[str, Dispatch]] = {}
        self._made = 0

    def admit(
        self,
        room: str,
        identity: str,
        *,
        kind: ParticipantKind = "standard",
        name: str = "",
        is_hidden: bool = False,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Let somebody join; as on a real server that makes the room."""
        self._make(room)
        self._participants[room][identity] = Participant(
            identity=identity,
            kind=kind,
            state="active",
            name=name,
            joined_at=self._next_moment(),
            is_hidden=is_hidden,
            attributes=dict(attributes or {}),
        )

    def publish(self, room: str, identity: str, source: TrackSource) -> str:
        """Let somebody publish a track, and return its id."""
        sid = f"TR_{self._next_number()}"
        kind = "video" if source in ("camera", "screen_share") else "audio"
        participant = self._participants[room][identity]
        track = Track(sid=sid, kind="video" if kind == "video" else "audio", source=source, name=source)
        self._participants[room][identity] = replace(participant, tracks=(*participant.tracks, track))
        return sid

    def run_job(self, room: str, dispatch: str, job: Job) -> None:
        """Let a worker have a job of a dispatch; a later state of the same job takes its place."""
        known = self._dispatches[room][dispatch]
        jobs = (*(one for one in known.jobs if one.id != job.id), job)
        self._dispatches[room][dispatch] = replace(known, jobs=jobs)

    async def list_rooms(self) -> tuple[Room, ...]:
        self._check()
        return tuple(self._count(name) for name in sorted(self._rooms))

    async def find_room(self, name: str) -> Room | None:
        self._check()
        return self._count(name) if name in self._rooms else None

    async def create_room(
        self,
        name: str,
        *,
        metadata: str = "",
        empty_timeout_s: int | None = None,
        departure_timeout_s: int | None = None,
        max_participants: int | None = None,
    ) -> Room:
        self._check()
        if name not in self._rooms:
            self._make(name)
            self._rooms[name] = replace(
                self._rooms[name],
                metadata=metadata,
                empty_timeout_s=empty_timeout_s or 300,
                departure_timeout_s=departure_timeout_s or 20,
                max_participants=max_participants,
            )
        return self._rooms[name]

    async def close_room(self, name: str) -> None:
        self._require(name)
        for kept in (self._rooms, self._participants, self._dispatches):
            kept.pop(name)

    async def list_participants(self, room: str) -> tuple[Participant, ...]:
        self._require(room)
        return tuple(self._participants[room].values())

    async def remove_participant(self, room: str, identity: str) -> None:
        self._require(room)
        self._find(room, identity)
        del self._participants[room][identity]

    async def mute_track(self, room: str, identity: str, track: str, *, muted: bool) -> None:
        self._require(room)
        participant = self._find(room, identity)
        if all(one.sid != track for one in participant.tracks):
            raise NotFoundError(f"{identity!r} publishes no track {track!r} in room {room!r}")
        if not muted and not self.allows_unmuting:
            raise ServiceError("the fake lets nobody unmute somebody else")
        tracks = tuple(
            replace(one, is_muted=muted) if one.sid == track else one for one in participant.tracks
        )
        self._participants[room][identity] = replace(participant, tracks=tracks)

    async def list_dispatches(self, room: str) -> tuple[Dispatch, ...]:
        self._require(room)
        return tuple(self._dispatches[room].values())

    async def create_dispatch(self, room: str, agent_name: str, *, metadata: str = "") -> Dispatch:
        self._check()
        self._make(room)
        dispatch = Dispatch(
            id=f"AD_{self._next_number()}",
            room=room,
            agent_name=agent_name,
            metadata=metadata,
            created_at=self._next_moment(),
        )
        self._dispatches[room][dispatch.id] = dispatch
        return dispatch

    async def delete_dispatch(self, room: str, dispatch: str) -> None:
        self._require(room)
        if dispatch not in self._dispatches[room]:
            raise NotFoundError(f"there is no dispatch {dispatch!r} in room {room!r}")
        del self._dispatches[room][dispatch]

    async def aclose(self) -> None:
        self.is_closed = True

    def _check(self) -> None:
        if not self.is_reachable:
            raise ServiceError("the fake cannot be reached")

    def _require(self, room: str) -> None:
        self._check()
        if room not in self._rooms:
            raise NotFoundError(f"there is no room {room!r}")

    def _find(self, room: str, identity: str) -> Participant:
        if identity not in self._participants[room]:
            raise NotFoundError(f"there is no participant {identity!r} in room {room!r}")
        return self._participants[room][identity]

    def _make(self, room: str) -> None:
        if room in self._rooms:
            return
        self._rooms[room] = Room(
            name=room, sid=f"RM_{self._next_number()}", created_at=self._next_moment(), empty_timeout_s=300
        )
        self._participants[room] = {}
        # As a real server does for workers without a name.
        automatic = Dispatch(
            id=f"AD_{self._next_number()}", room=room, agent_name="", created_at=self._next_moment()
        )
        self._dispatches[room] = {automatic.id: automatic}

    def _count(self, name: str) -> Room:
        seen = [one for one in self._participants[name].values() if not one.is_hidden]
        return replace(
            self._rooms[name], participants=len(seen), publishers=sum(bool(one.tracks) for one in seen)
        )

    def _next_number(self) -> int:
        self._made += 1
        return self._made

    def _next_moment(self) -> datetime:
        return START + timedelta(seconds=self._next_number())
