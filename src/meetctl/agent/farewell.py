"""What the agent does when all providers of a use have failed: it says what it can, and leaves."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from livekit.agents import (
        AgentSession,
        AgentStateChangedEvent,
        ErrorEvent,
        UserInputTranscribedEvent,
    )

    from meetctl.agent.providers import Use

logger = logging.getLogger(__name__)

FAILURES: Mapping[Use, int] = {"llm": 3, "stt": 6, "tts": 3}
"""How many failures in a row, each after all providers and tries, mean that a use is gone.

A person waits for each failure of the model and of the voice. The ears are tried again without anybody
waiting, some seconds apart, so they get more time to come back.
"""
SENTENCES: Mapping[Use, str] = {
    "llm": "I am sorry, I cannot think of answers at the moment, so I have to leave the meeting.",
    "stt": "I am sorry, I cannot hear you at the moment, so I have to leave the meeting.",
    "tts": "I am sorry, I have lost my voice, so I have to leave the meeting.",
}
REASONS: Mapping[Use, str] = {
    "llm": "the model failed",
    "stt": "speech recognition failed",
    "tts": "the voice failed",
}
"""Why the agent left, as the journal has it."""

SAY_LIMIT_S = 20.0
WRITE_LIMIT_S = 5.0

_USES: Mapping[str, Use] = {"llm_error": "llm", "stt_error": "stt", "tts_error": "tts"}


class Farewell:
    """Counts failures in a row by use; at the limit it takes leave, by voice or else in writing.

    What is recoverable does not count: it is tried again. Words that were heard prove the ears, and words
    that were spoken prove the model and the voice, as they do for livekit-agents.
    """

    def __init__(self, *, write: Callable[[str], Awaitable[object]], leave: Callable[[str], None]) -> None:
        """Write to everybody in the room with `write`, and end the stay with `leave`, told the reason."""
        self._write = write
        self._leave = leave
        self._session: AgentSession[Any] | None = None
        self._failures: dict[Use, int] = {}
        self._leaving: asyncio.Task[None] | None = None

    def follow(self, session: AgentSession[Any]) -> None:
        """Count what fails in the session from now on."""
        self._session = session
        session.on("error", self._count)
        session.on("agent_state_changed", self._speak)
        session.on("user_input_transcribed", self._hear)

    def go(self, sentence: str, reason: str) -> None:
        """Say a sentence, or write it where there is no voice, and leave for a reason; does not block."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._take_leave(sentence, reason), name="farewell")

    async def close(self) -> None:
        """Say nothing more; the meeting is over."""
        if self._leaving is not None and self._leaving is not asyncio.current_task():
            self._leaving.cancel()
            await asyncio.wait([self._leaving])

    def _count(self, event: ErrorEvent) -> None:
        use = _USES.get(getattr(event.error, "type", ""))
        if use is None or getattr(event.error, "recoverable", True):
            return
        failures = self._failures[use] = self._failures.get(use, 0) + 1
        if failures >= FAILURES[use] and self._leaving is None:
            logger.error("%s %d times in a row; the agent leaves", REASONS[use], failures)
            self.go(SENTENCES[use], REASONS[use])

    def _speak(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._failures.pop("llm", None)
            self._failures.pop("tts", None)

    def _hear(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript:
            self._failures.pop("stt", None)

    async def _take_leave(self, sentence: str, reason: str) -> None:
        if not await self._say(sentence):
            await self._put_in_writing(sentence)
        self._leave(reason)

    async def _say(self, sentence: str) -> bool:
        """Say a sentence to its end; tell whether the voice did."""
        if self._session is None or not self._session.output.audio_enabled or self._failures.get("tts"):
            # Nobody would hear it, or everybody would wait for another failure of the voice.
            return False
        try:
            async with asyncio.timeout(SAY_LIMIT_S):
                await self._session.say(sentence, allow_interruptions=False)
        except Exception:
            # Whatever keeps the voice from speaking, the agent can still write.
            logger.exception("the farewell could not be said")
            return False
        return not self._failures.get("tts")

    async def _put_in_writing(self, sentence: str) -> None:
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self._write(sentence)
        except Exception:
            # Whatever keeps text from the room, the agent leaves.
            logger.exception("the farewell could not be written")
