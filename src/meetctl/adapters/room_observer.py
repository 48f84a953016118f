"""An agent's events from any machine: a hidden observer in its room, whom the agent sends its journal."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from livekit import api, rtc

from meetctl.adapters.control_sender import find_agents, name_observer, send_control
from meetctl.domain.control import EVENTS_TOPIC, OBSERVER_LEASE_S
from meetctl.domain.events import parse_journal
from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.events import Event
    from meetctl.ports import Clock

logger = logging.getLogger(__name__)

ANNOUNCE_EVERY_S = OBSERVER_LEASE_S / 3
"""Twice may fail before the agent forgets the observer."""

_TOKEN_LIFE = timedelta(minutes=10)
_MESSAGE_LIMIT_S = 10.0
"""How long the rest of a message is waited for; the agent sends again what was not sent whole."""
_RETRY_S = 1.0


class RoomObserver:
    """The EventSource port over an observer's connection; it is made again when it is lost.

    The observer is hidden, subscribes to no media, and can send nothing into the room. It joins only where
    the agent is, and leaves with it, so that it neither makes a room nor keeps one open.
    """

    def __init__(self, access: LiveKitAccess, room: str, session_id: str, *, clock: Clock) -> None:
        self._access = access
        self._room = room
        self._session_id = session_id
        self._clock = clock

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Yield the session's events from its first on; it ends with the session, or with its agent."""
        next_seq = 0
        agent = await self._find_agent()
        if agent is None:
            raise NotFoundError(f"session {self._session_id!r} is not in room {self._room!r}")
        while agent is not None:
            async with self._watch(agent) as messages:
                async for event in messages.events():
                    if event.session_id != self._session_id or event.seq < next_seq:
                        continue
                    next_seq = event.seq + 1
                    yield event
                    if event.type == "session.ended":
                        return
            if messages.agent_has_gone:
                return
            # The connection was lost, and livekit has given up on it.
            await asyncio.sleep(_RETRY_S)
            agent = await self._find_agent()

    async def _find_agent(self) -> str | None:
        """Return the identity of the session's agent; None where it has gone, or its room has."""
        with suppress(NotFoundError):
            for agent in await find_agents(self._access, self._room):
                if agent.session_id == self._session_id:
                    return agent.identity
        return None

    @asynccontextmanager
    async def _watch(self, agent: str) -> AsyncIterator[_Messages]:
        """Be in the room, announced to the agent; afterwards say goodbye and leave."""
        identity = name_observer()
        room = rtc.Room()
        messages = _Messages(room, agent)
        try:
            await room.connect(
                self._access.url, self._mint_token(identity), rtc.RoomOptions(auto_subscribe=False)
            )
        except rtc.ConnectError as error:
            raise ServiceError(
                f"the room {self._room!r} cannot be observed: {error.message}",
                hint="the server's WebRTC ports must be reachable from here",
            ) from error
        try:
            if agent not in room.remote_participants:
                messages.end()
                yield messages
                return
            await self._announce(identity)
            announcing = asyncio.create_task(self._keep_announced(identity), name="announce")
            try:
                yield messages
            finally:
                announcing.cancel()
                await asyncio.wait([announcing])
                if not messages.agent_has_gone and room.isconnected():
                    with suppress(ServiceError):
                        await self._control("goodbye", identity=identity)
        finally:
            await room.disconnect()

    async def _announce(self, identity: str) -> None:
        await self._control("announce", identity=identity, history=True)

    async def _keep_announced(self, identity: str) -> None:
        while True:
            await asyncio.sleep(ANNOUNCE_EVERY_S)
            try:
                await self._announce(identity)
            except ServiceError as error:
                logger.info("the observer could not be announced again: %s", error.message)

    async def _control(self, op: str, **args: object) -> None:
        await send_control(self._access, self._room, op, args, clock=self._clock, session_id=self._session_id)

    def _mint_token(self, identity: str) -> str:
        grants = api.VideoGrants(
            room_join=True, room=self._room, hidden=True, can_publish=False, can_publish_data=False
        )
        token = api.AccessToken(self._access.api_key, self._access.api_secret).with_identity(identity)
        return token.with_grants(grants).with_ttl(_TOKEN_LIFE).to_jwt()


class _Messages:
    """What the agent sends over one connection, in the order in which it was sent."""

    def __init__(self, room: rtc.Room, agent: str) -> None:
        self.agent_has_gone = False
        self._agent = agent
        self._arrived: asyncio.Queue[rtc.TextStreamReader | None] = asyncio.Queue()
        room.register_text_stream_handler(EVENTS_TOPIC, self._take)
        room.on("participant_disconnected", self._note_departure)
        room.on("disconnected", self._note_loss)

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until the agent has gone or the connection is lost; some may come twice."""
        while (reader := await self._arrived.get()) is not None:
            try:
                async with asyncio.timeout(_MESSAGE_LIMIT_S):
                    text = await reader.read_all()
            except TimeoutError:
                continue
            for event in parse_journal(text.encode()):
                if event is not None:
                    yield event

    def end(self) -> None:
        """Expect nothing more: the agent has gone."""
        self.agent_has_gone = True
        self._arrived.put_nowait(None)

    def _take(self, reader: rtc.TextStreamReader, sender: str) -> None:
        if sender == self._agent:
            self._arrived.put_nowait(reader)

    def _note_departure(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._agent:
            self.end()

    def _note_loss(self, _: object) -> None:
        self._arrived.put_nowait(None)
