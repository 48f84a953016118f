"""People's words in the room, each under the name of whoever said them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents.types import (
    ATTRIBUTE_TRANSCRIPTION_FINAL,
    ATTRIBUTE_TRANSCRIPTION_SEGMENT_ID,
    ATTRIBUTE_TRANSCRIPTION_TRACK_ID,
    TOPIC_TRANSCRIPTION,
)
from livekit.agents.utils import shortuuid

if TYPE_CHECKING:
    from livekit.agents.voice.room_io import RoomIO

logger = logging.getLogger(__name__)

_SEND_LIMIT_S = 5.0
"""A connection that is just being lost may keep a message for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caption:
    segment: str
    identity: str
    text: str
    is_final: bool


class RoomCaptions:
    """Publishes transcriptions as livekit-agents does, but of any person, and not only of the first one."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._segment = ""
        self._identity: str | None = None
        self._waiting: deque[_Caption] = deque()
        self._is_waiting = asyncio.Event()
        self._tasks = [asyncio.create_task(self._send_all(), name="captions")]

    def replace(self, room_io: RoomIO) -> None:
        """Keep livekit-agents from publishing everybody's words as those of the first person."""
        self._tasks.append(asyncio.create_task(_unlink(room_io), name="captions-unlink"))

    def show(self, identity: str, text: str, *, is_final: bool) -> None:
        """Show all words of an utterance that are known so far.

        Where it turns out that somebody else says them, they are taken back from the first one.
        """
        if self._identity is not None and self._identity != identity:
            self._add(self._identity, "", is_final=True)
        if self._identity != identity:
            self._segment = shortuuid("SG_")
        self._add(identity, text, is_final=is_final)
        self._identity = None if is_final else identity

    async def close(self) -> None:
        """Show nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def _add(self, identity: str, text: str, *, is_final: bool) -> None:
        caption = _Caption(segment=self._segment, identity=identity, text=text, is_final=is_final)
        if self._waiting and self._waiting[-1].segment == caption.segment:
            # Each shows the whole utterance, so what has not been sent yet need not be.
            self._waiting.pop()
        self._waiting.append(caption)
        self._is_waiting.set()

    async def _send_all(self) -> None:
        while True:
            await self._is_waiting.wait()
            self._is_waiting.clear()
            while self._waiting:
                caption = self._waiting.popleft()
                try:
                    async with asyncio.timeout(_SEND_LIMIT_S):
                        await self._send(caption)
                except (ConnectionError, RuntimeError, TimeoutError) as error:
                    # A caption that gets lost stops neither the next one nor the meeting.
                    logger.warning("a caption was not published: %s", type(error).__name__)

    async def _send(self, caption: _Caption) -> None:
        if not self._room.isconnected():
            return
        attributes = {
            ATTRIBUTE_TRANSCRIPTION_SEGMENT_ID: caption.segment,
            ATTRIBUTE_TRANSCRIPTION_FINAL: "true" if caption.is_final else "false",
        }
        if track := self._microphone_of(caption.identity):
            attributes[ATTRIBUTE_TRANSCRIPTION_TRACK_ID] = track
        writer = await self._room.local_participant.stream_text(
            topic=TOPIC_TRANSCRIPTION, sender_identity=caption.identity, attributes=attributes
        )
        await writer.write(caption.text)
        await writer.aclose()

    def _microphone_of(self, identity: str) -> str | None:
        participant = self._room.remote_participants.get(identity)
        publications = participant.track_publications.values() if participant is not None else ()
        for publication in publications:
            if publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
                return publication.sid
        return None


async def _unlink(room_io: RoomIO) -> None:
    """Wait until the agent's own voice has begun, which needs a linked person, and let go of that person."""
    await room_io.wait_for_ready()
    room_io.unset_participant()
