"""What reaches an observer in a room, as one queue in the order in which it came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import DecodeError
from livekit import rtc
from livekit.protocol.agent_pb import agent_session as pb

SESSION_TOPIC = "lk.agent.session"
TRANSCRIPTION_TOPIC = "lk.transcription"
STATE_ATTRIBUTE = "lk.agent.state"

_FINAL_ATTRIBUTE = "lk.transcription_final"
_MESSAGE_LIMIT_S = 10.0
_UTTERANCE_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words of somebody, from `lk.transcription`."""

    identity: str
    text: str
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Somebody has joined."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """Somebody has left."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShown:
    """The agent's attributes say what it does."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The connection was lost for a moment; what was sent meanwhile did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection has ended."""

    is_over: bool
    """Whether because the room has."""


Item: TypeAlias = pb.AgentSessionMessage | Said | Came | Went | StateShown | Returned | Lost

_OVER = (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED)


class Inbox:
    """Everything that one connection is told of an agent."""

    def __init__(self, room: rtc.Room, agent: str) -> None:
        self._agent = agent
        self._items: asyncio.Queue[Item | rtc.ByteStreamReader] = asyncio.Queue()
        self._reading: set[asyncio.Task[None]] = set()
        room.register_byte_stream_handler(SESSION_TOPIC, self._take_message)
        room.register_text_stream_handler(TRANSCRIPTION_TOPIC, self._take_words)
        room.on("participant_connected", lambda one: self._put(Came(identity=one.identity)))
        room.on("participant_disconnected", lambda one: self._put(Went(identity=one.identity)))
        room.on("participant_attributes_changed", self._take_attributes)
        room.on("reconnected", lambda *_: self._put(Returned()))
        room.on("disconnected", lambda reason: self._put(Lost(is_over=reason in _OVER)))

    async def get(self) -> Item:
        """Return the next thing that came; what cannot be read is passed over."""
        while True:
            item = await self._items.get()
            if not isinstance(item, rtc.ByteStreamReader):
                return item
            message = await _read_message(item)
            if message is not None:
                return message

    async def aclose(self) -> None:
        """Stop reading, and let go of what nobody will read."""
        while not self._items.empty():
            item = self._items.get_nowait()
            if isinstance(item, rtc.ByteStreamReader):
                item.close()
        for task in self._reading:
            task.cancel()
        if self._reading:
            await asyncio.wait(self._reading)

    def _put(self, item: Item | rtc.ByteStreamReader) -> None:
        self._items.put_nowait(item)

    def _take_message(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        if sender == self._agent:
            self._put(reader)

    def _take_words(self, reader: rtc.TextStreamReader, sender: str) -> None:
        # The agent's own last for as long as it speaks: they are read beside everything else.
        task = asyncio.create_task(self._read_words(reader, sender), name="words")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read_words(self, reader: rtc.TextStreamReader, sender: str) -> None:
        try:
            async with asyncio.timeout(_UTTERANCE_LIMIT_S):
                text = await reader.read_all()
        except (TimeoutError, rtc.StreamError):
            return
        is_final = (reader.info.attributes or {}).get(_FINAL_ATTRIBUTE) == "true"
        if text:
            self._put(Said(identity=sender, text=text, is_final=is_final or sender == self._agent))

    def _take_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        state = changed.get(STATE_ATTRIBUTE)
        if participant.identity == self._agent and state:
            self._put(StateShown(state=state))


async def _read_message(reader: rtc.ByteStreamReader) -> pb.AgentSessionMessage | None:
    """Return a message; None for one that does not come whole, or is none."""
    try:
        async with asyncio.timeout(_MESSAGE_LIMIT_S):
            data = b"".join([chunk async for chunk in reader])
        return pb.AgentSessionMessage.FromString(data)
    except (TimeoutError, rtc.StreamError, DecodeError):
        return None
