"""The backend as a meeting talks to it: each call is an event, and so is what is missing without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from meetctl.errors import BackendError, BackendFailure

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.tenancy import (
        KnowledgeHit,
        Personality,
        RoomToken,
        SessionEvent,
        Tenant,
        UsageReceipt,
        UsageRecord,
    )
    from meetctl.ports import Backend, Clock

Outcome = Literal["done"] | BackendFailure
"""What becomes of a call."""

_Answer = TypeVar("_Answer")

MISSING = {
    "livekit.getTenantByRoom": "tenant",
    "featureFlags.check": "features",
    "ai.getPersonality": "personality",
    "knowledge.search": "knowledge",
    "livekit.trackUsage": "usage delivery",
    "livekit.recordSessionEvent": "session events",
    "livekit.createToken": "tokens",
}
"""What the meeting is without while a procedure fails."""


class WatchedBackend:
    """The Backend port around another, telling the journal of every call.

    A backend that cannot be reached is missed as a whole; one that fails otherwise is missed only for the
    procedure that failed, because the others may well work.
    """

    def __init__(self, backend: Backend, journal: MeetingJournal, clock: Clock) -> None:
        self._backend = backend
        self._journal = journal
        self._clock = clock
        self._is_hushed = False
        self._away_since: float | None = None
        self._failing_since: dict[str, float] = {}

    def hush(self) -> None:
        """Write no events any more: the session's last one has been written."""
        self._is_hushed = True

    async def get_tenant_by_room(self, room: str) -> Tenant | None:
        """Return whose room it is; None when the backend does not know the room."""
        return await self._watch("livekit.getTenantByRoom", self._backend.get_tenant_by_room(room))

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        """Report usage; safe to repeat, because each record's key counts once."""
        return await self._watch("livekit.trackUsage", self._backend.track_usage(tenant_id, records))

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        """Return at most `limit` pieces of the tenant's knowledge, best first."""
        call = self._backend.search_knowledge(tenant_id, query, limit=limit)
        return await self._watch("knowledge.search", call)

    async def check_feature_flag(self, tenant_id: str, flag: str) -> bool:
        """Tell whether the tenant has a feature."""
        return await self._watch("featureFlags.check", self._backend.check_feature_flag(tenant_id, flag))

    async def get_ai_personality(self, tenant_id: str) -> Personality | None:
        """Return how the tenant's agent presents itself; None when nothing is set."""
        return await self._watch("ai.getPersonality", self._backend.get_ai_personality(tenant_id))

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        """Report what happened in a session; safe to repeat, because its key counts once."""
        call = self._backend.record_session_event(tenant_id, event)
        await self._watch("livekit.recordSessionEvent", call)

    async def create_token(self, tenant_id: str, room: str, identity: str, *, name: str = "") -> RoomToken:
        """Return a token for a person; repeated only by whoever wants another one."""
        call = self._backend.create_token(tenant_id, room, identity, name=name)
        return await self._watch("livekit.createToken", call)

    async def aclose(self) -> None:
        """Let go of its connections."""
        await self._backend.aclose()

    async def _watch(self, procedure: str, call: Awaitable[_Answer]) -> _Answer:
        began = self._clock.monotonic()
        try:
            answer = await call
        except BackendError as error:
            self._note(procedure, began, error.reason)
            raise
        except asyncio.CancelledError:
            # Whoever asked had no more time to wait.
            self._note(procedure, began, "timeout")
            raise
        self._note(procedure, began, "done")
        return answer

    def _note(self, procedure: str, began: float, outcome: Outcome) -> None:
        if self._is_hushed:
            return
        now = self._clock.monotonic()
        duration_ms = round((now - began) * 1000, 1)
        self._journal.write(
            "backend.call", {"procedure": procedure, "duration_ms": duration_ms, "outcome": outcome}
        )
        if outcome == "done":
            self._recover(procedure, now)
        elif outcome == "unreachable":
            if self._away_since is None:
                self._away_since = now
                self._degrade(outcome)
        elif self._away_since is None and procedure not in self._failing_since:
            self._failing_since[procedure] = now
            self._degrade(outcome)

    def _degrade(self, reason: BackendFailure) -> None:
        self._journal.write("backend.degraded", {"reason": reason, "missing": self._missing()})

    def _recover(self, procedure: str, now: float) -> None:
        """Any answer shows that the backend is there; of a procedure it shows only that this one works."""
        since = [self._failing_since.pop(procedure, None), self._away_since]
        self._away_since = None
        known = [moment for moment in since if moment is not None]
        if known:
            self._journal.write(
                "backend.recovered", {"after_s": round(now - min(known), 3), "missing": self._missing()}
            )

    def _missing(self) -> list[str]:
        away = self._away_since is not None
        return [missed for name, missed in MISSING.items() if away or name in self._failing_since]
