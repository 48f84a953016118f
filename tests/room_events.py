"""Who is told an agent's events in a real room, for tests: an observer, and everybody else."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit import api, rtc

from meetctl.domain.control import EVENTS_TOPIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meetctl.core.local_stack import LiveKitAccess


class ToldEvents:
    """Every event that reaches one connection to a room."""

    def __init__(self, room: rtc.Room) -> None:
        self.events: list[dict[str, Any]] = []
        self._reading: set[asyncio.Task[None]] = set()
        room.register_text_stream_handler(EVENTS_TOPIC, self._begin)

    @property
    def seqs(self) -> list[int]:
        """Their numbers, in the order in which they came."""
        return [event["seq"] for event in self.events]

    def _begin(self, reader: rtc.TextStreamReader, _: str) -> None:
        task = asyncio.create_task(self._read(reader))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        self.events += [json.loads(line) for line in (await reader.read_all()).splitlines()]


@asynccontextmanager
async def observe(livekit: LiveKitAccess, room: str, identity: str) -> AsyncIterator[ToldEvents]:
    """Be in a room as an observer, whom nobody there can see; what is sent to it has to be asked for."""
    grants = api.VideoGrants(
        room_join=True, room=room, hidden=True, can_publish=False, can_publish_data=False
    )
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity(identity).with_grants(grants)
    hidden = rtc.Room()
    told = ToldEvents(hidden)
    await hidden.connect(livekit.url, token.to_jwt(), rtc.RoomOptions(auto_subscribe=False))
    try:
        yield told
    finally:
        await hidden.disconnect()
