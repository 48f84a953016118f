"""A dashboard's ports, without meetings: views that are given, and actions that are written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meetctl.domain.control import Acknowledgement
from meetctl.domain.leaving import Leave

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.view.dashboard import DashboardView, Meeting

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXlhIn0.opens-nothing"


class FakeFeed:
    """The DashboardFeed port over given views; more can be put in, and it never ends by itself."""

    def __init__(self, *views: DashboardView, events: Mapping[str, Sequence[Event]] | None = None) -> None:
        self.views: asyncio.Queue[DashboardView | BaseException] = asyncio.Queue()
        self.events = dict(events or {})
        for view in views:
            self.views.put_nowait(view)

    async def watch(self) -> AsyncGenerator[DashboardView, None]:
        """Yield the views; an exception that was put in is raised."""
        while True:
            view = await self.views.get()
            if isinstance(view, BaseException):
                raise view
            yield view

    def recent_events(self, key: str) -> Sequence[Event]:
        """Return the events that were given for a meeting."""
        return self.events.get(key, ())


@dataclass
class FakeActions:
    """The MeetingActions port that writes down what it is asked for."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    error: Exception | None = None
    """What every call raises."""
    may_answer: asyncio.Event | None = None
    """Where it is given, nobody answers before it is set."""

    async def steer(self, meeting: Meeting, op: str, args: Mapping[str, Any]) -> Acknowledgement:
        """Acknowledge an operation."""
        await self._note("steer", meeting.key, op, dict(args))
        return Acknowledgement(jti="1")

    async def take_out(self, meeting: Meeting) -> Leave:
        """Take nobody out."""
        await self._note("take_out", meeting.key)
        return Leave(agent="agent-1", session_id=meeting.session_id, way="asked")

    async def close_room(self, room: str) -> None:
        """Close no room."""
        await self._note("close_room", room)

    async def dispatch_agent(self, room: str) -> str:
        """Send nobody."""
        await self._note("dispatch_agent", room)
        return "AD_1"

    async def mint_token(self, room: str, identity: str) -> str:
        """Return a token that opens nothing."""
        await self._note("mint_token", room, identity)
        return TOKEN

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.may_answer is not None:
            await self.may_answer.wait()
        if self.error is not None:
            raise self.error
