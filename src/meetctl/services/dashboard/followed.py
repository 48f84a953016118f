"""One meeting that the feed follows: its events, folded, and why they may not come."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.state import SessionState, fold_events
from meetctl.domain.view.dashboard import Meeting
from meetctl.errors import MeetctlError
from meetctl.services.dashboard.sources import LONGEST_PAUSE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime
    from pathlib import Path

    from meetctl.domain.events import Event
    from meetctl.domain.room_view import RoomView
    from meetctl.domain.view.dashboard import Channel
    from meetctl.ports import EventSource

logger = logging.getLogger(__name__)

EVENTS_KEPT = 2_000
"""So many of a meeting's last events are kept; of a hundred meetings they take some 150 MB."""
FIRST_PAUSE_S = 1.0
_FRAME_TIMES = "video.frames"
"""Times by the hundred, which nobody reads one by one: they are folded, and not kept."""
_EVENTS_AT_ONCE = 16
"""So many events are folded together; after them the screen and other meetings get their turn."""


class Turns:
    """Lets many meetings with much to read take turns, so that the screen waits for one of them at most."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Wait for everybody who has waited longer, and let everything else go on once."""
        async with self._lock:
            await asyncio.sleep(0)


@dataclass(slots=True, kw_only=True, eq=False)
class Followed:
    """One meeting, as it is known now."""

    key: str
    room: str
    channel: Channel
    open_events: Callable[[], EventSource] | None = None
    """Gives its events, from the first on, as often as it is called; None where nothing tells of it."""
    session_id: str | None = None
    bundle: Path | None = None
    room_view: RoomView | None = None
    turns: Turns = field(default_factory=Turns)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    problem: str | None = None
    """Why its events do not come."""
    outcome: str | None = None
    """What is known of its end that its events do not tell."""
    over_at: datetime | None = None
    """Since when it is known to be over."""
    task: asyncio.Task[None] | None = None
    _folded: SessionState = field(default_factory=SessionState)
    _waiting: list[Event] = field(default_factory=list)
    _next_seq: int = 0
    _shown: Meeting | None = None

    @property
    def state(self) -> SessionState:
        """What its events have come to."""
        self._fold()
        return self._folded

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.state.about.has_ended or self.over_at is not None

    def take(self, event: Event) -> None:
        """Take one event, to be folded with those that come with it; one that was taken changes nothing."""
        if event.seq < self._next_seq:
            return
        self._next_seq = event.seq + 1
        self._waiting.append(event)
        if event.type != _FRAME_TIMES:
            self.events.append(event)

    def _fold(self) -> None:
        if self._waiting:
            self._folded = fold_events(self._waiting, self._folded)
            self._waiting.clear()

    def forget(self) -> None:
        """Begin anew, as if nothing had been told."""
        self._folded, self._next_seq = SessionState(), 0
        self._waiting.clear()
        self.events.clear()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Take events until no more can come; a source that fails is opened again, later and later."""
        pause_s = FIRST_PAUSE_S
        while self.open_events is not None:
            told = False
            try:
                async for event in self._read(self.open_events()):
                    self.take(event)
                    self.problem, told = None, True
                    changed()
                    if len(self._waiting) >= _EVENTS_AT_ONCE:
                        self._fold()
            except MeetctlError as error:
                self.problem = error.message
            except Exception as error:
                # Whatever is wrong with one meeting's events, the other meetings go on.
                logger.exception("the events of %s could not be read", self.key)
                self.problem = f"its events could not be read ({type(error).__name__})"
            else:
                self.problem = None
                changed()
                return
            changed()
            pause_s = FIRST_PAUSE_S if told else min(2 * pause_s, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _read(self, source: EventSource) -> AsyncGenerator[Event, None]:
        """Yield a source's events; those of a source that numbers anew are folded anew."""
        read = 0
        async with aclosing(source.follow()) as events:
            async for event in events:
                if not read and self.channel == "session":
                    self.forget()
                yield event
                read += 1
                if read % _EVENTS_AT_ONCE == 0:
                    await self.turns.wait()

    def show(self, *, lost: str | None) -> Meeting:
        """Return it as it is; `lost` says why its source may not tell what happens now.

        It is the same object as long as nothing of it has changed.
        """
        problem = self.problem if not self.is_over else None
        stale = problem or (lost if not self.is_over else None)
        meeting = Meeting(
            key=self.key,
            room=self.state.about.room or self.room,
            channel=self.channel,
            state=self.state,
            session_id=self.session_id,
            bundle=self.bundle,
            room_view=self.room_view,
            is_stale=stale is not None,
            is_over=self.is_over,
            problem=stale or self.outcome,
        )
        if self._shown is None or _differs(self._shown, meeting):
            self._shown = meeting
        return self._shown


def _differs(one: Meeting, other: Meeting) -> bool:
    """Tell whether two views of a meeting differ; states are immutable, so that the same one is no change."""
    return (
        one.state is not other.state
        or one.room_view is not other.room_view
        or (one.is_stale, one.is_over, one.problem) != (other.is_stale, other.is_over, other.problem)
    )
