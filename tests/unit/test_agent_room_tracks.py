"""Which of a room's tracks the agent subscribes to, and that each is told once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from tests.agent_frames import Stage

from meetctl.agent.room_tracks import RoomTracks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from meetctl.agent.audio_feed import AudioFeed

SCREEN = rtc.TrackSource.SOURCE_SCREENSHARE
CAMERA = rtc.TrackSource.SOURCE_CAMERA
MICROPHONE = rtc.TrackSource.SOURCE_MICROPHONE
SCREEN_AUDIO = rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
PHONE = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
INGRESS = rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS
EGRESS = rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


@dataclass(slots=True)
class Publication:
    """A published track, as livekit shows it."""

    sid: str
    source: Any
    muted: bool = False
    subscribed: bool = False
    track: Any = None
    asked: list[bool] = field(default_factory=list)

    @property
    def kind(self) -> Any:
        is_sound = self.source in (MICROPHONE, SCREEN_AUDIO)
        return rtc.TrackKind.KIND_AUDIO if is_sound else rtc.TrackKind.KIND_VIDEO

    def set_subscribed(self, subscribed: bool) -> None:
        self.asked.append(subscribed)
        self.subscribed = subscribed


@dataclass(slots=True)
class Person:
    identity: str
    kind: Any = STANDARD
    track_publications: dict[str, Publication] = field(default_factory=dict)


class Sounds:
    """An AudioFeed that notes what it is given."""

    def __init__(self) -> None:
        self.followed: list[tuple[str, str, bool, bool]] = []
        self.muted: dict[str, bool] = {}
        self.unfollowed: list[str] = []

    def follow(self, track: str, voice: str, sound: object, *, is_heard: bool, is_muted: bool) -> None:
        del sound
        self.followed.append((track, voice, is_heard, is_muted))

    def set_muted(self, track: str, *, is_muted: bool) -> None:
        self.muted[track] = is_muted

    def unfollow(self, track: str) -> None:
        self.unfollowed.append(track)


class Room(rtc.EventEmitter[str]):
    """A room as livekit shows it, in which people publish."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Person] = {}
        self.stage = Stage()
        self.sounds = Sounds()
        self.tracks = RoomTracks(
            cast("rtc.Room", self),
            frames=self.stage.feed,
            sounds=cast("AudioFeed", self.sounds),
            journal=self.stage.journal,
        )

    def publish(self, who: str, publication: Publication, kind: Any = STANDARD) -> Publication:
        person = self.remote_participants.setdefault(who, Person(who, kind))
        person.track_publications[publication.sid] = publication
        self.emit("track_published", publication, person)
        return publication

    def unpublish(self, who: str, publication: Publication) -> None:
        person = self.remote_participants[who]
        del person.track_publications[publication.sid]
        self.emit("track_unpublished", publication, person)

    def mute(self, who: str, publication: Publication, *, muted: bool) -> None:
        publication.muted = muted
        self.emit("track_muted" if muted else "track_unmuted", self.remote_participants[who], publication)


@dataclass(slots=True)
class Track:
    kind: Any


def in_a_room(scene: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        room = Room()
        await scene(room)
        await room.tracks.close()
        await room.stage.feed.close()

    asyncio.run(play())


def test_cameras_are_watched_until_somebody_shares_a_screen() -> None:
    async def scene(room: Room) -> None:
        camera = room.publish("maya", Publication("TR_c", CAMERA))
        room.tracks.follow()
        assert camera.subscribed
        screen = room.publish("noor", Publication("TR_s", SCREEN))
        assert (camera.subscribed, screen.subscribed) == (False, True)
        room.unpublish("noor", screen)
        assert camera.subscribed

    in_a_room(scene)


def test_every_screen_is_watched() -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        screens = [room.publish(who, Publication(f"TR_{who}", SCREEN)) for who in ("maya", "noor")]
        screens.append(room.publish("maya", Publication("TR_second", SCREEN)))
        assert all(screen.subscribed for screen in screens)

    in_a_room(scene)


def test_a_muted_screen_makes_way_for_the_cameras() -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        camera = room.publish("maya", Publication("TR_c", CAMERA))
        screen = room.publish("maya", Publication("TR_s", SCREEN))
        room.mute("maya", screen, muted=True)
        assert (camera.subscribed, screen.subscribed) == (True, False)
        room.mute("maya", screen, muted=False)
        assert (camera.subscribed, screen.subscribed) == (False, True)

    in_a_room(scene)


def test_nothing_is_asked_twice() -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        screen = room.publish("maya", Publication("TR_s", SCREEN))
        for _ in range(3):
            room.publish("noor", Publication("TR_m", MICROPHONE))
        assert screen.asked == [True]

    in_a_room(scene)


@pytest.mark.parametrize(
    ("kind", "source", "subscribes"),
    [
        (STANDARD, MICROPHONE, True),
        (STANDARD, SCREEN_AUDIO, True),
        (PHONE, MICROPHONE, True),
        (INGRESS, MICROPHONE, True),
        (EGRESS, MICROPHONE, False),
        (AGENT, MICROPHONE, False),
    ],
)
def test_all_sound_is_subscribed_to_once_but_that_of_agents(kind: Any, source: Any, subscribes: bool) -> None:
    async def scene(room: Room) -> None:
        early = room.publish("early", Publication("TR_1", source), kind)
        room.tracks.follow()
        late = room.publish("late", Publication("TR_2", source), kind)
        room.publish("maya", Publication("TR_c", CAMERA))
        assert early.asked == late.asked == [True] * subscribes

    in_a_room(scene)


@pytest.mark.parametrize(
    ("kind", "source", "followed"),
    [
        (STANDARD, MICROPHONE, [("TR_m", "who", True, False)]),
        (PHONE, MICROPHONE, [("TR_m", "who", True, False)]),
        (STANDARD, SCREEN_AUDIO, [("TR_m", "who", False, False)]),
        (INGRESS, MICROPHONE, [("TR_m", "who", False, False)]),
        (AGENT, MICROPHONE, []),
    ],
)
def test_people_are_heard_and_what_else_sounds_is_only_recorded(
    kind: Any, source: Any, followed: list[tuple[str, str, bool, bool]]
) -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        publication = room.publish("who", Publication("TR_m", source), kind)
        person = room.remote_participants["who"]
        track = Track(rtc.TrackKind.KIND_AUDIO)
        room.emit("track_subscribed", track, publication, person)
        room.emit("track_subscribed", track, publication, person)
        assert room.sounds.followed == followed
        room.emit("track_unsubscribed", track, publication, person)
        assert room.sounds.unfollowed == [track for track, *_ in followed]

    in_a_room(scene)


def test_who_mutes_and_unmutes_is_told_on() -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        microphone = room.publish("maya", Publication("TR_m", MICROPHONE, muted=True))
        track = Track(rtc.TrackKind.KIND_AUDIO)
        room.emit("track_subscribed", track, microphone, room.remote_participants["maya"])
        assert room.sounds.followed == [("TR_m", "maya", True, True)]
        for muted in (False, True):
            room.mute("maya", microphone, muted=muted)
            assert room.sounds.muted == {"TR_m": muted}

    in_a_room(scene)


def test_a_microphone_is_told_once_from_its_start_to_its_end() -> None:
    async def scene(room: Room) -> None:
        track = Track(rtc.TrackKind.KIND_AUDIO)
        microphone = room.publish("maya", Publication("TR_m", MICROPHONE, track=track))
        room.tracks.follow()
        person = room.remote_participants["maya"]
        room.emit("track_subscribed", track, microphone, person)
        room.emit("track_unsubscribed", track, microphone, person)
        assert room.stage.sink.fields("track.started") == [
            {"track": "TR_m", "participant": "maya", "source": "microphone", "kind": "audio"}
        ]
        assert room.stage.sink.fields("track.ended") == [{"track": "TR_m", "kind": "audio"}]

    in_a_room(scene)


def test_after_its_end_nothing_is_subscribed_to_or_followed() -> None:
    async def scene(room: Room) -> None:
        room.tracks.follow()
        await room.tracks.close()
        microphone = room.publish("maya", Publication("TR_m", MICROPHONE))
        person = room.remote_participants["maya"]
        room.emit("track_subscribed", Track(rtc.TrackKind.KIND_AUDIO), microphone, person)
        assert (microphone.asked, room.sounds.followed) == ([], [])

    in_a_room(scene)
