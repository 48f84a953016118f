"""What an operator does to meetings: control messages for our agents, the server's API for rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from meetctl.domain.joining import JoinOrder
from meetctl.domain.tokens import TokenOrder, preset_grants
from meetctl.errors import UsageError
from meetctl.services.joining import Joining, JoinWorld
from meetctl.services.leaving import choose_agent, take_out
from meetctl.services.tokens import mint_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.domain.control import Acknowledgement
    from meetctl.domain.leaving import Leave
    from meetctl.domain.view.dashboard import Meeting
    from meetctl.ports import AgentControl, Clock, RoomAdmin, TokenSigner, WorkerCensus


class LiveKitActions:
    """The MeetingActions port over a LiveKit server; connections are opened for each action."""

    def __init__(
        self,
        *,
        url: str,
        open_rooms: Callable[[], RoomAdmin],
        control: AgentControl,
        signer: TokenSigner,
        workers: WorkerCensus,
        clock: Clock,
        agent_name: str,
    ) -> None:
        self._url = url
        self._open_rooms = open_rooms
        self._control = control
        self._signer = signer
        self._workers = workers
        self._clock = clock
        self._agent_name = agent_name

    async def steer(self, meeting: Meeting, op: str, args: Mapping[str, Any]) -> Acknowledgement:
        """Have the meeting's agent perform an operation, and wait until it has."""
        if meeting.channel == "session":
            raise UsageError(
                f"the agent in room {meeting.room!r} is none of meetctl, and takes no control messages",
                hint="it can be put out, and the room closed",
            )
        return await self._control.send(meeting.room, op, args, session_id=meeting.session_id)

    async def take_out(self, meeting: Meeting) -> Leave:
        """Ask the meeting's agent to leave, and put out one that does not answer, or is none of ours."""
        async with self._rooms() as rooms:
            present = await rooms.list_participants(meeting.room)
            agent = choose_agent(present, meeting.room, session_id=meeting.session_id)
            return await take_out(agent, meeting.room, rooms=rooms, control=self._control, clock=self._clock)

    async def close_room(self, room: str) -> None:
        """End the room for everybody in it."""
        async with self._rooms() as rooms:
            await rooms.close_room(room)

    async def dispatch_agent(self, room: str) -> str:
        """Send our agent into a room, which is made where it is not there, and return the dispatch's id."""
        _require(room, "the room's name")
        order = JoinOrder(room=room, agent_name=self._agent_name, creates_room=True)
        async with self._rooms() as rooms:
            joining = Joining(order, self._world(rooms))
            await joining.send()
            return joining.dispatch_id

    async def mint_token(self, room: str, identity: str) -> str:
        """Return a token with which a person may join a room."""
        _require(room, "the room's name")
        _require(identity, "the identity")
        order = TokenOrder(grants=preset_grants("participant", room), identity=identity)
        return mint_token(order, self._signer, self._clock).text

    @asynccontextmanager
    async def _rooms(self) -> AsyncIterator[RoomAdmin]:
        rooms = self._open_rooms()
        try:
            yield rooms
        finally:
            await rooms.aclose()

    def _world(self, rooms: RoomAdmin) -> JoinWorld:
        """Return what giving the order needs; that the agent comes is seen in the feed."""
        return JoinWorld(
            url=self._url,
            rooms=rooms,
            workers=self._workers,
            open_events=_open_no_events,
            clock=self._clock,
            tell=_tell_nobody,
            note=_tell_nobody,
        )


def _require(text: str, what: str) -> None:
    if not text.strip():
        raise UsageError(f"{what} is missing")


def _open_no_events(**_: object) -> None:
    """Events that nobody waits for."""


def _tell_nobody(_: object) -> None:
    """Stages that nobody waits for."""
