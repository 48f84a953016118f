"""Captions: everybody's words under their own name, each utterance one segment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from tests.fakes.clock import run_virtually

from meetctl.agent.captions import RoomCaptions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from livekit.agents.voice.room_io import RoomIO


@dataclass(slots=True)
class Publication:
    sid: str
    source: Any = rtc.TrackSource.SOURCE_MICROPHONE


@dataclass(slots=True)
class Person:
    track_publications: dict[str, Publication]


@dataclass(slots=True)
class Writer:
    """One text stream, as the room gets it."""

    sender: str
    attributes: Mapping[str, str]
    text: str = ""

    async def write(self, text: str) -> None:
        self.text += text

    async def aclose(self) -> None:
        await asyncio.sleep(0)


@dataclass(slots=True)
class Room:
    """A room with Maya in it, and what it was sent."""

    streams: list[Writer] = field(default_factory=list)
    is_connected: bool = True
    failures: int = 0
    delay_s: float = 0.0

    @property
    def remote_participants(self) -> dict[str, Person]:
        camera = Publication("TR_c", rtc.TrackSource.SOURCE_CAMERA)
        return {"maya": Person({"TR_c": camera, "TR_m": Publication("TR_m")})}

    @property
    def local_participant(self) -> Room:
        return self

    def isconnected(self) -> bool:
        return self.is_connected

    async def stream_text(self, *, topic: str, sender_identity: str, attributes: Mapping[str, str]) -> Writer:
        assert topic == "lk.transcription"
        await asyncio.sleep(self.delay_s)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("lost")
        writer = Writer(sender_identity, attributes)
        self.streams.append(writer)
        return writer

    @property
    def shown(self) -> list[tuple[str, str, str]]:
        """Each stream's sender, text and whether it is final."""
        return [(one.sender, one.text, one.attributes["lk.transcription_final"]) for one in self.streams]

    @property
    def segments(self) -> list[str]:
        return [one.attributes["lk.segment_id"] for one in self.streams]


def with_captions(scene: Callable[[Room, RoomCaptions], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        room = Room()
        captions = RoomCaptions(cast("rtc.Room", room))
        await scene(room, captions)
        await captions.close()

    run_virtually(play())


async def settle() -> None:
    await asyncio.sleep(1)


def test_an_utterance_grows_in_one_segment_under_its_speaker() -> None:
    async def scene(room: Room, captions: RoomCaptions) -> None:
        for text, is_final in (("What", False), ("What is", False), ("What is it?", True)):
            captions.show("maya", text, is_final=is_final)
            await settle()
        captions.show("noor", "Look.", is_final=True)
        await settle()
        assert room.shown == [
            ("maya", "What", "false"),
            ("maya", "What is", "false"),
            ("maya", "What is it?", "true"),
            ("noor", "Look.", "true"),
        ]
        first, second, third, other = room.segments
        assert first == second == third != other
        assert room.streams[0].attributes["lk.transcribed_track_id"] == "TR_m"
        assert "lk.transcribed_track_id" not in room.streams[-1].attributes

    with_captions(scene)


def test_words_that_turn_out_to_be_somebody_elses_are_taken_back() -> None:
    async def scene(room: Room, captions: RoomCaptions) -> None:
        captions.show("maya", "What", is_final=False)
        await settle()
        captions.show("noor", "What is it?", is_final=True)
        await settle()
        assert room.shown == [
            ("maya", "What", "false"),
            ("maya", "", "true"),
            ("noor", "What is it?", "true"),
        ]
        first, second, third = room.segments
        assert first == second != third

    with_captions(scene)


def test_a_slow_room_gets_the_newest_words_only() -> None:
    async def scene(room: Room, captions: RoomCaptions) -> None:
        room.delay_s = 1
        for length in range(1, 20):
            captions.show("maya", "word " * length, is_final=length == 19)
            await asyncio.sleep(0.1)
        await asyncio.sleep(10)
        assert len(room.streams) <= 4
        assert room.shown[-1] == ("maya", "word " * 19, "true")

    with_captions(scene)


def test_a_caption_that_gets_lost_does_not_stop_the_next() -> None:
    async def scene(room: Room, captions: RoomCaptions) -> None:
        room.failures = 1
        captions.show("maya", "One.", is_final=True)
        await settle()
        room.delay_s = 3600
        captions.show("maya", "Two.", is_final=True)
        await asyncio.sleep(10)
        room.delay_s = 0
        room.is_connected = False
        captions.show("maya", "Three.", is_final=True)
        await settle()
        room.is_connected = True
        captions.show("maya", "Four.", is_final=True)
        await settle()
        assert [text for _, text, _ in room.shown] == ["Four."]

    with_captions(scene)


class FirstPersonsRoom:
    """What captions ask of livekit-agents' own: not to publish everybody as the first person."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.ready = asyncio.Event()

    async def wait_for_ready(self) -> None:
        await self.ready.wait()
        self.calls.append("ready")

    def unset_participant(self) -> None:
        self.calls.append("unset")


def test_livekits_own_captions_end_once_the_agents_voice_has_begun() -> None:
    async def scene(room: Room, captions: RoomCaptions) -> None:
        room_io = FirstPersonsRoom()
        captions.replace(cast("RoomIO", room_io))
        await settle()
        assert room_io.calls == []
        room_io.ready.set()
        await settle()
        assert room_io.calls == ["ready", "unset"]
        assert room.streams == []

    with_captions(scene)
