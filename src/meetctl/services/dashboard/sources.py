"""What the live dashboard's feed is made of, and asking each of it again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from meetctl.domain.view.dashboard import SourceHealth
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from meetctl.domain.view.dashboard import SourceName
    from meetctl.ports import Clock, EventSource, RoomAdmin, RunningSessions, WorkerCensus

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

LONGEST_PAUSE_S = 30.0
"""What fails again and again is asked this seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSources:
    """A LiveKit server: its rooms, and what tells of the agents in them."""

    open_rooms: Callable[[], RoomAdmin]
    """Gives the server's rooms, to be closed after use."""
    open_agent: Callable[[str, str], EventSource]
    """Gives the events of our agent, by its room's name and its session's id."""
    open_session: Callable[[str, str, str], EventSource]
    """Gives the events of another LiveKit agent, by its room's name, its identity and the events' session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSources:
    """Everything that a live feed gathers meetings from."""

    sessions: RunningSessions
    open_journal: Callable[[Path], EventSource]
    workers: WorkerCensus
    livekit: RoomSources | None = None
    """None where no server is configured."""


class Inquiry(Generic[AnswerT]):
    """Asks one source again and again, and knows since when it does not answer, and why."""

    def __init__(
        self,
        name: SourceName,
        ask: Callable[[], Awaitable[AnswerT]],
        take: Callable[[AnswerT], None],
        *,
        every_s: float,
        clock: Clock,
    ) -> None:
        """Hand each answer of `ask` to `take`."""
        self._name = name
        self._ask = ask
        self._take = take
        self._every_s = every_s
        self._clock = clock
        self._seen_at: datetime | None = None
        self.error: str | None = None
        """Why it does not answer now; None where it does, or was not asked yet."""

    @property
    def health(self) -> SourceHealth:
        """Whether it answers."""
        return SourceHealth(name=self._name, seen_at=self._seen_at, error=self.error)

    async def run(self, changed: Callable[[], None]) -> None:
        """Ask until cancelled; what fails is asked more and more seldom, until it answers."""
        pause_s = self._every_s
        while True:
            try:
                answer = await self._ask()
            except MeetctlError as error:
                self.error = error.message
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            except Exception as error:
                # Whatever is wrong with one source, the others go on.
                logger.exception("the dashboard's %s could not be read", self._name)
                self.error = f"it could not be read ({type(error).__name__})"
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self.error, self._seen_at = None, self._clock.now()
                pause_s = self._every_s
                self._take(answer)
            changed()
            await asyncio.sleep(pause_s)
