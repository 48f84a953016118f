"""Knowledge for an answer: searched for while the person still speaks, and never waited for long."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import llm

from meetctl.domain.material import fit_knowledge, format_knowledge
from meetctl.domain.spoken_words import is_small_talk
from meetctl.domain.tenancy import knowledge_limit
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.tenancy import KnowledgeHit, Tenant
    from meetctl.ports import Backend, Clock

logger = logging.getLogger(__name__)

LONGEST_QUERY = 1000
"""Characters; of a longer turn, the last ones are searched for."""

LOOK_UP_S = 3.0
"""How long a search that the model asked for may take."""

NOTHING_FOUND = "Nothing was found."
NOT_SEARCHED = "The knowledge cannot be searched now."

AskedBy = Literal["agent", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a search came to."""

    outcome: Literal["done", "failed"]
    duration_s: float
    hits: tuple[KnowledgeHit, ...] = ()
    """What may be used, within the limits."""
    count: int = 0
    """How many pieces the backend gave."""
    foreign: int = 0
    """How many of them are another tenant's."""


@dataclass(slots=True, kw_only=True)
class _Search:
    """A search for one turn's answer."""

    turn: int
    tenant_id: str
    began_s: float
    task: asyncio.Task[_Found]
    messages: list[llm.ChatMessage] | None = field(default=None)
    """What the model gets of it; None as long as nobody has waited for it."""


class KnowledgeFeed:
    """Searches the tenant's knowledge for each turn, and for the model when it asks."""

    def __init__(
        self,
        backend: Backend,
        *,
        tenant: Callable[[], Tenant | None],
        journal: MeetingJournal,
        clock: Clock,
        wait_s: float,
        waited: Callable[[float], None] | None = None,
    ) -> None:
        """Begin without a search; an answer waits at most `wait_s`, and `waited` is told how long it did."""
        self._backend = backend
        self._tenant = tenant
        self._journal = journal
        self._clock = clock
        self._wait_s = wait_s
        self._waited = waited
        self._search: _Search | None = None
        self._skipped_turn: int | None = None
        self._running: set[asyncio.Task[_Found]] = set()

    def begin(self, turn: int, text: str) -> None:
        """Search for all that was said in a turn so far, in place of an earlier search; does not block."""
        tenant = self._tenant()
        if tenant is not None and not is_small_talk(text):
            self._search = self._start(turn, text, tenant)

    async def messages(self, turn: int, question: str) -> list[llm.ChatMessage]:
        """Return the message with what was found for a turn, or nothing; the same for each of its requests.

        Waits for the search under way, at most as long as an answer may wait. `question` is what to search
        for where nothing was heard before, as in a typed message.
        """
        tenant = self._tenant()
        search = self._search
        is_ours = tenant is not None and search is not None and search.tenant_id == tenant.id
        if search is None or not is_ours or search.turn != turn:
            if tenant is None or is_small_talk(question):
                self._skip(turn, "no tenant" if tenant is None else "nothing to search for")
                return []
            search = self._search = self._start(turn, question, tenant)
        if search.messages is None:
            search.messages = await self._wait_for(search)
        return list(search.messages)

    async def look_up(self, turn: int | None, query: str) -> str:
        """Search for what the model asks, in the meeting's own knowledge, and return it as material."""
        tenant = self._tenant()
        if tenant is None:
            return NOT_SEARCHED
        began_s = self._clock.monotonic()
        task = self._run(query, tenant)
        try:
            await asyncio.wait({task}, timeout=LOOK_UP_S)
        finally:
            task.cancel()
        found = self._settle(task, tenant.id)
        self._tell(turn, "model", found, began_s)
        if found is None or found.outcome == "failed":
            return NOT_SEARCHED
        return format_knowledge(found.hits) if found.hits else NOTHING_FOUND

    async def close(self) -> None:
        """Search no longer."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _start(self, turn: int, text: str, tenant: Tenant) -> _Search:
        # An earlier search goes on unused: to break it off would look like a backend that is too slow.
        return _Search(
            turn=turn,
            tenant_id=tenant.id,
            began_s=self._clock.monotonic(),
            task=self._run(text, tenant),
        )

    def _run(self, text: str, tenant: Tenant) -> asyncio.Task[_Found]:
        task = asyncio.create_task(self._find(text, tenant), name="knowledge-search")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _find(self, text: str, tenant: Tenant) -> _Found:
        began_s = self._clock.monotonic()
        limit = knowledge_limit(tenant.tier)
        try:
            hits = await self._backend.search_knowledge(tenant.id, text[-LONGEST_QUERY:], limit=limit)
        except Exception as error:  # noqa: BLE001  whatever it fails with, the answer goes without knowledge
            reason = error.reason if isinstance(error, BackendError) else type(error).__name__
            logger.warning("knowledge was not searched: %s", reason)
            return _Found(outcome="failed", duration_s=self._clock.monotonic() - began_s)
        own = [hit for hit in hits if hit.tenant_id in (None, tenant.id)]
        return _Found(
            outcome="done",
            duration_s=self._clock.monotonic() - began_s,
            hits=fit_knowledge(own, most=limit),
            count=len(hits),
            foreign=len(hits) - len(own),
        )

    async def _wait_for(self, search: _Search) -> list[llm.ChatMessage]:
        began_s = self._clock.monotonic()
        await asyncio.wait({search.task}, timeout=self._wait_s)
        if self._waited is not None:
            self._waited(self._clock.monotonic() - began_s)
        # What comes later is not used; nothing of it need go on.
        search.task.cancel()
        found = self._settle(search.task, search.tenant_id)
        self._tell(search.turn, "agent", found, search.began_s)
        if found is None or not found.hits:
            return []
        # With a person's authority, not with the instructions': it was written by people who are not asked.
        return [llm.ChatMessage(role="user", content=[format_knowledge(found.hits)])]

    def _settle(self, task: asyncio.Task[_Found], tenant_id: str) -> _Found | None:
        """Return what a search came to; None when it was not done before its time was over.

        That is also so where the meeting has turned out to be another tenant's in the meantime.
        """
        tenant = self._tenant()
        is_over = not task.done() or task.cancelled() or tenant is None or tenant.id != tenant_id
        return None if is_over else task.result()

    def _skip(self, turn: int, reason: str) -> None:
        if turn != self._skipped_turn:
            self._skipped_turn = turn
            self._write(turn, "agent", {"outcome": "skipped", "reason": reason, "duration_ms": 0})

    def _tell(self, turn: int | None, asked_by: AskedBy, found: _Found | None, began_s: float) -> None:
        """Journal a search; None is one that was late."""
        if found is None:
            duration_s = self._clock.monotonic() - began_s
            self._write(turn, asked_by, {"outcome": "late", "duration_ms": round(duration_s * 1000)})
            return
        if found.foreign:
            self._journal.write(
                "error",
                {
                    "component": "knowledge",
                    "error": "ForeignKnowledge",
                    "turn": turn,
                    "dropped": found.foreign,
                },
            )
            logger.error("the backend gave %d pieces of another tenant's knowledge: dropped", found.foreign)
        self._write(
            turn,
            asked_by,
            {
                "outcome": found.outcome,
                "duration_ms": round(found.duration_s * 1000),
                "used": bool(found.hits),
                "hits": found.count,
                "dropped": found.foreign,
                "sources": [{"id": h.id, "title": h.title, "score": h.score} for h in found.hits],
            },
        )

    def _write(self, turn: int | None, asked_by: AskedBy, fields: dict[str, Any]) -> None:
        nothing = {"used": False, "hits": 0, "dropped": 0, "sources": []}
        self._journal.write("knowledge.searched", {"turn": turn, "asked_by": asked_by, **nothing, **fields})
