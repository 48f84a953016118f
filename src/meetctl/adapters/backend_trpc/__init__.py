"""The platform's backend over tRPC: docs/backend.md says what is asked, and what must be answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetools import TTLCache

from meetctl.adapters.backend_trpc.answers import (
    read_flag,
    read_hits,
    read_nothing,
    read_personality,
    read_receipt,
    read_tenant,
    read_token,
)
from meetctl.adapters.backend_trpc.calls import CallLimits, ProcedureCaller
from meetctl.adapters.backend_trpc.inputs import write_event, write_usage
from meetctl.adapters.backend_trpc.procedures import (
    CHECK_FEATURE_FLAG,
    CREATE_TOKEN,
    GET_AI_PERSONALITY,
    GET_TENANT_BY_ROOM,
    PROCEDURES,
    RECORD_SESSION_EVENT,
    SEARCH_KNOWLEDGE,
    TRACK_USAGE,
)
from meetctl.domain.tenancy import UsageReceipt
from meetctl.errors import UsageError

if TYPE_CHECKING:
    import httpx

    from meetctl.core.config import BackendAccess
    from meetctl.domain.tenancy import (
        KnowledgeHit,
        Personality,
        RoomToken,
        SessionEvent,
        Tenant,
        UsageRecord,
    )
    from meetctl.ports import Clock

__all__ = ["CallLimits", "TrpcBackend"]

_CACHED_S = 60.0
_CACHED_ANSWERS = 1024
_LONGEST_QUERY = 1000
"""Characters of a search: its input is part of an address, and servers refuse long ones."""


class TrpcBackend:
    """The Backend port on a tRPC 11 server over HTTP.

    Flags and personalities are remembered for a minute, each tenant's apart; failures are not. Every error is
    a BackendError whose message names the procedure, and holds neither the key nor what the backend said.
    """

    def __init__(
        self,
        access: BackendAccess,
        clock: Clock,
        *,
        limits: CallLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet; `transport` replaces the network.

        Raises:
            UsageError: A procedure is given another name that is none of ours.
        """
        unknown = access.procedures.keys() - {procedure.name for procedure in PROCEDURES}
        if unknown:
            raise UsageError(
                f"the agent asks the backend for no procedure {min(unknown)!r}, so it can have no other name",
                hint="the names are " + ", ".join(procedure.name for procedure in PROCEDURES),
            )
        self._caller = ProcedureCaller(access, clock, limits or CallLimits(), transport)
        self._flags: TTLCache[tuple[str, str], bool] = TTLCache(
            _CACHED_ANSWERS, _CACHED_S, timer=clock.monotonic
        )
        self._personalities: TTLCache[str, Personality | None] = TTLCache(
            _CACHED_ANSWERS, _CACHED_S, timer=clock.monotonic
        )

    async def get_tenant_by_room(self, room: str) -> Tenant | None:
        """Return whose room it is; None when the backend does not know the room."""
        return await self._caller.call(GET_TENANT_BY_ROOM, {"roomName": room}, read_tenant)

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        """Report usage; nothing is sent where there is none."""
        if not records:
            return UsageReceipt(accepted=0, duplicates=0)
        value = {"tenantId": tenant_id, "events": [write_usage(record) for record in records]}
        return await self._caller.call(TRACK_USAGE, value, read_receipt(len(records)))

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        """Return what the backend found, best first; of a very long query only the end is searched for."""
        value = {"tenantId": tenant_id, "query": query[-_LONGEST_QUERY:], "limit": limit}
        return await self._caller.call(SEARCH_KNOWLEDGE, value, read_hits(limit))

    async def check_feature_flag(self, tenant_id: str, flag: str) -> bool:
        """Tell whether the tenant has a feature, as of at most a minute ago."""
        known = self._flags.get((tenant_id, flag))
        if known is None:
            value = {"tenantId": tenant_id, "flag": flag}
            known = await self._caller.call(CHECK_FEATURE_FLAG, value, read_flag)
            self._flags[tenant_id, flag] = known
        return known

    async def get_ai_personality(self, tenant_id: str) -> Personality | None:
        """Return how the tenant's agent presents itself, as of at most a minute ago."""
        try:
            return self._personalities[tenant_id]
        except KeyError:
            value = {"tenantId": tenant_id}
            personality = await self._caller.call(GET_AI_PERSONALITY, value, read_personality)
        self._personalities[tenant_id] = personality
        return personality

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        """Report what happened in a session."""
        value = {"tenantId": tenant_id, "event": write_event(event)}
        await self._caller.call(RECORD_SESSION_EVENT, value, read_nothing)

    async def create_token(self, tenant_id: str, room: str, identity: str, *, name: str = "") -> RoomToken:
        """Return a token for a person; asked for once, whatever happens."""
        value = {"tenantId": tenant_id, "roomName": room, "identity": identity}
        if name:
            value["name"] = name
        return await self._caller.call(CREATE_TOKEN, value, read_token)

    async def aclose(self) -> None:
        """Close its connections; later calls fail."""
        await self._caller.aclose()
