"""When nobody is left to think, hear or speak, the agent says so as it can, and leaves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from livekit.agents import (
    AgentStateChangedEvent,
    APIConnectionError,
    ErrorEvent,
    UserInputTranscribedEvent,
    llm,
    stt,
    tts,
)
from tests.fakes.clock import run_virtually

from meetctl.agent.farewell import FAILURES, REASONS, SAY_LIMIT_S, SENTENCES, Farewell

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.agent.providers import Use

ERRORS: dict[Use, type[llm.LLMError] | type[stt.STTError] | type[tts.TTSError]] = {
    "llm": llm.LLMError,
    "stt": stt.STTError,
    "tts": tts.TTSError,
}


@dataclass
class Output:
    audio_enabled: bool = True


class Room:
    """A session whose voice the test decides on, and everything that reaches people."""

    def __init__(self, speak: Callable[[], Any] | None = None) -> None:
        self.events: rtc.EventEmitter[str] = rtc.EventEmitter()
        self.said: list[str] = []
        self.written: list[str] = []
        self.reasons: list[str] = []
        self.output = Output()
        self._speak = speak
        self.farewell = Farewell(write=self._write, leave=self._leave)
        self.farewell.follow(cast("Any", self))

    def on(self, event: str, listener: Callable[..., Any]) -> None:
        self.events.on(event, listener)

    async def say(self, text: str, *, allow_interruptions: bool) -> None:
        assert not allow_interruptions
        self.said.append(text)
        if self._speak is not None:
            await self._speak()

    async def _write(self, text: str) -> None:
        self.written.append(text)

    def _leave(self, reason: str) -> None:
        self.reasons.append(reason)

    def fail(self, use: Use, times: int = 1, *, recoverable: bool = False) -> None:
        for _ in range(times):
            error = ERRORS[use](timestamp=0, label="x", error=APIConnectionError(), recoverable=recoverable)
            self.events.emit("error", ErrorEvent(error=error, source=None))

    def speak(self) -> None:
        self.events.emit(
            "agent_state_changed", AgentStateChangedEvent(old_state="thinking", new_state="speaking")
        )

    def hear(self, text: str) -> None:
        self.events.emit("user_input_transcribed", UserInputTranscribedEvent(transcript=text, is_final=False))

    async def settle(self) -> None:
        """Let everything happen that happens in the next minute."""
        await asyncio.sleep(60)


@pytest.mark.parametrize("use", ["llm", "stt"])
def test_without_model_or_ears_it_says_so_and_leaves(use: Use) -> None:
    async def run() -> None:
        room = Room()
        room.fail(use, FAILURES[use] - 1)
        await room.settle()
        assert (room.said, room.reasons) == ([], [])
        room.fail(use)
        await room.settle()
        assert (room.said, room.written, room.reasons) == ([SENTENCES[use]], [], [REASONS[use]])

    run_virtually(run())


def test_without_a_voice_it_writes_and_leaves() -> None:
    async def run() -> None:
        room = Room()
        room.fail("tts", FAILURES["tts"])
        await room.settle()
        assert (room.said, room.written, room.reasons) == ([], [SENTENCES["tts"]], [REASONS["tts"]])

    run_virtually(run())


def test_a_voice_that_is_off_leaves_it_to_writing() -> None:
    async def run() -> None:
        room = Room()
        room.output.audio_enabled = False
        room.fail("llm", FAILURES["llm"])
        await room.settle()
        assert (room.said, room.written, room.reasons) == ([], [SENTENCES["llm"]], [REASONS["llm"]])

    run_virtually(run())


def test_it_leaves_once() -> None:
    async def run() -> None:
        room = Room()
        room.fail("llm", 9)
        room.fail("stt", 9)
        await room.settle()
        assert room.reasons == [REASONS["llm"]]

    run_virtually(run())


def test_a_voice_that_fails_with_the_farewell_leaves_it_to_writing() -> None:
    async def run() -> None:
        async def fail_to_speak() -> None:
            room.fail("tts")

        room = Room(fail_to_speak)
        room.fail("llm", FAILURES["llm"])
        await room.settle()
        assert room.said == room.written == [SENTENCES["llm"]]
        assert room.reasons == [REASONS["llm"]]

    run_virtually(run())


def test_a_voice_that_has_just_failed_is_not_asked() -> None:
    async def run() -> None:
        room = Room()
        room.fail("tts")
        room.fail("stt", FAILURES["stt"])
        await room.settle()
        assert (room.said, room.written) == ([], [SENTENCES["stt"]])

    run_virtually(run())


def test_a_voice_that_never_ends_does_not_keep_it_there() -> None:
    async def run() -> None:
        async def hang() -> None:
            await asyncio.sleep(SAY_LIMIT_S * 2)

        room = Room(hang)
        room.fail("llm", FAILURES["llm"])
        await room.settle()
        assert room.written == [SENTENCES["llm"]]
        assert room.reasons == [REASONS["llm"]]

    run_virtually(run())


def test_a_session_that_is_closing_does_not_keep_it_there() -> None:
    async def run() -> None:
        async def refuse() -> None:
            raise RuntimeError("AgentSession is closing, cannot use say()")

        room = Room(refuse)
        room.fail("llm", FAILURES["llm"])
        await room.settle()
        assert room.reasons == [REASONS["llm"]]

    run_virtually(run())


@pytest.mark.parametrize("hangs", [True, False])
def test_a_room_that_takes_no_text_does_not_keep_it_there(hangs: bool) -> None:
    async def run() -> None:
        async def write(_: str) -> None:
            if hangs:
                await asyncio.Event().wait()
            raise ConnectionError

        reasons: list[str] = []
        room = Room()
        farewell = Farewell(write=write, leave=reasons.append)
        farewell.follow(cast("Any", room))
        room.fail("tts", FAILURES["tts"])
        await room.settle()
        assert reasons == [REASONS["tts"]]

    run_virtually(run())


def test_it_takes_leave_for_other_reasons_too_and_still_once() -> None:
    async def run() -> None:
        room = Room()
        room.farewell.go("I have to go.", "the budget is used up")
        room.farewell.go("I have to go again.", "something else")
        await room.settle()
        assert (room.said, room.written) == (["I have to go."], [])
        assert room.reasons == ["the budget is used up"]

    run_virtually(run())


@pytest.mark.parametrize("use", ["llm", "tts"])
def test_spoken_words_prove_model_and_voice(use: Use) -> None:
    async def run() -> None:
        room = Room()
        for _ in range(3):
            room.fail(use, FAILURES[use] - 1)
            room.speak()
        await room.settle()
        assert room.reasons == []

    run_virtually(run())


def test_heard_words_prove_the_ears_and_nothing_else() -> None:
    async def run() -> None:
        room = Room()
        room.fail("stt", FAILURES["stt"] - 1)
        room.hear("")
        room.hear("hello")
        room.fail("stt", FAILURES["stt"] - 1)
        room.speak()
        await room.settle()
        assert room.reasons == []
        room.fail("stt")
        await room.settle()
        assert room.reasons == [REASONS["stt"]]

    run_virtually(run())


def test_what_is_tried_again_does_not_count() -> None:
    async def run() -> None:
        room = Room()
        for use in ERRORS:
            room.fail(use, 99, recoverable=True)
        await room.settle()
        assert room.reasons == []

    run_virtually(run())


def test_a_meeting_that_ends_ends_the_farewell() -> None:
    async def run() -> None:
        async def hang() -> None:
            await asyncio.Event().wait()

        room = Room(hang)
        await room.farewell.close()
        room.fail("llm", FAILURES["llm"])
        await asyncio.sleep(1)
        assert room.said
        await room.farewell.close()
        await room.settle()
        assert (room.written, room.reasons) == ([], [])

    run_virtually(run())
