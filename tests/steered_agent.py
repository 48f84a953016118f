"""An agent in a real room that can be steered and observed, without a session of its own, and its guests."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from livekit import api, rtc
from tests.live_agent import until
from tests.room_events import ToldEvents

from meetctl.adapters.event_log import EventLog
from meetctl.adapters.journal_reader import JournalReader
from meetctl.adapters.system_clock import SystemClock
from meetctl.agent.control import ControlChannel
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.observers import Observers
from meetctl.domain.events import JournalOwner
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess

ROOM = "standup"
CLOCK = SystemClock()
_EVERYBODY = "to everybody"


class Guest(ToldEvents):
    """Somebody in the room, who notes every text that reaches them."""

    def __init__(self, room: rtc.Room) -> None:
        super().__init__(room)
        self.room = room
        self.calls: list[str] = []
        room.register_text_stream_handler(_EVERYBODY, self._begin)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        if reader.info.topic == _EVERYBODY:
            self.calls.append(await reader.read_all())
        else:
            await super()._read(reader)


@dataclass(slots=True, kw_only=True)
class Agent:
    """An agent that can be steered and observed, without a session of its own."""

    room: rtc.Room
    path: Path
    journal: MeetingJournal
    observers: Observers
    said: list[str]

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["type"] == kind]

    async def reach(self, *guests: Guest) -> None:
        """Wait until everybody has what was sent before: texts arrive in their order."""
        call = f"call {len(guests[0].calls)}"
        await self.room.local_participant.send_text(call, topic=_EVERYBODY)
        await until(lambda: all(call in guest.calls for guest in guests), "everybody is reached")


@asynccontextmanager
async def join(
    server: LiveKitAccess,
    identity: str,
    *,
    room: str = ROOM,
    kind: Literal["standard", "agent"] = "standard",
    **grants: bool,
) -> AsyncIterator[Guest]:
    token = api.AccessToken(server.api_key, server.api_secret).with_identity(identity).with_kind(kind)
    token = token.with_grants(api.VideoGrants(room_join=True, room=room, **cast("dict[str, Any]", grants)))
    guest = Guest(rtc.Room())
    await guest.room.connect(server.url, token.to_jwt(), rtc.RoomOptions(auto_subscribe=False))
    try:
        yield guest
    finally:
        await guest.room.disconnect()


@asynccontextmanager
async def take_part(
    server: LiveKitAccess, directory: Path, *, room: str = ROOM, session_id: str = "s1", listens: bool = True
) -> AsyncIterator[Agent]:
    async with join(
        server, f"agent-{session_id}", room=room, kind="agent", agent=True, can_update_own_metadata=True
    ) as guest:
        path = directory / f"{session_id}.jsonl"
        owner = JournalOwner(session_id=session_id, tenant_id=None, room=room)
        sink = EventLog(path, owner, clock=CLOCK, media_us=lambda: 0)
        journal = MeetingJournal(sink)
        observers = Observers(guest.room, journal, journal_bytes=JournalReader(path), clock=CLOCK)
        said: list[str] = []

        async def say(args: Mapping[str, Any]) -> None:
            said.append(args["text"])

        async def mute(_: Mapping[str, Any]) -> None:
            raise UsageError("the ears are muted already")

        channel = ControlChannel(
            guest.room,
            server,
            room_name=room,
            clock=CLOCK,
            journal=journal,
            perform={**observers.operations, "say": say, "mute": mute},
        )
        if listens:
            channel.follow()
        await guest.room.local_participant.set_attributes({"meetctl.session_id": session_id})
        try:
            yield Agent(room=guest.room, path=path, journal=journal, observers=observers, said=said)
        finally:
            await channel.close()
            await observers.close()
            journal.close()
