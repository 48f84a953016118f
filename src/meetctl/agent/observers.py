"""Events for announced observers, and for nobody else in the room."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from meetctl.domain.control import EVENTS_TOPIC, OBSERVER_LEASE_S
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit import rtc

    from meetctl.agent.control import Perform
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.events import Event
    from meetctl.ports import Clock

logger = logging.getLogger(__name__)

BATCH_INTERVAL_S = 0.25
"""The least time between two messages to one observer."""
BATCH_BYTES = 65_536
"""The most that one message holds, unless a single event is longer."""
MOST_OBSERVERS = 16

_SEND_LIMIT_S = 5.0
_CLOSE_LIMIT_S = 2.0


class JournalBytes(Protocol):
    """The journal's file, to read while it is written."""

    def size(self) -> int:
        """Return how many bytes it has."""

    async def read(self, offset: int, limit: int) -> bytes:
        """Return at most `limit` bytes from `offset` on; fewer where the file ends.

        Raises:
            MediaError: It cannot be read.
        """


class _Observer:
    """How far one observer has been told."""

    def __init__(self, identity: str, *, offset: int, until_s: float) -> None:
        self.identity = identity
        self.offset = offset
        """Where in the journal the next message to it begins."""
        self.until_s = until_s
        self.news = asyncio.Event()


class Observers:
    """Sends each announced observer the journal's lines, as text streams of JSON Lines.

    An observer is hidden, so that the agent never sees it come or go: it is sent events for a minute after
    each announcement. What is sent is read from the journal, which nobody falls behind of: a slow observer
    gets everything, later. A message whose sending failed is sent again; `seq` tells what was there already.
    """

    def __init__(
        self, room: rtc.Room, journal: MeetingJournal, *, journal_bytes: JournalBytes, clock: Clock
    ) -> None:
        self._room = room
        self._bytes = journal_bytes
        self._clock = clock
        self._feeds: dict[str, tuple[_Observer, asyncio.Task[None]]] = {}
        self._is_closing = False
        journal.listen(self._tell_news)
        room.on("participant_connected", self._dismiss_visible)

    @property
    def operations(self) -> Mapping[str, Perform]:
        """What control messages can ask of it, by the operations' names."""
        return {"announce": self._perform_announce, "goodbye": self._perform_goodbye}

    @property
    def identities(self) -> frozenset[str]:
        """Who is sent events now."""
        return frozenset(self._feeds)

    def announce(self, identity: str, *, history: bool = False) -> None:
        """Send events to an observer for the next minute, or for another one.

        `history` sends it all events of the session first; of an observer who is known already it is not
        looked at.

        Raises:
            UsageError: People can see this participant, or there are too many observers.
        """
        if self._is_closing:
            raise UsageError("the agent is leaving")
        if identity in self._room.remote_participants:
            raise UsageError("this participant is not hidden", hint="an observer's token says hidden")
        until_s = self._clock.monotonic() + OBSERVER_LEASE_S
        if identity in self._feeds:
            self._feeds[identity][0].until_s = until_s
            return
        if len(self._feeds) >= MOST_OBSERVERS:
            raise UsageError(f"{MOST_OBSERVERS} observers are here already")
        observer = _Observer(identity, offset=0 if history else self._bytes.size(), until_s=until_s)
        self._feeds[identity] = observer, asyncio.create_task(self._feed(observer), name="observer")

    def dismiss(self, identity: str) -> None:
        """Send nothing more to an observer; nothing happens where it is not known."""
        if identity in self._feeds:
            _, feeding = self._feeds.pop(identity)
            feeding.cancel()

    async def close(self) -> None:
        """Send what is in the journal still, for a moment at most, and then nothing more."""
        self._is_closing = True
        self._room.off("participant_connected", self._dismiss_visible)
        self._tell_news()
        tasks = [feeding for _, feeding in self._feeds.values()]
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=_CLOSE_LIMIT_S)
            for feeding in unfinished:
                feeding.cancel()
        self._feeds.clear()

    async def _perform_announce(self, args: Mapping[str, Any]) -> None:
        self.announce(args["identity"], history=args["history"])

    async def _perform_goodbye(self, args: Mapping[str, Any]) -> None:
        self.dismiss(args["identity"])

    def _tell_news(self, _: Event | None = None) -> None:
        for observer, _feeding in self._feeds.values():
            observer.news.set()

    def _dismiss_visible(self, participant: rtc.RemoteParticipant) -> None:
        """Stop at once when somebody whom people can see has joined under an observer's identity."""
        if participant.identity in self._feeds:
            logger.warning("a participant has joined under an observer's identity; it is sent no more events")
            self.dismiss(participant.identity)

    async def _feed(self, observer: _Observer) -> None:
        has_failed = False
        while (left_s := observer.until_s - self._clock.monotonic()) > 0:
            observer.news.clear()
            try:
                was_sent = await self._send_next(observer)
            except Exception:
                # LiveKit tells a lost connection in several ways; whatever it was, the same is tried again.
                if not has_failed:
                    logger.warning("an observer could not be told; trying again", exc_info=True)
                was_sent = has_failed = True
            else:
                has_failed = False
            if was_sent:
                await asyncio.sleep(BATCH_INTERVAL_S)
            elif self._is_closing:
                break
            else:
                await _wait(observer.news, left_s)
        self._feeds.pop(observer.identity, None)

    async def _send_next(self, observer: _Observer) -> bool:
        """Send the next whole lines; False where there are none."""
        lines = await self._read_lines(observer.offset)
        if not lines:
            return False
        async with asyncio.timeout(_SEND_LIMIT_S):
            # Not compressed: what a hidden receiver can read is unknown to the sender.
            await self._room.local_participant.send_text(
                lines.decode("utf-8", "replace"),
                destination_identities=[observer.identity],
                topic=EVENTS_TOPIC,
                compress=False,
            )
        observer.offset += len(lines)
        return True

    async def _read_lines(self, offset: int) -> bytes:
        """Return the next whole lines, at least one if there is one."""
        limit = BATCH_BYTES
        while True:
            data = await self._bytes.read(offset, limit)
            lines = data[: data.rfind(b"\n") + 1]
            if lines or len(data) < limit:
                return lines
            limit *= 2


async def _wait(news: asyncio.Event, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await news.wait()
    except TimeoutError:
        pass
