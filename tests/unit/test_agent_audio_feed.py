"""Each audio track is received once, recorded where there is a recording, and heard if it is a person's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.meeting_recorder import InMemoryMeetingRecorder

from meetctl.agent.audio_feed import AudioFeed
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.room_ears import RoomEars
from meetctl.agent.rtc_audio import BLOCK_MS, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

SAMPLES = SAMPLE_RATE * BLOCK_MS // 1000
LOUD = rtc.AudioFrame(np.full(SAMPLES, 5000, np.int16).tobytes(), SAMPLE_RATE, 1, SAMPLES)


async def talk(pieces: int = 10_000) -> AsyncIterator[rtc.AudioFrame]:
    for _ in range(pieces):
        await asyncio.sleep(BLOCK_MS / 1000)
        yield LOUD


async def break_off() -> AsyncIterator[rtc.AudioFrame]:
    yield LOUD
    raise RuntimeError("the track is broken")


class Room:
    """A feed, its ears, and its recording."""

    def __init__(self, recorder: InMemoryMeetingRecorder | None) -> None:
        self.recorder = recorder
        self.levels: list[Mapping[str, float]] = []
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.media = MediaClock(LoopClock())
        self.ears = RoomEars(listener=self.levels.append)
        self.ears.on_attached()
        self.feed = AudioFeed(
            media_clock=self.media, recorder=recorder, ears=self.ears, journal=MeetingJournal(self.sink)
        )

    def follow(self, track: str, sound: AsyncIterator[rtc.AudioFrame], *, is_heard: bool = True) -> None:
        self.feed.follow(track, track, sound, is_heard=is_heard, is_muted=False)

    def heard(self, who: str) -> int:
        return sum(who in levels for levels in self.levels)


def in_a_room(
    scene: Callable[[Room], Coroutine[Any, Any, None]], *, recorder: InMemoryMeetingRecorder | None = None
) -> None:
    async def play() -> None:
        room = Room(recorder)
        await scene(room)
        await room.feed.close()
        await room.ears.aclose()
        tasks = {task for task in asyncio.all_tasks() if task.get_name().startswith("audio-")}
        assert not tasks

    run_virtually(play())


def test_a_microphone_is_recorded_and_heard_from_one_stream() -> None:
    recorder = InMemoryMeetingRecorder()

    async def scene(room: Room) -> None:
        room.follow("maya", talk())
        await asyncio.sleep(1.01)
        assert room.heard("maya") == len(recorder.voices["maya"]) == 20

    in_a_room(scene, recorder=recorder)


def test_what_is_only_recorded_is_not_heard() -> None:
    recorder = InMemoryMeetingRecorder()

    async def scene(room: Room) -> None:
        room.follow("screen", talk(), is_heard=False)
        await asyncio.sleep(1.01)
        assert len(recorder.voices["screen"]) == 20
        assert room.levels == []

    in_a_room(scene, recorder=recorder)


def test_without_a_recording_people_are_heard_all_the_same_and_sound_begins_the_meeting() -> None:
    async def scene(room: Room) -> None:
        room.follow("maya", talk())
        await asyncio.sleep(1.01)
        assert room.heard("maya") == 20
        assert room.media.now_us() > 900_000

    in_a_room(scene)


def test_a_track_that_stops_and_comes_back_at_once_is_heard_again() -> None:
    async def scene(room: Room) -> None:
        room.follow("maya", talk())
        await asyncio.sleep(1.01)
        room.feed.unfollow("maya")
        room.follow("maya", talk())
        await asyncio.sleep(1.01)
        assert room.heard("maya") == 40
        room.feed.unfollow("maya")
        room.feed.unfollow("maya")
        await asyncio.sleep(1)
        assert room.heard("maya") == 40

    in_a_room(scene)


def test_a_stream_that_breaks_is_told_and_everybody_else_is_heard() -> None:
    async def scene(room: Room) -> None:
        room.follow("maya", break_off())
        room.follow("noor", talk())
        await asyncio.sleep(1.01)
        assert room.sink.fields("error") == [{"component": "audio track", "error": "RuntimeError"}]
        assert room.heard("noor") == 20

    in_a_room(scene)


def test_a_stream_that_ends_is_not_waited_for() -> None:
    async def scene(room: Room) -> None:
        room.follow("maya", talk(10))
        room.follow("noor", talk())
        await asyncio.sleep(1.01)
        assert (room.heard("maya"), room.heard("noor")) == (10, 20)

    in_a_room(scene)
