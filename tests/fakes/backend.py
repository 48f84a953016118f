"""The platform's backend in memory, with the faults of a real one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.domain.tenancy import KnowledgeHit, RoomToken, UsageReceipt
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.tenancy import Personality, SessionEvent, Tenant, UsageRecord
    from meetctl.errors import BackendFailure


class FakeBackend:
    """The Backend port over dictionaries; the `set_…` methods say what it knows.

    Procedures are named as in `ports.Backend`, such as "track_usage".
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []
        """Which procedure was called for which tenant, failed calls included."""
        self.delay_s = 0.0
        """How long every call takes."""
        self.is_closed = False
        self._tenants: dict[str, Tenant] = {}
        self._flags: dict[tuple[str, str], bool] = {}
        self._personalities: dict[str, Personality] = {}
        self._knowledge: list[tuple[str, KnowledgeHit]] = []
        self._usage: dict[str, tuple[str, UsageRecord]] = {}
        self._events: dict[str, tuple[str, SessionEvent]] = {}
        self._faults: dict[str | None, BackendFailure] = {}
        self._losing: set[str | None] = set()

    def set_tenant(self, room: str, tenant: Tenant) -> None:
        self._tenants[room] = tenant

    def set_flag(self, tenant_id: str, flag: str, enabled: bool = True) -> None:
        self._flags[tenant_id, flag] = enabled

    def set_personality(self, tenant_id: str, personality: Personality) -> None:
        self._personalities[tenant_id] = personality

    def add_knowledge(
        self, tenant_id: str, id: str, text: str, *, title: str | None = None, url: str | None = None
    ) -> None:
        hit = KnowledgeHit(id=id, text=text, title=title, tenant_id=tenant_id, url=url)
        self._knowledge.append((tenant_id, hit))

    def usage(self, tenant_id: str | None = None) -> list[UsageRecord]:
        """Return what was counted, each key once, in the order in which it came."""
        return [record for whose, record in self._usage.values() if tenant_id in (None, whose)]

    def events(self, tenant_id: str | None = None) -> list[SessionEvent]:
        return [event for whose, event in self._events.values() if tenant_id in (None, whose)]

    def break_with(self, reason: BackendFailure, procedure: str | None = None) -> None:
        """Let one procedure fail so, or every one, until it is healed; a failed call changes nothing."""
        self._faults[procedure] = reason

    def lose_answers(self, procedure: str | None = None) -> None:
        """Do what is asked and fail afterwards, as when the connection breaks before the answer."""
        self._losing.add(procedure)

    def heal(self) -> None:
        self._faults.clear()
        self._losing.clear()
        self.delay_s = 0.0

    async def get_tenant_by_room(self, room: str) -> Tenant | None:
        await self._begin("get_tenant_by_room", None)
        self._end("get_tenant_by_room")
        return self._tenants.get(room)

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        await self._begin("track_usage", tenant_id)
        accepted = 0
        for record in records:
            if record.key not in self._usage:
                self._usage[record.key] = (tenant_id, record)
                accepted += 1
        self._end("track_usage")
        return UsageReceipt(accepted=accepted, duplicates=len(records) - accepted)

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        await self._begin("search_knowledge", tenant_id)
        wanted = _words(query)
        found = []
        for whose, hit in self._knowledge:
            shared = len(wanted & _words(f"{hit.title or ''} {hit.text}"))
            if whose == tenant_id and shared:
                found.append((shared / len(wanted), hit))
        found.sort(key=lambda scored: -scored[0])
        self._end("search_knowledge")
        return tuple(
            KnowledgeHit(
                id=hit.id, text=hit.text, title=hit.title, score=score, tenant_id=hit.tenant_id, url=hit.url
            )
            for score, hit in found[:limit]
        )

    async def check_feature_flag(self, tenant_id: str, flag: str) -> bool:
        await self._begin("check_feature_flag", tenant_id)
        self._end("check_feature_flag")
        return self._flags.get((tenant_id, flag), False)

    async def get_ai_personality(self, tenant_id: str) -> Personality | None:
        await self._begin("get_ai_personality", tenant_id)
        self._end("get_ai_personality")
        return self._personalities.get(tenant_id)

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        await self._begin("record_session_event", tenant_id)
        self._events.setdefault(event.key, (tenant_id, event))
        self._end("record_session_event")

    async def create_token(self, tenant_id: str, room: str, identity: str, *, name: str = "") -> RoomToken:
        await self._begin("create_token", tenant_id)
        self._end("create_token")
        return RoomToken(token=f"token of {name or identity} for {room}", url="ws://127.0.0.1:7880")

    async def aclose(self) -> None:
        self.is_closed = True

    async def _begin(self, procedure: str, tenant_id: str | None) -> None:
        self.calls.append((procedure, tenant_id))
        await asyncio.sleep(self.delay_s)
        if self.is_closed:
            raise BackendError(f"{procedure}: the backend's client is closed", reason="paused")
        if reason := self._faults.get(procedure, self._faults.get(None)):
            raise BackendError(f"{procedure}: the fake backend fails", reason=reason)

    def _end(self, procedure: str) -> None:
        if self._losing & {procedure, None}:
            raise BackendError(f"{procedure}: the answer was lost", reason="unreachable")


def _words(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
