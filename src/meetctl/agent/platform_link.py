"""A meeting's ties to the platform behind it: whose it is, what they know, and what they have used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.agent.knowledge import KnowledgeFeed
from meetctl.agent.tenancy import MeetingTenancy
from meetctl.agent.watched_backend import WatchedBackend
from meetctl.services.delivery import Delivery

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.order import MeetingOrder
    from meetctl.ports import Backend, Clock
    from meetctl.services.delivery import Outbox

TENANCY_LIMIT_S = 2.0
"""How long a meeting waits at its start to know whose it is."""
FINISH_LIMIT_S = 4.0
"""How long it waits at its end for the backend to take the last usage; the next worker delivers the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The platform's backend, and what of this session it has not been told yet."""

    backend: Backend
    outbox: Outbox


class PlatformLink:
    """What a meeting asks of the backend and tells it; without one, only the dispatch's tenant is known."""

    def __init__(
        self,
        room: str,
        order: MeetingOrder,
        platform: Platform | None,
        *,
        journal: MeetingJournal,
        clock: Clock,
        assign_tenant: Callable[[str], None],
        on_change: Callable[[], None],
        waited: Callable[[float], None],
    ) -> None:
        """Ask nothing yet.

        `assign_tenant` is told whose the next events are, `on_change` of what becomes known later than the
        start, and `waited` how many seconds an answer waited for knowledge.
        """
        self._platform = platform
        self._watched = WatchedBackend(platform.backend, journal, clock) if platform else None
        self.tenancy = MeetingTenancy(
            room,
            ordered_tenant_id=order.tenant_id,
            backend=self._watched,
            journal=journal,
            assign_tenant=assign_tenant,
            on_change=on_change,
        )
        self.knowledge: KnowledgeFeed | None = None
        """What the tenant knows; None without a backend."""
        self._delivery: Delivery | None = None
        if platform is not None and self._watched is not None:
            self.knowledge = KnowledgeFeed(
                self._watched,
                tenant=lambda: self.tenancy.tenant,
                journal=journal,
                clock=clock,
                wait_s=order.settings.knowledge_wait_s,
                waited=waited,
            )
            self._delivery = Delivery(
                platform.outbox, self._watched, tenant_id=lambda: self.tenancy.tenant_id
            )
            journal.listen(self._delivery.notice)

    @property
    def has_backend(self) -> bool:
        """Whether there is a backend at all, be it reachable or not."""
        return self._platform is not None

    async def begin(self) -> None:
        """Find out whose meeting it is, for a moment at most, and deliver usage from now on."""
        if self._delivery is not None:
            self._delivery.begin()
        await self.tenancy.begin(TENANCY_LIMIT_S)

    async def close(self) -> None:
        """Ask no more; call it before the session's last event."""
        if self._watched is not None:
            # First, because a call that is broken off here says nothing about the backend.
            self._watched.hush()
        await self.tenancy.close()
        if self.knowledge is not None:
            await self.knowledge.close()

    async def finish(self) -> None:
        """Deliver what can be delivered at once, and let go; call it after the session's last event."""
        if self._delivery is None or self._platform is None:
            return
        await self._delivery.finish(FINISH_LIMIT_S)
        async with asyncio.timeout(FINISH_LIMIT_S):
            await self._platform.backend.aclose()
