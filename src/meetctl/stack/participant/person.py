"""A person made of code, in a real LiveKit room."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from livekit import rtc

from meetctl.adapters.system_clock import SystemClock
from meetctl.errors import ServiceError, UsageError
from meetctl.stack.participant.connection import connect, disconnect_reason
from meetctl.stack.participant.listener import AgentListener
from meetctl.stack.participant.microphone import Microphone
from meetctl.stack.participant.report import Answer, Exchange, PersonReport
from meetctl.stack.participant.screen import ScreenShare
from meetctl.stack.participant.voice import SAMPLE_RATE, Voice, synthesize

if TYPE_CHECKING:
    from meetctl.ports import Clock
    from meetctl.stack.participant.ear import Ear
    from meetctl.stack.participant.pictures import PictureSource

ANSWER_TIMEOUT_S = 20.0
LONGEST_ANSWER_S = 60.0
CUT_TIMEOUT_S = 3.0
"""How long to listen for whether the agent lets itself be interrupted."""

_POLL_S = 0.05
_TRANSCRIPTION_S = 0.3
"""A transcription may end a moment after the sound that it transcribes."""


class ScriptedPerson:
    """Joins a room as a person would: shares screens, speaks, and hears what the agent answers.

    What goes wrong on the agent's side raises nothing; it stands in the report. A person may leave and
    join again, into any room.

        async with ScriptedPerson("maya", "Maya") as maya:
            await maya.join(url, token)
            greeting = await maya.wait_for_answer()
            slides = SlidePictures()
            share = await maya.share_screen(slides)
            await maya.speak("Hello, can you see my screen?")
            answer = await maya.wait_for_answer()
            if answer is not None:
                ...  # answer.text, answer.first_audio_s
            slides.show_next()
            await share.stop()
        report = maya.report()
    """

    def __init__(
        self,
        identity: str,
        name: str,
        *,
        voice: Voice | None = None,
        listens_to: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Make a person; it listens to agents, or to the participant whose identity is `listens_to`."""
        self.identity = identity
        self.name = name
        self._voice = voice or Voice()
        self._listens_to = listens_to
        self._clock = clock or SystemClock()
        self._room: rtc.Room | None = None
        self._ended: str | None = None
        self._listener: AgentListener | None = None
        self._microphone: Microphone | None = None
        self._shares: list[ScreenShare] = []
        self._joined_s: float | None = None
        self._greeting: Answer | None = None
        self._exchanges: list[Exchange] = []
        self._problems: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.leave()

    async def join(self, url: str, token: str) -> None:
        """Join the room that the token names, with an open microphone.

        Raises:
            ServiceError: The LiveKit server cannot be reached, or refuses the token or the microphone.
            UsageError: The person is in a room already.
        """
        if self._room is not None:
            raise UsageError(f"{self.identity} is in a room already", hint="leave it first")
        room = rtc.Room()
        room.on("disconnected", self._on_disconnected)
        self._ended = None
        listener = AgentListener(room, self.identity, self._listens_to, self._clock)
        await connect(room, url, token, self.identity)
        self._room, self._listener = room, listener
        if self._joined_s is None:
            self._joined_s = self._clock.monotonic()
        listener.open()
        self._microphone = Microphone(room, self._clock)
        await self._microphone.open()

    async def leave(self) -> None:
        """Stop sharing, and leave; a person who is in no room does nothing."""
        room, self._room = self._room, None
        if room is None:
            return
        shares, self._shares = self._shares, []
        async with AsyncExitStack() as stack:
            stack.push_async_callback(room.disconnect)
            if self._listener is not None:
                stack.push_async_callback(self._listener.close)
            if self._microphone is not None:
                stack.push_async_callback(self._microphone.close)
            for share in shares:
                stack.push_async_callback(share.stop)

    async def share_screen(self, pictures: PictureSource, fps: float = 30.0) -> ScreenShare:
        """Share another screen, until its `stop` or until the person leaves.

        Raises:
            MeetctlError: The source has nothing to show.
            ServiceError: The person is not in a room, or the LiveKit server refuses the track.
            UsageError: The rate is none.
        """
        if not 0 < fps <= 60:
            raise UsageError(
                f"a screen cannot be shared at {fps:g} frames a second", hint="from above 0 to 60"
            )
        share = ScreenShare(self._connected(), pictures, fps, self._clock, self._problems.append)
        await share.start()
        self._shares.append(share)
        return share

    async def speak(self, text: str) -> None:
        """Say `text`, and return when its last sample was played.

        Raises:
            ServiceError: The person is not in a room, or no longer.
            MeetctlError: There is no voice on this machine, or it cannot speak this.
        """
        self._connected()
        samples = await asyncio.to_thread(synthesize, text, self._voice)
        microphone, ear = self._parts()
        begin_s = self._clock.monotonic()
        ear.begin_speech(begin_s)
        try:
            ear.end_speech(await microphone.play(samples))
        finally:
            self._exchanges.append(
                Exchange(
                    said=text,
                    at_s=begin_s - (self._joined_s or begin_s),
                    speech_s=len(samples) / SAMPLE_RATE,
                    understood="",
                    answer=None,
                )
            )

    async def wait_for_answer(self, timeout_s: float = ANSWER_TIMEOUT_S) -> Answer | None:
        """Listen until the agent has answered what was said last, or has greeted when nothing was said.

        An answer ends when the agent's state goes back to listening, or after 1.5 s of silence. None, and
        a problem in the report, when none begins within `timeout_s`.

        Raises:
            ServiceError: The person is not in a room, or the connection ends meanwhile.
        """
        _, ear = self._parts()
        if not await self._wait_until_begun(ear, timeout_s):
            written = f', though it wrote "{ear.written}"' if ear.written else ""
            self._problems.append(f"no answer within {timeout_s:g} s {self._to_what()}{written}")
            self._note_answer(None)
            return None
        give_up_s = self._clock.monotonic() + LONGEST_ANSWER_S
        while not ear.is_over(self._clock.monotonic()):
            if self._clock.monotonic() >= give_up_s:
                self._problems.append(
                    f"an answer still going on after {LONGEST_ANSWER_S:g} s {self._to_what()}"
                )
                break
            await self._pause()
        await asyncio.sleep(_TRANSCRIPTION_S)
        answer = ear.take_answer()
        self._note_answer(answer)
        return answer

    async def interrupt_with(self, text: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Answer | None:
        """Wait until the agent speaks, say `text` over it, and return what it was saying.

        Whether it let itself be interrupted stands in the answer returned; its answer to `text`, if there is
        one, comes from `wait_for_answer`. None, and a problem in the report, when it said nothing within
        `timeout_s`; then `text` is not said.

        Raises:
            ServiceError: The person is not in a room, or the connection ends meanwhile.
            MeetctlError: There is no voice on this machine, or it cannot speak this.
        """
        if not await self.wait_until_agent_speaks(timeout_s):
            self._problems.append(
                f'nothing to interrupt with "{text}": the agent was silent for {timeout_s:g} s'
            )
            return None
        await self.speak(text)
        _, ear = self._parts()
        give_up_s = self._clock.monotonic() + CUT_TIMEOUT_S
        while (cut := ear.interrupted_answer(self._clock.monotonic())) is None:
            if self._clock.monotonic() >= give_up_s:
                self._problems.append(f'the agent did not stop speaking for "{text}"')
                return None
            await self._pause()
        self._exchanges[-1] = replace(self._exchanges[-1], interrupted=cut)
        return cut

    async def wait_until_agent_speaks(self, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
        """Listen until the agent is audible; False when it is not within `timeout_s`.

        Raises:
            ServiceError: The person is not in a room, or the connection ends meanwhile.
        """
        _, ear = self._parts()
        give_up_s = self._clock.monotonic() + timeout_s
        while not ear.is_audible(self._clock.monotonic()):
            if self._clock.monotonic() >= give_up_s:
                return False
            await self._pause()
        return True

    def report(self) -> PersonReport:
        """Return what was said, heard and amiss so far."""
        return PersonReport(
            identity=self.identity,
            name=self.name,
            greeting=self._greeting,
            exchanges=tuple(self._exchanges),
            problems=tuple(self._problems),
        )

    async def _wait_until_begun(self, ear: Ear, timeout_s: float) -> bool:
        give_up_s = self._clock.monotonic() + timeout_s
        while not ear.has_begun:
            if self._clock.monotonic() >= give_up_s:
                return False
            await self._pause()
        return True

    async def _pause(self) -> None:
        await asyncio.sleep(_POLL_S)
        self._connected()

    def _note_answer(self, answer: Answer | None) -> None:
        _, ear = self._parts()
        if self._exchanges:
            self._exchanges[-1] = replace(self._exchanges[-1], answer=answer, understood=ear.understood)
        else:
            self._greeting = answer

    def _to_what(self) -> str:
        return f'to "{self._exchanges[-1].said}"' if self._exchanges else "after joining"

    def _connected(self) -> rtc.Room:
        if self._room is None:
            raise ServiceError(f"{self.identity} is in no room", hint="join one first")
        if self._ended is not None:
            raise ServiceError(f"the LiveKit server ended the connection of {self.identity}: {self._ended}")
        return self._room

    def _parts(self) -> tuple[Microphone, Ear]:
        self._connected()
        if self._microphone is None or self._listener is None:
            raise ServiceError(f"{self.identity} is in no room", hint="join one first")
        return self._microphone, self._listener.ear

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if self._room is not None:
            self._ended = disconnect_reason(reason)
            self._problems.append(f"the connection ended: {self._ended}")
