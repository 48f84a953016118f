"""Each call to the backend is an event, and so is what a meeting misses without it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.watched_backend import MISSING, WatchedBackend
from meetctl.core.variables import PROCEDURES
from meetctl.domain.tenancy import Personality, SessionEvent, Tenant
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from meetctl.errors import BackendFailure
    from meetctl.ports import Backend

EVERYTHING = [
    *("tenant", "features", "personality", "knowledge", "usage delivery", "session events", "tokens"),
]
EVENT = SessionEvent(key="s1:0", session_id="s1", room="demo", at="", kind="session.started", fields={})


class Scene:
    def __init__(self) -> None:
        self.inner = FakeBackend()
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.watched = WatchedBackend(self.inner, MeetingJournal(self.sink), LoopClock())
        self.backend: Backend = self.watched

    async def search(self) -> None:
        with suppress(BackendError):
            await self.backend.search_knowledge("acme", "a secret question", limit=3)

    async def ask_flag(self) -> None:
        with suppress(BackendError):
            await self.backend.check_feature_flag("acme", "use_premium_voice")

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(call["procedure"], call["outcome"]) for call in self.sink.fields("backend.call")]

    @property
    def changes(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [
            (event.type.partition(".")[2], event.fields)
            for event in self.sink.events
            if event.type in ("backend.degraded", "backend.recovered")
        ]


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(Scene())

    run_virtually(run())


def test_answers_and_arguments_go_through_unchanged() -> None:
    async def scene(it: Scene) -> None:
        tenant, personality = Tenant(id="acme", tier="enterprise"), Personality(name="Ada")
        it.inner.set_tenant("demo", tenant)
        it.inner.set_flag("acme", "use_premium_voice")
        it.inner.set_personality("acme", personality)
        it.inner.add_knowledge("acme", "k1", "Refunds take five days.")
        it.inner.add_knowledge("acme", "k2", "Refunds are free.")
        assert await it.backend.get_tenant_by_room("demo") == tenant
        assert await it.backend.check_feature_flag("acme", "use_premium_voice")
        assert await it.backend.get_ai_personality("acme") == personality
        assert len(await it.backend.search_knowledge("acme", "refunds", limit=1)) == 1
        assert (await it.backend.track_usage("acme", [])).accepted == 0
        await it.backend.record_session_event("acme", EVENT)
        assert it.inner.events("acme") == [EVENT]
        token = await it.backend.create_token("acme", "demo", "maya", name="Maya")
        assert token == await it.inner.create_token("acme", "demo", "maya", name="Maya")
        await it.backend.aclose()
        assert it.inner.is_closed
        assert it.outcomes == [
            ("livekit.getTenantByRoom", "done"),
            ("featureFlags.check", "done"),
            ("ai.getPersonality", "done"),
            ("knowledge.search", "done"),
            ("livekit.trackUsage", "done"),
            ("livekit.recordSessionEvent", "done"),
            ("livekit.createToken", "done"),
        ]
        assert it.changes == []

    play(scene)


def test_every_procedure_is_missed_by_a_name() -> None:
    assert set(MISSING) == set(PROCEDURES)
    assert [MISSING[name] for name in MISSING] == EVERYTHING


def test_a_call_says_how_long_it_took_and_nothing_of_what_was_said() -> None:
    async def scene(it: Scene) -> None:
        it.inner.delay_s = 0.25
        it.inner.add_knowledge("acme", "k1", "A secret answer to a question.")
        await it.search()
        assert it.sink.fields("backend.call") == [
            {"procedure": "knowledge.search", "duration_ms": 250.0, "outcome": "done"}
        ]
        assert "secret" not in "".join(it.sink.lines)

    play(scene)


@pytest.mark.parametrize("reason", ["refused", "not found", "wrong answer", "failed", "timeout", "paused"])
def test_a_procedure_that_fails_is_missed_alone(reason: BackendFailure) -> None:
    async def scene(it: Scene) -> None:
        it.inner.break_with(reason, "search_knowledge")
        await it.search()
        await it.search()
        await it.ask_flag()
        assert it.outcomes == [("knowledge.search", reason)] * 2 + [("featureFlags.check", "done")]
        assert it.changes == [("degraded", {"reason": reason, "missing": ["knowledge"]})]
        it.inner.heal()
        await asyncio.sleep(8)
        await it.search()
        assert it.changes[1:] == [("recovered", {"after_s": 8.0, "missing": []})]

    play(scene)


def test_a_backend_that_is_away_is_missed_as_a_whole_and_said_once() -> None:
    async def scene(it: Scene) -> None:
        it.inner.break_with("unreachable")
        await it.search()
        await it.ask_flag()
        assert it.changes == [("degraded", {"reason": "unreachable", "missing": EVERYTHING})]
        it.inner.heal()
        await asyncio.sleep(2.5)
        await it.ask_flag()
        await it.search()
        assert it.changes[1:] == [("recovered", {"after_s": 2.5, "missing": []})]

    play(scene)


def test_what_still_fails_after_a_recovery_is_said() -> None:
    async def scene(it: Scene) -> None:
        it.inner.break_with("refused", "search_knowledge")
        await it.search()
        it.inner.break_with("unreachable", "check_feature_flag")
        await it.ask_flag()
        it.inner.heal()
        it.inner.break_with("refused", "search_knowledge")
        await it.ask_flag()
        assert it.changes == [
            ("degraded", {"reason": "refused", "missing": ["knowledge"]}),
            ("degraded", {"reason": "unreachable", "missing": EVERYTHING}),
            ("recovered", {"after_s": 0.0, "missing": ["knowledge"]}),
        ]

    play(scene)


def test_a_call_that_its_caller_could_not_wait_for_timed_out() -> None:
    async def scene(it: Scene) -> None:
        it.inner.delay_s = 60
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.8):
                await it.search()
        assert it.sink.fields("backend.call") == [
            {"procedure": "knowledge.search", "duration_ms": 800.0, "outcome": "timeout"}
        ]
        assert it.changes == [("degraded", {"reason": "timeout", "missing": ["knowledge"]})]

    play(scene)


def test_a_procedure_paused_after_the_backend_was_away_is_missed_alone() -> None:
    async def scene(it: Scene) -> None:
        it.inner.break_with("unreachable")
        await it.search()
        it.inner.heal()
        it.inner.break_with("paused", "search_knowledge")
        await it.search()
        await it.ask_flag()
        await it.search()
        assert it.changes == [
            ("degraded", {"reason": "unreachable", "missing": EVERYTHING}),
            ("recovered", {"after_s": 0.0, "missing": []}),
            ("degraded", {"reason": "paused", "missing": ["knowledge"]}),
        ]

    play(scene)


def test_a_paused_procedure_stays_missed_alone() -> None:
    async def scene(it: Scene) -> None:
        it.inner.break_with("failed", "search_knowledge")
        await it.search()
        it.inner.break_with("paused", "search_knowledge")
        await it.search()
        assert it.changes == [("degraded", {"reason": "failed", "missing": ["knowledge"]})]

    play(scene)


def test_hushed_backend_still_answers_and_writes_nothing() -> None:
    async def scene(it: Scene) -> None:
        it.watched.hush()
        await it.ask_flag()
        it.inner.break_with("unreachable")
        await it.search()
        assert it.sink.events == []

    play(scene)
