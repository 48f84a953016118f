"""A LiveKit server: its rooms, tokens and agents, and the workers that serve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from meetctl.domain.control import Acknowledgement
    from meetctl.domain.rooms import Dispatch, Participant, Room
    from meetctl.domain.workers import LocalWorker


class RoomAdmin(Protocol):
    """The rooms of a LiveKit server, who is in them, and which agents were sent there.

    Every call may raise ServiceError: the server cannot be reached, or refuses us or the request. What is not
    there raises NotFoundError, in every call but `find_room`.
    """

    async def list_rooms(self) -> tuple[Room, ...]:
        """Return all rooms, by name."""

    async def find_room(self, name: str) -> Room | None:
        """Return one room; None where it is not there."""

    async def create_room(
        self,
        name: str,
        *,
        metadata: str = "",
        empty_timeout_s: int | None = None,
        departure_timeout_s: int | None = None,
        max_participants: int | None = None,
    ) -> Room:
        """Make a room, and return it; one that is there already is returned as it is, and not changed.

        What is None is as the server is configured.
        """

    async def close_room(self, name: str) -> None:
        """End the room for everybody in it."""

    async def list_participants(self, room: str) -> tuple[Participant, ...]:
        """Return who is in a room, hidden participants too, in the order in which they came."""

    async def remove_participant(self, room: str, identity: str) -> None:
        """Put somebody out of a room; whoever has a token may join again."""

    async def mute_track(self, room: str, identity: str, track: str, *, muted: bool) -> None:
        """Mute a track, or unmute it, which a server allows only where it is configured so."""

    async def list_dispatches(self, room: str) -> tuple[Dispatch, ...]:
        """Return which agents were sent into a room, in the order in which they were."""

    async def create_dispatch(self, room: str, agent_name: str, *, metadata: str = "") -> Dispatch:
        """Send an agent into a room; LiveKit makes the room where it is not there."""

    async def delete_dispatch(self, room: str, dispatch: str) -> None:
        """Take a dispatch back; an agent that has come because of it is taken out of the room."""

    async def aclose(self) -> None:
        """Let go of its connections."""


class TokenSigner(Protocol):
    """A key of a LiveKit server, for making and checking tokens."""

    @property
    def api_key(self) -> str:
        """The key's id, which a token names as its issuer."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""

    def has_signed(self, token: str) -> bool:
        """Tell whether a token's signature was made with the key's secret; nothing else of it is checked.

        Any text may be given.
        """


class AgentControl(Protocol):
    """Steers our agents from outside their rooms."""

    async def send(
        self, room: str, op: str, args: Mapping[str, Any], *, session_id: str | None = None
    ) -> Acknowledgement:
        """Have the agent in a room perform an operation, and wait until it has.

        Raises:
            UsageError: The operation or its arguments are wrong, or it is not said which of several agents.
            NotFoundError: There is no such room or agent.
            ServiceError: It did not, or has not answered in time, or the server refuses.
        """


class WorkerCensus(Protocol):
    """The workers of ours on this machine."""

    async def list_workers(self) -> tuple[LocalWorker, ...]:
        """Return those that run, by agent name."""
