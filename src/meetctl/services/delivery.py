"""Usage and what happened in a session reach the backend: late if need be, each counted once.

The journal is the truth. An outbox remembers how far the backend has confirmed it; what was delivered and
not yet remembered is delivered again, under the same key, which the backend counts once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from meetctl.domain.delivery import STREAMS, LeftSession, Stream, session_event, stream_of, usage_record
from meetctl.domain.pauses import growing_pauses
from meetctl.errors import BackendError, MeetctlError

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.ports import Backend

logger = logging.getLogger(__name__)

BATCH = 100
"""The most uses in one call."""
INTERVAL_S = 5.0
"""How often a running session delivers what has come together."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0


class Outbox(Protocol):
    """What of one session's journal waits for delivery; whoever holds one is alone in delivering it."""

    async def read(self, stream: Stream, *, limit: int) -> Sequence[Event]:
        """Return the first events of a stream that are not confirmed, in the journal's order.

        Raises:
            MeetctlError: The journal cannot be read.
        """

    async def confirm(self, stream: Stream, seq: int, *, tenant_id: str) -> None:
        """Remember that the backend has a stream up to the event `seq`.

        Where it cannot be written down it is remembered as long as the outbox is open.
        """

    async def find_owner(self) -> LeftSession | None:
        """Return whose session it is; None where nothing happened in it.

        Raises:
            MeetctlError: The journal cannot be read.
        """

    async def complete(self) -> None:
        """Remember that the session has ended and nothing of it waits any more."""

    async def close(self) -> None:
        """Let go of it, so that somebody else may deliver what still waits."""


class Delivery:
    """Delivers a running session's events in the background, as soon as its tenant is known."""

    def __init__(
        self,
        outbox: Outbox,
        backend: Backend,
        *,
        tenant_id: Callable[[], str | None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._backend = backend
        self._tenant_id = tenant_id
        self._chance = chance
        self._pauses = self._growing_pauses()
        self._waits = False
        self._ending = asyncio.Event()
        self._delivering: asyncio.Task[None] | None = None

    @property
    def waits(self) -> bool:
        """Whether anything has happened that the backend does not know yet."""
        return self._waits

    def notice(self, event: Event) -> None:
        """Hear of an event that was written to the journal; may be called from any thread."""
        if stream_of(event) is not None:
            self._waits = True

    def begin(self) -> None:
        """Deliver from now on."""
        self._delivering = asyncio.create_task(self._deliver_regularly(), name="delivery")

    async def finish(self, limit_s: float) -> None:
        """Try a last time, for `limit_s` at most, and leave the rest to whoever opens the outbox next.

        Call it once, when the session's last event has been written.
        """
        self._ending.set()
        if self._delivering is not None:
            await asyncio.wait({self._delivering}, timeout=limit_s)
            if not self._delivering.done():
                self._delivering.cancel()
                await asyncio.wait({self._delivering})
            elif (error := self._delivering.exception()) is not None:
                self._waits = True
                logger.error("delivery to the backend has failed; what waits is left", exc_info=error)
            if not self._waits:
                await self._outbox.complete()
        await self._outbox.close()

    async def _deliver_regularly(self) -> None:
        while True:
            is_last = self._ending.is_set()
            pause_s = await self._try_once()
            if is_last:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()

    async def _try_once(self) -> float:
        """Deliver what waits, and return how long to wait until the next time."""
        tenant_id = self._tenant_id()
        if not self._waits or tenant_id is None:
            return INTERVAL_S
        # An event that is written meanwhile sets it again.
        self._waits = False
        is_delivered = False
        try:
            await deliver(self._outbox, self._backend, tenant_id)
            is_delivered = True
        except MeetctlError:
            return next(self._pauses)
        except Exception as error:  # noqa: BLE001  whatever is wrong this time, what waits is tried again
            # Its text may quote the platform's data.
            logger.error("usage could not be delivered: %s", type(error).__name__)
            return next(self._pauses)
        finally:
            if not is_delivered:
                self._waits = True
        self._pauses = self._growing_pauses()
        return INTERVAL_S

    def _growing_pauses(self) -> Iterator[float]:
        return growing_pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S, self._chance)


async def deliver(outbox: Outbox, backend: Backend, tenant_id: str) -> None:
    """Deliver everything that waits, in the journal's order.

    A stream that the backend does not take is left, and the other goes on without it.

    Raises:
        BackendError: The first failure, after everything was tried.
        MeetctlError: The journal cannot be read.
    """
    failure: BackendError | None = None
    working = list(STREAMS)
    while working:
        read = {stream: await outbox.read(stream, limit=_limit(stream)) for stream in working}
        waiting = {stream: events for stream, events in read.items() if events}
        if not waiting:
            break
        stream = min(waiting, key=lambda name: waiting[name][0].seq)
        others = [events[0].seq for name, events in waiting.items() if name != stream]
        due = [event for event in waiting[stream] if not others or event.seq < min(others)]
        try:
            await _send(stream, due, backend, tenant_id)
        except BackendError as error:
            failure = failure or error
            working.remove(stream)
        else:
            await outbox.confirm(stream, due[-1].seq, tenant_id=tenant_id)
    if failure is not None:
        raise failure


def _limit(stream: Stream) -> int:
    return BATCH if stream == "usage" else 1


async def _send(stream: Stream, events: Sequence[Event], backend: Backend, tenant_id: str) -> None:
    if stream == "usage":
        await backend.track_usage(tenant_id, [usage_record(event) for event in events])
    else:
        for event in events:
            await backend.record_session_event(tenant_id, session_event(event))
