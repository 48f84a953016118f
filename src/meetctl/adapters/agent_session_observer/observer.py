"""A hidden observer in the room of a LiveKit agent that is not ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from livekit import api, rtc
from livekit.protocol.agent_pb import agent_session as pb

from meetctl.adapters.agent_session_observer.asking import Questions
from meetctl.adapters.agent_session_observer.inbox import (
    STATE_ATTRIBUTE,
    Came,
    Inbox,
    Lost,
    Returned,
    Said,
    StateShown,
    Went,
)
from meetctl.adapters.agent_session_observer.telling import Telling
from meetctl.adapters.agent_session_observer.translation import Translation
from meetctl.adapters.livekit_api import open_api
from meetctl.domain.events import JournalOwner
from meetctl.errors import NotFoundError, ServiceError
from meetctl.services.tokens import make_identity

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from meetctl.adapters.agent_session_observer.inbox import Item
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.events import Event
    from meetctl.ports import Clock, PriceBook

ANSWER_LIMIT_S = 2.0
"""An agent that has not answered by then is watched by what it shows to everybody."""

_TOKEN_LIFE = timedelta(minutes=10)
_NAME_ATTRIBUTES = ("lk.agent.name", "lk.agent_name")
_KINDS = {
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD: "standard",
    rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS: "ingress",
    rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS: "egress",
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
    rtc.ParticipantKind.PARTICIPANT_KIND_AGENT: "agent",
}
_PEOPLE = ("standard", "sip")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    """The agent as the server knows it before anybody joins."""

    name: str | None
    joined_at: datetime


class AgentSessionObserver:
    """The EventSource port over what another LiveKit agent tells in its room.

    The observer is hidden, so that the agent never takes it for the person that it listens to, and publishes
    and hears nothing. It joins only where the agent and a person are, and leaves when either has gone: it
    makes no room, and keeps none open. It may send data, as otherwise it could not ask what it has missed.

    Each call of `follow` tells the session anew, as far as the agent remembers it.
    """

    def __init__(
        self,
        access: LiveKitAccess,
        room: str,
        agent: str,
        session_id: str,
        *,
        book: PriceBook,
        clock: Clock,
    ) -> None:
        """Follow the agent of this identity; its events say `session_id`."""
        self._access = access
        self._room = room
        self._agent = agent
        self._session_id = session_id
        self._book = book
        self._clock = clock

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Yield what the session tells; it ends when the agent has left, and when no person is there.

        Raises:
            NotFoundError: The agent is not in the room.
            ServiceError: The server cannot be reached, or the connection is lost.
        """
        present = await self._find_agent()
        async with self._join() as (room, inbox):
            if self._agent not in room.remote_participants or not _has_people(room):
                return
            watch = _Watch(self, room, inbox)
            for event in await watch.begin(present):
                yield event
            while not watch.is_over:
                for event in await watch.take(await inbox.get()):
                    yield event

    def make_telling(self, began_at: datetime) -> Telling:
        """Return what tells a session that began at a moment."""
        owner = JournalOwner(session_id=self._session_id, tenant_id=None, room=self._room)
        return Telling(owner, began_at=began_at, clock=self._clock)

    def make_translation(self, telling: Telling) -> Translation:
        """Return what reads the session's own messages."""
        return Translation(telling, book=self._book, clock=self._clock)

    @property
    def agent(self) -> str:
        """The agent's identity."""
        return self._agent

    @property
    def room_name(self) -> str:
        """The room's name."""
        return self._room

    async def _find_agent(self) -> _Present:
        missing = NotFoundError(f"{self._agent!r} is not in room {self._room!r}")
        async with open_api(self._access) as livekit:
            # To ask who is in a room that is not there is refused by some servers, and makes it in others.
            found = await livekit.room.list_rooms(api.ListRoomsRequest(names=[self._room]))
            if not found.rooms:
                raise missing
            answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=self._room))
        for one in answer.participants:
            if one.identity == self._agent:
                name = next((one.attributes[key] for key in _NAME_ATTRIBUTES if key in one.attributes), None)
                return _Present(name=name, joined_at=datetime.fromtimestamp(one.joined_at, UTC))
        raise missing

    @asynccontextmanager
    async def _join(self) -> AsyncIterator[tuple[rtc.Room, Inbox]]:
        room = rtc.Room()
        inbox = Inbox(room, self._agent)
        try:
            await room.connect(self._access.url, self._mint_token(), rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise ServiceError(
                f"the room {self._room!r} cannot be observed: {error.message}",
                hint="the server's WebRTC ports must be reachable from here",
            ) from error
        try:
            yield room, inbox
        finally:
            await room.disconnect()
            await inbox.aclose()

    def _mint_token(self) -> str:
        grants = api.VideoGrants(
            room_join=True,
            room=self._room,
            hidden=True,
            can_publish=False,
            can_publish_data=True,
            can_manage_agent_session=True,
        )
        token = api.AccessToken(self._access.api_key, self._access.api_secret)
        token = token.with_identity(make_identity("observer")).with_grants(grants)
        return token.with_ttl(_TOKEN_LIFE).to_jwt()


class _Watch:
    """One stay in the room."""

    def __init__(self, observer: AgentSessionObserver, room: rtc.Room, inbox: Inbox) -> None:
        self.is_over = False
        self._observer = observer
        self._room = room
        self._inbox = inbox
        self._questions = Questions(room, observer.agent)
        self._has_session = False
        """Whether the agent's session speaks for itself; otherwise only what it shows is known."""

    async def begin(self, present: _Present) -> list[Event]:
        """Ask for what was before, and tell it; what comes meanwhile is told after it."""
        await self._ask()
        answers: list[pb.SessionResponse] = []
        waiting: list[Item] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_LIMIT_S):
                while self._questions.are_open:
                    item = await self._inbox.get()
                    if isinstance(item, pb.AgentSessionMessage) and self._questions.is_answer(item):
                        answers.append(item.response)
                    else:
                        waiting.append(item)
        self._has_session = bool(answers)
        self._telling = self._observer.make_telling(_find_beginning(answers) or present.joined_at)
        self._translation = self._observer.make_translation(self._telling)
        self._telling.tell(
            "session.started",
            {"agent": present.name or self._observer.agent, "version": _find_version(answers)},
        )
        agent = self._room.remote_participants.get(self._observer.agent)
        if agent is not None and (state := agent.attributes.get(STATE_ATTRIBUTE)):
            self._telling.change_agent(state)
        for one in self._room.remote_participants.values():
            self._telling.join(one.identity, one.name, _kind(one))
        for answer in answers:
            self._take_answer(answer)
        for item in waiting:
            await self._take(item)
        return self._telling.take_all()

    async def take(self, item: Item) -> list[Event]:
        """Tell what has come."""
        await self._take(item)
        return self._telling.take_all()

    async def _take(self, item: Item) -> None:
        match item:
            case pb.AgentSessionMessage():
                await self._take_message(item)
            case Said():
                self._take_words(item)
            case StateShown():
                if not self._has_session:
                    self._telling.change_agent(item.state)
            case Came():
                self._take_arrival(item.identity)
            case Went():
                self._take_departure(item.identity)
            case Returned():
                await self._ask()
            case Lost():
                self._take_loss(item)

    async def _take_message(self, message: pb.AgentSessionMessage) -> None:
        if self._questions.is_answer(message):
            self._has_session = True
            self._take_answer(message.response)
        elif message.HasField("event"):
            if not self._has_session:
                # Its session has begun since it was asked, or was slow to answer.
                self._has_session = True
                await self._ask()
            self._translation.take_event(message.event)

    def _take_answer(self, answer: pb.SessionResponse) -> None:
        match answer.WhichOneof("response"):
            case "get_chat_history":
                self._translation.take_history(answer.get_chat_history.items)
            case "get_session_usage":
                self._translation.take_usage(answer.get_session_usage.usage)
            case "get_session_state":
                self._translation.take_state(answer.get_session_state)

    def _take_words(self, said: Said) -> None:
        if said.identity != self._observer.agent:
            # The session's own messages do not say who speaks.
            self._telling.speaker = said.identity
        if self._has_session:
            return
        if said.identity == self._observer.agent:
            self._telling.answer(said.text)
        else:
            self._telling.hear(said.text, is_final=said.is_final)

    def _take_arrival(self, identity: str) -> None:
        participant = self._room.remote_participants.get(identity)
        if participant is not None:
            self._telling.join(identity, participant.name, _kind(participant))

    def _take_departure(self, identity: str) -> None:
        self._telling.leave(identity)
        if identity == self._observer.agent:
            self._telling.end("the agent left")
            self.is_over = True
        elif not _has_people(self._room):
            # A hidden participant keeps a room open that only an agent is in.
            self.is_over = True

    def _take_loss(self, lost: Lost) -> None:
        if not lost.is_over:
            raise ServiceError(f"the connection to room {self._observer.room_name!r} was lost")
        self._telling.end("the room was closed")
        self.is_over = True

    async def _ask(self) -> None:
        try:
            await self._questions.ask()
        except rtc.StreamError:
            # It cannot be asked; what it shows to everybody is seen all the same.
            return


def _has_people(room: rtc.Room) -> bool:
    return any(_kind(one) in _PEOPLE for one in room.remote_participants.values())


def _kind(participant: rtc.RemoteParticipant) -> str:
    return _KINDS.get(participant.kind, "other")


def _find_beginning(answers: Iterable[pb.SessionResponse]) -> datetime | None:
    for answer in answers:
        if answer.HasField("get_session_state"):
            return answer.get_session_state.created_at.ToDatetime(UTC)
    return None


def _find_version(answers: Iterable[pb.SessionResponse]) -> str | None:
    for answer in answers:
        if answer.HasField("get_framework_info"):
            info = answer.get_framework_info
            return f"livekit-agents {info.sdk_version} ({info.sdk})"
    return None
