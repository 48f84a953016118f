"""What a dashboard is fed with, and what it can do to meetings."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from meetctl.domain.control import Acknowledgement
    from meetctl.domain.events import Event
    from meetctl.domain.frame_picture import FramePicture
    from meetctl.domain.leaving import Leave
    from meetctl.domain.state.looks import KeptFrame
    from meetctl.domain.view.dashboard import DashboardView, Meeting


class DashboardFeed(Protocol):
    """Meetings as they go on, or as they were."""

    def watch(self) -> AsyncGenerator[DashboardView, None]:
        """Yield what is known, at once and then whenever it changes, at most ten times a second.

        A source that fails is told of in the view, and asked again. It ends where nothing more can come.
        """

    def recent_events(self, key: str) -> Sequence[Event]:
        """Return a meeting's last events but `video.frames`, oldest first; none where it is not known."""


class FramePictures(Protocol):
    """The pictures of kept frames."""

    async def read(self, meeting: Meeting, frame: KeptFrame, *, side: int) -> FramePicture | None:
        """Return a frame, its longer side at most `side` pixels; None where no recording has it.

        Raises:
            MediaError: The meeting's recording is missing, or cannot be read.
        """


class MeetingActions(Protocol):
    """What an operator can do to meetings; every call may raise ServiceError, NotFoundError or UsageError."""

    async def steer(self, meeting: Meeting, op: str, args: Mapping[str, Any]) -> Acknowledgement:
        """Have the meeting's agent perform an operation of domain.control, and wait until it has."""

    async def take_out(self, meeting: Meeting) -> Leave:
        """Ask the meeting's agent to leave, and put out one that does not answer, or is none of ours."""

    async def close_room(self, room: str) -> None:
        """End the room for everybody in it."""

    async def dispatch_agent(self, room: str) -> str:
        """Send our agent into a room, which is made where it is not there, and return the dispatch's id."""

    async def mint_token(self, room: str, identity: str) -> str:
        """Return a token with which a person may join a room."""
