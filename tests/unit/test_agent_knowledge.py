"""The tenant's knowledge for an answer: in time or not at all, and never another tenant's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.knowledge import LOOK_UP_S, NOT_SEARCHED, NOTHING_FOUND, KnowledgeFeed
from meetctl.agent.turn_words import TurnWords
from meetctl.agent.watched_backend import WatchedBackend
from meetctl.domain.material import KNOWLEDGE_PREAMBLE
from meetctl.domain.tenancy import KnowledgeHit, Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_S = 0.8
ACME = Tenant(id="acme", tier="starter")
REFUNDS = "Refunds take 14 days."
QUESTION = "How long do refunds take?"


class WritingBackend(FakeBackend):
    """Notes what it is asked, and gives whatever the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[tuple[str, str, int]] = []
        self.gives: tuple[KnowledgeHit, ...] | None = None
        self.error: Exception | None = None

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        self.queries.append((tenant_id, query, limit))
        found = await super().search_knowledge(tenant_id, query, limit=limit)
        if self.error is not None:
            raise self.error
        return found if self.gives is None else self.gives


class Scene:
    def __init__(self, tenant: Tenant | None = ACME) -> None:
        self.clock = LoopClock()
        self.sink = InMemoryEventSink(clock=self.clock)
        self.journal = MeetingJournal(self.sink)
        self.backend = WritingBackend()
        self.backend.add_knowledge("acme", "k1", REFUNDS, title="Refunds")
        self.backend.add_knowledge("globex", "k2", "Globex refunds nobody.", title="Refunds")
        self.tenant = tenant
        self.waits_s: list[float] = []
        self.feed = KnowledgeFeed(
            self.backend,
            tenant=lambda: self.tenant,
            journal=self.journal,
            clock=self.clock,
            wait_s=WAIT_S,
            waited=self.waits_s.append,
        )

    async def texts(self, turn: int = 1, question: str = QUESTION) -> list[str]:
        began_s = self.clock.monotonic()
        messages = await self.feed.messages(turn, question)
        assert self.clock.monotonic() - began_s <= WAIT_S + 1e-9
        assert all(message.role == "user" for message in messages)
        return [message.text_content or "" for message in messages]

    @property
    def searched(self) -> list[Mapping[str, Any]]:
        return self.sink.fields("knowledge.searched")


def test_what_was_found_while_the_person_spoke_costs_no_wait() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 0.3
        stage.feed.begin(1, QUESTION)
        await asyncio.sleep(1)
        assert await stage.texts() == [f"{KNOWLEDGE_PREAMBLE}\n[1] Refunds: {REFUNDS}"]
        assert stage.waits_s == [0]
        (event,) = stage.searched
        assert event == {
            "turn": 1,
            "asked_by": "agent",
            "outcome": "done",
            "duration_ms": 300,
            "used": True,
            "hits": 1,
            "dropped": 0,
            "sources": [{"id": "k1", "title": "Refunds", "score": event["sources"][0]["score"]}],
        }

    run_virtually(scene())


def test_an_answer_waits_for_the_rest_of_the_search_only() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 1.0
        stage.feed.begin(1, QUESTION)
        await asyncio.sleep(0.5)
        assert len(await stage.texts()) == 1
        assert stage.waits_s == [pytest.approx(0.5)]

    run_virtually(scene())


def test_a_search_that_comes_late_is_not_used_and_the_event_says_so() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 60
        stage.feed.begin(1, QUESTION)
        await asyncio.sleep(1)
        assert await stage.texts() == []
        assert stage.waits_s == [pytest.approx(WAIT_S)]
        await asyncio.sleep(100)
        assert await stage.texts() == []
        (event,) = stage.searched
        assert (event["outcome"], event["used"], event["duration_ms"]) == ("late", False, 1800)
        await stage.feed.close()

    run_virtually(scene())


def test_the_next_step_of_a_turn_has_the_same_and_waits_no_more() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 0.2
        assert await stage.texts() == await stage.texts()
        assert len(stage.waits_s) == len(stage.searched) == len(stage.backend.queries) == 1

    run_virtually(scene())


def test_the_last_words_of_a_turn_win() -> None:
    async def scene() -> None:
        stage = Scene()
        words = TurnWords(heard=stage.feed.begin)
        stage.journal.listen(words.read)
        stage.backend.delay_s = 0.3
        for text in ("How long", "do refunds take?"):
            stage.journal.write(
                "transcript",
                {"turn": 2, "role": "user", "participant": "maya", "text": text, "final": True},
            )
            await asyncio.sleep(0.1)
        assert len(await stage.texts(2)) == 1
        assert stage.backend.queries[-1] == ("acme", QUESTION, 3)
        assert len(stage.searched) == 1

    run_virtually(scene())


def test_newer_words_do_not_make_the_backend_look_slow() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 0.3
        watched = WatchedBackend(stage.backend, stage.journal, stage.clock)
        feed = KnowledgeFeed(
            watched, tenant=lambda: ACME, journal=stage.journal, clock=stage.clock, wait_s=WAIT_S
        )
        feed.begin(1, "How long")
        await asyncio.sleep(0.1)
        feed.begin(1, QUESTION)
        assert len(await feed.messages(1, QUESTION)) == 1
        assert [call["outcome"] for call in stage.sink.fields("backend.call")] == ["done", "done"]
        assert stage.sink.fields("backend.degraded") == []

    run_virtually(scene())


def test_another_turns_search_is_not_used() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.feed.begin(1, QUESTION)
        await asyncio.sleep(1)
        assert await stage.texts(2, "Yes, thanks.") == []
        (event,) = stage.searched
        assert (event["turn"], event["outcome"], event["reason"]) == (2, "skipped", "nothing to search for")

    run_virtually(scene())


def test_without_a_tenant_nothing_is_asked_and_nothing_waited_for() -> None:
    async def scene() -> None:
        stage = Scene(tenant=None)
        stage.feed.begin(1, QUESTION)
        assert await stage.texts() == await stage.texts() == []
        assert await stage.feed.look_up(1, "refunds") == NOT_SEARCHED
        assert (stage.backend.queries, stage.waits_s) == ([], [])
        assert [event["reason"] for event in stage.searched] == ["no tenant"]

    run_virtually(scene())


def test_a_tenant_that_is_known_only_at_the_answer_is_searched_for_then() -> None:
    async def scene() -> None:
        stage = Scene(tenant=None)
        stage.feed.begin(1, QUESTION)
        stage.tenant = Tenant(id="acme", tier="enterprise")
        assert len(await stage.texts()) == 1
        assert stage.backend.queries == [("acme", QUESTION, 10)]

    run_virtually(scene())


def test_what_was_found_for_another_tenant_is_never_given() -> None:
    async def scene() -> None:
        stage = Scene(tenant=Tenant(id="globex", tier="starter"))
        stage.feed.begin(1, QUESTION)
        await asyncio.sleep(1)
        stage.tenant = ACME
        assert await stage.texts() == [f"{KNOWLEDGE_PREAMBLE}\n[1] Refunds: {REFUNDS}"]
        assert stage.searched[0]["sources"][0]["id"] == "k1"

    run_virtually(scene())


def test_a_search_during_which_the_tenant_changes_is_not_used() -> None:
    async def scene() -> None:
        stage = Scene(tenant=Tenant(id="globex", tier="starter"))
        stage.backend.delay_s = 0.4
        asyncio.get_running_loop().call_later(0.1, setattr, stage, "tenant", ACME)
        assert await stage.texts() == []
        assert [(event["outcome"], event["sources"]) for event in stage.searched] == [("late", [])]

    run_virtually(scene())


def test_pieces_of_another_tenant_are_dropped_counted_and_told() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.gives = (
            KnowledgeHit(id="k9", text="Globex pays 40 percent less.", tenant_id="globex"),
            KnowledgeHit(id="k1", text=REFUNDS, tenant_id="acme"),
            KnowledgeHit(id="k3", text="Unmarked.", tenant_id=None),
        )
        (text,) = await stage.texts()
        assert "Globex" not in text
        found = await stage.feed.look_up(1, "What does globex pay?")
        assert "Globex" not in found
        assert [(event["hits"], event["dropped"]) for event in stage.searched] == [(3, 1), (3, 1)]
        assert "k9" not in str(stage.searched)
        assert (
            stage.sink.fields("error")
            == [{"component": "knowledge", "error": "ForeignKnowledge", "turn": 1, "dropped": 1}] * 2
        )

    run_virtually(scene())


@pytest.mark.parametrize("is_known", [True, False])
def test_a_backend_that_fails_costs_the_knowledge_and_nothing_else(
    is_known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        stage = Scene()
        if is_known:
            stage.backend.break_with("unreachable", "search_knowledge")
        else:
            stage.backend.error = RuntimeError(QUESTION)
        assert await stage.texts() == []
        assert await stage.feed.look_up(1, "refunds") == NOT_SEARCHED
        assert [event["outcome"] for event in stage.searched] == ["failed", "failed"]
        written = "".join(stage.sink.lines) + caplog.text
        assert QUESTION not in written
        assert ("unreachable" if is_known else "RuntimeError") in caplog.text

    run_virtually(scene())


def test_queries_never_reach_the_journal() -> None:
    async def scene() -> None:
        stage = Scene()
        await stage.texts()
        await stage.feed.look_up(1, "silver fox")
        written = "".join(stage.sink.lines)
        assert QUESTION not in written
        assert "fox" not in written

    run_virtually(scene())


def test_a_model_that_asks_waits_its_own_limit() -> None:
    async def scene() -> None:
        stage = Scene()
        assert (await stage.feed.look_up(1, "refunds")).endswith(f"[1] Refunds: {REFUNDS}")
        assert await stage.feed.look_up(1, "parking") == NOTHING_FOUND
        stage.backend.delay_s = 60
        began_s = stage.clock.monotonic()
        assert await stage.feed.look_up(1, "refunds") == NOT_SEARCHED
        assert stage.clock.monotonic() - began_s == pytest.approx(LOOK_UP_S)
        assert [event["asked_by"] for event in stage.searched] == ["model"] * 3
        assert stage.searched[-1]["outcome"] == "late"

    run_virtually(scene())


def test_an_interrupted_answer_leaves_the_search_for_the_next_one() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 0.5
        answer = asyncio.create_task(stage.feed.messages(1, QUESTION))
        await asyncio.sleep(0.1)
        answer.cancel()
        await asyncio.wait([answer])
        assert len(await stage.texts()) == 1
        assert len(stage.backend.queries) == 1

    run_virtually(scene())


def test_closing_ends_every_search() -> None:
    async def scene() -> None:
        stage = Scene()
        stage.backend.delay_s = 60
        stage.feed.begin(1, QUESTION)
        stage.feed.begin(2, QUESTION)
        await asyncio.sleep(0)
        await stage.feed.close()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "knowledge-search"]

    run_virtually(scene())
