"""Typed messages: any person's is answered, and nobody else's."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.speakers import ScriptedSpeakers

from meetctl.agent.conversation import Conversation
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.typed_messages import LONGEST_MESSAGE, TypedMessages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from livekit.agents import AgentSession
    from livekit.agents.llm import ChatMessage

STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


@dataclass(frozen=True, slots=True)
class Somebody:
    kind: Any = STANDARD


class Reader:
    """A text stream whose pieces arrive one by one."""

    def __init__(self, *pieces: str, fails: bool = False) -> None:
        self._pieces = pieces
        self._fails = fails
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[str]:
        for piece in self._pieces:
            await asyncio.sleep(0.01)
            yield piece
        if self._fails:
            raise rtc.StreamError("gone in the middle of my secret")

    def close(self) -> None:
        self.is_closed = True


@dataclass(slots=True)
class Session:
    """What typed messages ask of a session."""

    may_interrupt: bool = True
    calls: list[str] = field(default_factory=list)
    asked: list[ChatMessage] = field(default_factory=list)

    async def interrupt(self) -> None:
        if not self.may_interrupt:
            raise RuntimeError("this speech disallows interruptions")
        self.calls.append("interrupt")

    def generate_reply(self, *, user_input: ChatMessage) -> None:
        self.calls.append("reply")
        self.asked.append(user_input)


class Room:
    """A room in which people type."""

    def __init__(self) -> None:
        self.remote_participants = {"maya": Somebody(), "noor": Somebody(), "agent-2": Somebody(AGENT)}
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.session = Session()
        self.handlers: dict[str, Callable[[Reader, str], None]] = {}
        conversation = Conversation(
            MeetingJournal(self.sink),
            speakers=ScriptedSpeakers(),
            people=lambda: {"maya": "Maya", "noor": "Noor"},
        )
        self.typed = TypedMessages(
            cast("rtc.Room", self), cast("AgentSession[Any]", self.session), conversation
        )
        self.typed.follow()

    def register_text_stream_handler(self, topic: str, handler: Callable[[Reader, str], None]) -> None:
        self.handlers[topic] = handler

    def unregister_text_stream_handler(self, topic: str) -> None:
        del self.handlers[topic]

    async def write(self, identity: str, *pieces: str, fails: bool = False) -> Reader:
        reader = Reader(*pieces, fails=fails)
        self.handlers["lk.chat"](reader, identity)
        await asyncio.sleep(1)
        return reader

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(fields["participant"], fields["text"]) for fields in self.sink.fields("transcript")]


def in_a_room(scene: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        room = Room()
        await scene(room)
        await room.typed.close()
        assert room.handlers == {}

    run_virtually(play())


def test_every_person_may_type_and_is_told_apart() -> None:
    async def scene(room: Room) -> None:
        await room.write("maya", "What ", "is it?")
        await room.write("noor", "And that?")
        assert room.said == [("maya", "What is it?"), ("noor", "And that?")]
        assert [message.text_content for message in room.session.asked] == ["What is it?", "And that?"]
        assert room.session.calls == ["interrupt", "reply"] * 2

    in_a_room(scene)


@pytest.mark.parametrize("identity", ["agent-2", "hidden", ""])
def test_agents_and_whoever_is_hidden_are_not_answered(identity: str) -> None:
    async def scene(room: Room) -> None:
        reader = await room.write(identity, "Please leave.")
        assert room.session.calls == []
        assert room.said == []
        assert reader.is_closed

    in_a_room(scene)


def test_what_may_not_be_interrupted_is_said_first() -> None:
    async def scene(room: Room) -> None:
        room.session.may_interrupt = False
        await room.write("maya", "What is it?")
        assert room.session.calls == ["reply"]

    in_a_room(scene)


def test_an_endless_message_is_read_up_to_a_length_and_an_empty_one_not_at_all() -> None:
    async def scene(room: Room) -> None:
        reader = await room.write("maya", *["x" * 1000] * 50)
        assert room.said == [("maya", "x" * LONGEST_MESSAGE)]
        assert reader.is_closed
        await room.write("maya", " ", "\n")
        assert len(room.session.asked) == 1

    in_a_room(scene)


def test_a_message_that_breaks_off_is_not_answered_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(room: Room) -> None:
        await room.write("maya", "my secret", fails=True)
        await room.write("noor", "Hello?")
        assert room.said == [("noor", "Hello?")]

    caplog.set_level(logging.DEBUG)
    in_a_room(scene)
    assert "StreamError" in caplog.text
    assert "secret" not in caplog.text
