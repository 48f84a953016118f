"""What people type to the agent: a message of any person is answered like spoken words."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from livekit.agents import llm
from livekit.agents.types import TOPIC_CHAT

from meetctl.agent.presence import is_person

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.agents import AgentSession

    from meetctl.agent.conversation import Conversation

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 4000
"""Characters of a message that are read."""
_READING_LIMIT_S = 30.0


class TypedMessages:
    """Takes the room's chat; livekit-agents itself listens to the first person only."""

    def __init__(self, room: rtc.Room, session: AgentSession[Any], conversation: Conversation) -> None:
        self._room = room
        self._session = session
        self._conversation = conversation
        self._reading: set[asyncio.Task[None]] = set()

    def follow(self) -> None:
        """Answer what is typed from now on; the session must have started without a text input of its own."""
        self._room.register_text_stream_handler(TOPIC_CHAT, self._receive)

    async def close(self) -> None:
        """Read nothing more."""
        self._room.unregister_text_stream_handler(TOPIC_CHAT)
        for task in self._reading:
            task.cancel()
        if self._reading:
            await asyncio.wait(self._reading)

    def _receive(self, reader: rtc.TextStreamReader, identity: str) -> None:
        participant = self._room.remote_participants.get(identity)
        if participant is None or not is_person(participant):
            # Who is hidden, or a machine, has no say in the meeting.
            reader.close()
            return
        task = asyncio.create_task(self._read(reader, identity), name="typed-message")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        try:
            async with asyncio.timeout(_READING_LIMIT_S):
                text = await _read_text(reader)
            if text:
                await self._answer(identity, text)
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            # One message that breaks off does not keep the next from being read; its text is not logged.
            logger.warning("a typed message was not answered: %s", type(error).__name__)

    async def _answer(self, identity: str, text: str) -> None:
        message = llm.ChatMessage(role="user", content=[text])
        with suppress(RuntimeError):
            # What may not be interrupted is said to its end first.
            await self._session.interrupt()
        self._conversation.read_typed(message.id, identity, text)
        self._session.generate_reply(user_input=message)


async def _read_text(reader: rtc.TextStreamReader) -> str:
    text = ""
    try:
        async for piece in reader:
            text += piece
            if len(text) >= LONGEST_MESSAGE:
                break
    finally:
        reader.close()
    return text[:LONGEST_MESSAGE].strip()
