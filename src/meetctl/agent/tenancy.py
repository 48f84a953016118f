"""Whose meeting it is, and what the backend says about them: known at the start, or as soon as it can be."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from meetctl.domain.pauses import growing_pauses
from meetctl.domain.tenancy import Tenant
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.tenancy import Personality
    from meetctl.ports import Backend

logger = logging.getLogger(__name__)

ADVANCED_VISION = "use_advanced_vision"
PREMIUM_VOICE = "use_premium_voice"
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class MeetingTenancy:
    """One meeting's tenant, features and personality; what is not known yet is None.

    It belongs to one meeting and shares nothing with another's.
    """

    def __init__(
        self,
        room: str,
        *,
        ordered_tenant_id: str | None,
        backend: Backend | None,
        journal: MeetingJournal,
        assign_tenant: Callable[[str], None],
        on_change: Callable[[], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Ask `backend` for the tenant of `room`, and take `ordered_tenant_id` where it does not say.

        `assign_tenant` is told whose the journal's next events are, and `on_change` of everything that
        becomes known after `begin` has returned.
        """
        self._room = room
        self._ordered_tenant_id = ordered_tenant_id
        self._backend = backend
        self._journal = journal
        self._assign_tenant = assign_tenant
        self._on_change = on_change
        self._pauses = growing_pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S, chance)
        self._tenant: Tenant | None = None
        self._is_settled = False
        self._flags: dict[str, bool] = {}
        self._personality: Personality | None = None
        self._knows_personality = False
        self._has_begun = False
        self._asking: asyncio.Task[None] | None = None

    @property
    def tenant(self) -> Tenant | None:
        """Whose meeting it is, as the backend or else the dispatch says."""
        return self._tenant

    @property
    def tenant_id(self) -> str | None:
        """The tenant's id."""
        return self._tenant.id if self._tenant is not None else None

    @property
    def tier(self) -> str | None:
        """The tenant's tier; only the backend knows it."""
        return (self._tenant.tier or None) if self._tenant is not None else None

    @property
    def advanced_vision(self) -> bool | None:
        """Whether the tenant may have images looked at closely."""
        return self._flags.get(ADVANCED_VISION)

    @property
    def premium_voice(self) -> bool | None:
        """Whether the tenant may have the better voice."""
        return self._flags.get(PREMIUM_VOICE)

    @property
    def personality(self) -> Personality | None:
        """How the tenant's agent presents itself; None also where nothing is set."""
        return self._personality

    async def begin(self, limit_s: float) -> None:
        """Find out what can be found out within `limit_s`, and go on with the rest in the background."""
        if self._backend is not None:
            self._asking = asyncio.create_task(self._ask(self._backend), name="tenancy")
            await asyncio.wait({self._asking}, timeout=limit_s)
        self._fall_back_on_order()
        self._has_begun = True

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _ask(self, backend: Backend) -> None:
        """Ask until everything is known; each failure is in the journal already, by the watched backend."""
        for pause_s in self._pauses:
            before = self._known()
            if not self._is_settled:
                await self._ask_tenant(backend)
            if self._tenant is not None:
                await self._ask_features(backend, self._tenant.id)
            if self._has_begun and self._known() != before:
                self._on_change()
            if self._is_settled and len(self._flags) == 2 and self._knows_personality:
                return
            await asyncio.sleep(pause_s)

    async def _ask_tenant(self, backend: Backend) -> None:
        try:
            found = await backend.get_tenant_by_room(self._room)
        except BackendError:
            self._fall_back_on_order()
            return
        if found is None:
            self._fall_back_on_order()
            # Without any tenant it goes on asking: a room may become known a little after its meeting began.
            self._is_settled = self._tenant is not None
            return
        self._is_settled = True
        ordered = self._ordered_tenant_id
        if ordered is not None and ordered != found.id:
            message = f"the dispatch names the tenant {ordered}, the backend {found.id}; the backend decides"
            self._journal.write("log", {"level": "warning", "message": message})
        if self._tenant is not None and self._tenant.id != found.id:
            # What was asked for another tenant is not this one's.
            self._flags.clear()
            self._personality, self._knows_personality = None, False
        self._resolve(found, "backend")

    async def _ask_features(self, backend: Backend, tenant_id: str) -> None:
        async def ask_flag(flag: str) -> None:
            with suppress(BackendError):
                self._flags[flag] = await backend.check_feature_flag(tenant_id, flag)

        async def ask_personality() -> None:
            with suppress(BackendError):
                self._personality = await backend.get_ai_personality(tenant_id)
                self._knows_personality = True

        asking = [ask_flag(flag) for flag in (ADVANCED_VISION, PREMIUM_VOICE) if flag not in self._flags]
        if not self._knows_personality:
            asking.append(ask_personality())
        await asyncio.gather(*asking)

    def _fall_back_on_order(self) -> None:
        if self._tenant is None and self._ordered_tenant_id is not None:
            self._resolve(Tenant(id=self._ordered_tenant_id, tier=""), "dispatch")

    def _resolve(self, tenant: Tenant, source: Literal["backend", "dispatch"]) -> None:
        self._tenant = tenant
        self._assign_tenant(tenant.id)
        self._journal.write("tenant.resolved", {"tier": tenant.tier or None, "source": source})

    def _known(self) -> tuple[object, ...]:
        return (self._tenant, dict(self._flags), self._personality)
