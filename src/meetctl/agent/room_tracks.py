"""The room's tracks: which of them are subscribed to, and where all of it goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from livekit import rtc

from meetctl.agent.presence import is_person
from meetctl.agent.rtc_audio import receive_sound
from meetctl.agent.rtc_video import receive_frames
from meetctl.domain.live_media import VideoTrack
from meetctl.domain.watching import choose_watched

if TYPE_CHECKING:
    from meetctl.agent.audio_feed import AudioFeed
    from meetctl.agent.frame_feed import FrameFeed
    from meetctl.agent.journal import MeetingJournal

logger = logging.getLogger(__name__)

_SOURCES: dict[Any, str] = {
    rtc.TrackSource.SOURCE_SCREENSHARE: "screen_share",
    rtc.TrackSource.SOURCE_CAMERA: "camera",
    rtc.TrackSource.SOURCE_MICROPHONE: "microphone",
    rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO: "screen_share_audio",
}
_MACHINES = (
    rtc.ParticipantKind.PARTICIPANT_KIND_AGENT,
    rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS,
)


def is_no_machine(participant: rtc.RemoteParticipant) -> bool:
    """Tell whether an agent may hear somebody: one that hears agents answers them, and they answer it."""
    return participant.kind not in _MACHINES


class RoomTracks:
    """Subscribes to the screens, or to the cameras where nobody shares a screen, and to people's sound.

    Nothing may be subscribed to by itself: the room has to be joined without it.
    """

    def __init__(
        self,
        room: rtc.Room,
        *,
        frames: FrameFeed,
        sounds: AudioFeed,
        journal: MeetingJournal,
        receives_sound: Callable[[rtc.RemoteParticipant], bool] = is_no_machine,
    ) -> None:
        """Choose nothing yet; `receives_sound` tells of whom sound is received at all."""
        self._room = room
        self._receives_sound = receives_sound
        self._frames = frames
        self._sounds = sounds
        self._journal = journal
        self._follows = False
        self._heard: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self) -> None:
        """Choose tracks now, and again whenever they change."""
        self._follows = True
        for name, handler in self._handlers():
            self._room.on(name, handler)
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                if publication.track is not None:
                    self._start(publication.track, publication, participant)
        self._choose()

    async def close(self) -> None:
        """Choose nothing any more, and wait for what is being stopped; without `follow` it does nothing."""
        if self._follows:
            for name, handler in self._handlers():
                self._room.off(name, handler)
            self._follows = False
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def release(self) -> None:
        """Let go of every track: the connection that they came by is lost; another may bring them again."""
        await self.close()
        for track in list(self._heard):
            self._unhear(track)
        await self._frames.unwatch_all()

    def _handlers(self) -> list[tuple[Any, Callable[..., None]]]:
        """Return what happens to tracks, and who hears of it, in this order."""
        chosen_again = ("track_published", "track_unpublished", "track_muted", "track_unmuted")
        return [
            *((name, self._choose) for name in chosen_again),
            ("participant_disconnected", self._choose),
            ("track_muted", self._note_muted),
            ("track_unmuted", self._note_muted),
            ("track_subscribed", self._start),
            ("track_unsubscribed", self._stop),
        ]

    def _choose(self, *_: object) -> None:
        """Subscribe to what should be watched and to what is recorded or heard, and to nothing else."""
        videos: dict[str, tuple[rtc.RemoteTrackPublication, str]] = {}
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                if publication.kind == rtc.TrackKind.KIND_VIDEO:
                    videos[publication.sid] = (publication, participant.identity)
                elif self._receives_sound(participant) and not publication.subscribed:
                    publication.set_subscribed(True)
        watched = choose_watched(
            _describe(publication, identity)
            for publication, identity in videos.values()
            if not publication.muted
        )
        for sid, (publication, _identity) in videos.items():
            if (sid in watched) != publication.subscribed:
                publication.set_subscribed(sid in watched)

    def _start(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            video = _describe(publication, participant.identity)
            self._frames.watch(video, receive_frames(track))
        elif publication.sid not in self._heard and self._receives_sound(participant):
            self._listen(track, publication, participant)

    def _listen(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        self._heard.add(publication.sid)
        self._journal.write(
            "track.started",
            {
                "track": publication.sid,
                "participant": participant.identity,
                "source": _SOURCES.get(publication.source, "unknown"),
                "kind": "audio",
            },
        )
        # A shared screen sounds of whatever runs on it, which may be this very meeting.
        is_microphone = publication.source != rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
        self._sounds.follow(
            publication.sid,
            participant.identity,
            receive_sound(track),
            is_heard=is_microphone and is_person(participant),
            is_muted=publication.muted,
        )

    def _note_muted(self, _: rtc.Participant, publication: rtc.TrackPublication) -> None:
        self._sounds.set_muted(publication.sid, is_muted=publication.muted)

    def _stop(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self._run(self._frames.unwatch(publication.sid))
        elif publication.sid in self._heard:
            self._unhear(publication.sid)

    def _unhear(self, track: str) -> None:
        self._heard.discard(track)
        self._journal.write("track.ended", {"track": track, "kind": "audio"})
        self._sounds.unfollow(track)

    def _run(self, stopping: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(stopping)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _describe(publication: rtc.RemoteTrackPublication, identity: str) -> VideoTrack:
    source = "screen_share" if publication.source == rtc.TrackSource.SOURCE_SCREENSHARE else "camera"
    return VideoTrack(id=publication.sid, participant=identity, source=source)
