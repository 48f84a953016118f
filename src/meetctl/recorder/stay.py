"""Who is in the room and what they publish, by whichever connection it is known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from meetctl.agent.ending import end_part
from meetctl.agent.presence import Presence
from meetctl.agent.room_tracks import RoomTracks
from meetctl.recorder.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from meetctl.recorder.bundle import RoomBundle
    from meetctl.recorder.settings import RecorderSettings


class Stay:
    """Follows a room into the bundle; a room that was lost may be entered again."""

    def __init__(
        self, settings: RecorderSettings, bundle: RoomBundle, *, leave: Callable[[str], None]
    ) -> None:
        """Be in no room yet; `leave` is told when everybody has left, or nobody came."""
        self._settings = settings
        self._bundle = bundle
        self._here: dict[str, rtc.Participant] = {}
        self._room: rtc.Room | None = None
        self._tracks: RoomTracks | None = None
        self._lost_s: float | None = None
        self._handlers: list[tuple[Any, Callable[..., None]]] = [
            ("participant_connected", self._arrive),
            ("participant_disconnected", self._depart),
            ("reconnecting", lambda: self._lose("reconnecting")),
            ("reconnected", self._restore),
        ]
        self.notice = Notice(bundle.journal)
        self.presence = Presence(
            bundle.journal, patience_s=settings.grace_s, grace_s=settings.grace_s, leave=leave
        )

    def enter(self, room: rtc.Room) -> None:
        """See and hear what is in a room that was joined just now, and tell people."""
        self._room = room
        self._restore()
        for participant in room.remote_participants.values():
            self._arrive(participant)
        for name, handler in self._handlers:
            room.on(name, handler)
        if not self._settings.is_silent:
            self.notice.follow(room)
        self._tracks = RoomTracks(
            room,
            frames=self._bundle.frames,
            sounds=self._bundle.sounds,
            journal=self._bundle.journal,
            receives_sound=lambda _: self._settings.has_audio,
        )
        self._tracks.follow()

    async def lose_room(self, reason: str) -> None:
        """Let go of a room whose connection is lost; who was there may still be."""
        self._lose(reason)
        await self._let_go()

    async def close(self) -> None:
        """Take no more notice of anything."""
        self.presence.close()
        await self._let_go()

    async def _let_go(self) -> None:
        room, tracks = self._room, self._tracks
        self._room = self._tracks = None
        if room is not None:
            for name, handler in self._handlers:
                room.off(name, handler)
        await self.notice.close()
        if tracks is not None:
            await end_part("the tracks", tracks.release)

    def _arrive(self, participant: rtc.Participant) -> None:
        if participant.identity not in self._here:
            self._here[participant.identity] = participant
            self.presence.join(participant)

    def _depart(self, participant: rtc.Participant) -> None:
        # While the connection is lost LiveKit's client lets everybody leave, of whom nothing is known.
        if self._lost_s is None and self._here.pop(participant.identity, None) is not None:
            self.notice.forget(participant.identity)
            self.presence.depart(participant)

    def _lose(self, reason: str) -> None:
        """Note a gap: until the connection is there again nobody knows what happens in the room."""
        if self._lost_s is None:
            self._lost_s = asyncio.get_running_loop().time()
            self._bundle.journal.write("connection.lost", {"reason": reason})

    def _restore(self) -> None:
        if self._lost_s is not None:
            after_s = asyncio.get_running_loop().time() - self._lost_s
            self._lost_s = None
            self._bundle.journal.write("connection.restored", {"after_s": round(after_s, 3)})
        present = self._room.remote_participants if self._room is not None else {}
        for gone in [one for one in self._here.values() if one.identity not in present]:
            self._depart(gone)
