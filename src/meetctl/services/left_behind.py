"""What ended sessions have left undelivered, because the backend was away or they were killed."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from meetctl.errors import BackendError, MeetctlError
from meetctl.services.delivery import deliver

if TYPE_CHECKING:
    from meetctl.domain.delivery import LeftSession
    from meetctl.ports import Backend, Clock
    from meetctl.services.delivery import Outbox

logger = logging.getLogger(__name__)

INTERVAL_S = 180.0
ROOM_HOLDS = timedelta(days=1)
"""For so long a room is taken to belong to the tenant whose it was."""

_CONCERNS_NONE = ("unreachable", "paused")
"""Failures that say nothing about the session whose turn it was."""
_CONCERNS_ALL = (*_CONCERNS_NONE, "timeout")
"""Failures after which no other session need be tried for now."""


class Outboxes(Protocol):
    """The outboxes of the sessions on this machine."""

    async def list_waiting(self) -> Sequence[str]:
        """Return the ids of sessions of which something may wait, oldest first; they may still run."""

    async def open(self, session_id: str) -> Outbox | None:
        """Return a session's outbox; None if it still runs, is being delivered, or has nothing left."""


class LeftBehind:
    """Delivers, now and then, what ended sessions have left."""

    def __init__(
        self,
        outboxes: Outboxes,
        backend: Backend,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outboxes = outboxes
        self._backend = backend
        self._clock = clock
        self._chance = chance
        self._failing: set[str] = set()
        """Sessions whose last try the backend failed."""
        self._said: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Deliver at once and then every few minutes, until cancelled."""
        while True:
            try:
                await self.deliver()
            except Exception:
                # Whatever is wrong with this round, such as no file that may be opened, the next may do.
                logger.exception("what sessions have left could not be delivered this time")
            await asyncio.sleep(INTERVAL_S * (1 + self._chance()) / 2)

    async def deliver(self) -> None:
        """Try each session once; what fails is said once in the log, and left for the next time.

        Those that failed last time come last: were the backend to fail only them, the others would wait for
        ever.
        """
        waiting = await self._outboxes.list_waiting()
        self._failing.intersection_update(waiting)
        for session_id in sorted(waiting, key=self._failing.__contains__):
            outbox = await self._outboxes.open(session_id)
            if outbox is None:
                continue
            self._failing.discard(session_id)
            try:
                await self._deliver_one(session_id, outbox)
            except BackendError as error:
                if error.reason not in _CONCERNS_NONE:
                    self._failing.add(session_id)
                self._say(session_id, f"it waits: {error.message}")
                if error.reason in _CONCERNS_ALL:
                    return
            except MeetctlError as error:
                self._say(session_id, error.message)
            except Exception:
                # Whatever is wrong with one session, the usage of the others is still delivered.
                logger.exception("the usage of session %s is not delivered", session_id)
            finally:
                await outbox.close()

    async def _deliver_one(self, session_id: str, outbox: Outbox) -> None:
        owner = await outbox.find_owner()
        if owner is not None:
            tenant_id = owner.tenant_id or await self._ask_tenant(owner)
            if tenant_id is None:
                self._say(session_id, "it is left where it is: nobody knows its tenant")
                return
            await deliver(outbox, self._backend, tenant_id)
            logger.info("delivered what session %s had left", session_id)
        await outbox.complete()

    async def _ask_tenant(self, owner: LeftSession) -> str | None:
        """Ask whose room it is; a room of long ago may have been given to somebody else."""
        if owner.began_at is None or self._clock.now() - owner.began_at > ROOM_HOLDS:
            return None
        tenant = await self._backend.get_tenant_by_room(owner.room)
        return tenant.id if tenant is not None else None

    def _say(self, session_id: str, text: str) -> None:
        if (session_id, text) not in self._said:
            self._said.add((session_id, text))
            logger.warning("the usage of session %s is not delivered; %s", session_id, text)
