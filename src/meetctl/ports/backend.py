"""The platform behind the meetings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.tenancy import (
        KnowledgeHit,
        Personality,
        RoomToken,
        SessionEvent,
        Tenant,
        UsageReceipt,
        UsageRecord,
    )


class Backend(Protocol):
    """The platform behind the meetings: tenants, knowledge, usage.

    Every call may raise BackendError, whose `reason` says how it failed. Whatever is said to it after the
    first question carries the tenant.
    """

    async def get_tenant_by_room(self, room: str) -> Tenant | None:
        """Return whose room it is; None when the backend does not know the room."""

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        """Report usage; safe to repeat, because each record's key counts once.

        Raises BackendError too when not every record was counted.
        """

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        """Return at most `limit` pieces of the tenant's knowledge, best first."""

    async def check_feature_flag(self, tenant_id: str, flag: str) -> bool:
        """Tell whether the tenant has a feature."""

    async def get_ai_personality(self, tenant_id: str) -> Personality | None:
        """Return how the tenant's agent presents itself; None when nothing is set."""

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        """Report what happened in a session; safe to repeat, because its key counts once."""

    async def create_token(self, tenant_id: str, room: str, identity: str, *, name: str = "") -> RoomToken:
        """Return a token for a person; repeated only by whoever wants another one."""

    async def aclose(self) -> None:
        """Let go of its connections."""
