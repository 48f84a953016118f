"""Whose meeting it is: asked at the start, never waited for long, found out later if need be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.tenancy import ADVANCED_VISION, LONGEST_PAUSE_S, PREMIUM_VOICE, MeetingTenancy
from meetctl.domain.events import JournalOwner
from meetctl.domain.tenancy import Personality, Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meetctl.errors import BackendFailure

ACME, GLOBEX = Tenant(id="acme", tier="enterprise"), Tenant(id="globex", tier="starter")
ADA = Personality(name="Ada", greeting="Hello from Acme.")
LIMIT_S = 2.0


def make_backend() -> FakeBackend:
    backend = FakeBackend()
    backend.set_tenant("acme-room", ACME)
    backend.set_flag("acme", ADVANCED_VISION)
    backend.set_flag("acme", PREMIUM_VOICE)
    backend.set_personality("acme", ADA)
    backend.set_tenant("globex-room", GLOBEX)
    return backend


class Meeting:
    """One meeting's journal and tenancy."""

    def __init__(self, backend: FakeBackend | None, room: str = "acme-room", ordered: str | None = None):
        owner = JournalOwner(session_id=f"session of {room}", tenant_id=ordered, room=room)
        self.sink = InMemoryEventSink(clock=LoopClock(), owner=owner)
        self.changes = 0
        self.tenancy = MeetingTenancy(
            room,
            ordered_tenant_id=ordered,
            backend=backend,
            journal=MeetingJournal(self.sink),
            assign_tenant=self.sink.assign_tenant,
            on_change=self._count,
            chance=lambda: 1.0,
        )

    @property
    def resolved(self) -> list[tuple[str | None, Any, Any]]:
        return [
            (event.tenant_id, event.fields["tier"], event.fields["source"])
            for event in self.sink.events
            if event.type == "tenant.resolved"
        ]

    def known(self) -> tuple[object, ...]:
        it = self.tenancy
        return it.tenant_id, it.advanced_vision, it.premium_voice, it.personality

    def _count(self) -> None:
        self.changes += 1


def play(scene: Callable[[FakeBackend], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(make_backend())

    run_virtually(run())


def test_everything_is_known_when_the_meeting_begins() -> None:
    async def scene(backend: FakeBackend) -> None:
        meeting = Meeting(backend)
        await meeting.tenancy.begin(LIMIT_S)
        assert meeting.known() == ("acme", True, True, ADA)
        assert meeting.tenancy.tier == "enterprise"
        assert meeting.resolved == [("acme", "enterprise", "backend")]
        await asyncio.sleep(1000)
        assert meeting.changes == 0
        assert len(backend.calls) == 4
        await meeting.tenancy.close()

    play(scene)


def test_everything_about_the_tenant_is_asked_at_once() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.delay_s = 0.5
        meeting = Meeting(backend)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await meeting.tenancy.begin(LIMIT_S)
        assert loop.time() - began == 1.0
        assert meeting.known() == ("acme", True, True, ADA)

    play(scene)


def test_meetings_of_two_tenants_never_see_each_others_data() -> None:
    async def scene(backend: FakeBackend) -> None:
        one, other = Meeting(backend), Meeting(backend, "globex-room")
        await asyncio.gather(one.tenancy.begin(LIMIT_S), other.tenancy.begin(LIMIT_S))
        assert one.known() == ("acme", True, True, ADA)
        assert other.known() == ("globex", False, False, None)
        assert {event.tenant_id for event in one.sink.events} == {"acme"}
        assert {event.tenant_id for event in other.sink.events} == {"globex"}

    play(scene)


def test_without_a_backend_the_order_names_the_tenant_and_nothing_else_is_known() -> None:
    async def scene(_: FakeBackend) -> None:
        meeting = Meeting(None, ordered="acme")
        await meeting.tenancy.begin(LIMIT_S)
        assert meeting.known() == ("acme", None, None, None)
        assert meeting.tenancy.tier is None
        assert meeting.resolved == [("acme", None, "dispatch")]
        await meeting.tenancy.close()
        nobodys = Meeting(None)
        await nobodys.tenancy.begin(LIMIT_S)
        assert (nobodys.tenancy.tenant, nobodys.sink.events) == (None, [])

    play(scene)


@pytest.mark.parametrize("reason", ["unreachable", "timeout", "refused", "wrong answer", "failed", "paused"])
def test_a_backend_that_fails_keeps_nobody_waiting_and_is_asked_again(reason: BackendFailure) -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.break_with(reason)
        meeting = Meeting(backend)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await meeting.tenancy.begin(LIMIT_S)
        assert loop.time() - began <= LIMIT_S
        assert meeting.known() == (None, None, None, None)
        await asyncio.sleep(600)
        backend.heal()
        await asyncio.sleep(LONGEST_PAUSE_S + 1)
        assert meeting.known() == ("acme", True, True, ADA)
        assert meeting.changes == 1
        assert meeting.resolved == [("acme", "enterprise", "backend")]

    play(scene)


def test_a_slow_backend_is_heard_when_it_answers() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.delay_s = 30
        meeting = Meeting(backend)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await meeting.tenancy.begin(LIMIT_S)
        assert loop.time() - began == LIMIT_S
        assert meeting.tenancy.tenant is None
        await asyncio.sleep(100)
        assert meeting.known() == ("acme", True, True, ADA)
        assert meeting.changes == 1

    play(scene)


def test_only_what_is_missing_is_asked_again() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.break_with("failed", "check_feature_flag")
        meeting = Meeting(backend)
        await meeting.tenancy.begin(0.5)
        assert meeting.known() == ("acme", None, None, ADA)
        backend.heal()
        await asyncio.sleep(10)
        assert meeting.known() == ("acme", True, True, ADA)
        asked = [procedure for procedure, _ in backend.calls]
        assert asked.count("get_tenant_by_room") == asked.count("get_ai_personality") == 1
        assert meeting.changes == 1

    play(scene)


def test_the_order_counts_where_the_backend_does_not_know_the_room() -> None:
    async def scene(backend: FakeBackend) -> None:
        meeting = Meeting(backend, "another-room", ordered="acme")
        await meeting.tenancy.begin(LIMIT_S)
        assert meeting.known() == ("acme", True, True, ADA)
        assert meeting.resolved == [("acme", None, "dispatch")]
        await asyncio.sleep(1000)
        assert len(backend.calls) == 4

    play(scene)


def test_the_order_counts_while_the_backend_is_silent() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.delay_s = 30
        meeting = Meeting(backend, ordered="acme")
        await meeting.tenancy.begin(LIMIT_S)
        assert meeting.resolved == [("acme", None, "dispatch")]
        await asyncio.sleep(100)
        assert meeting.resolved[1:] == [("acme", "enterprise", "backend")]
        assert meeting.sink.fields("log") == []

    play(scene)


def test_the_backend_decides_where_the_order_says_otherwise() -> None:
    async def scene(backend: FakeBackend) -> None:
        meeting = Meeting(backend, "globex-room", ordered="acme")
        await meeting.tenancy.begin(LIMIT_S)
        assert meeting.known() == ("globex", False, False, None)
        assert meeting.resolved == [("globex", "starter", "backend")]
        assert meeting.sink.fields("log") == [
            {
                "level": "warning",
                "message": "the dispatch names the tenant acme, the backend globex; the backend decides",
            }
        ]
        assert {whose for _, whose in backend.calls} == {None, "globex"}

    play(scene)


def test_what_was_learnt_for_the_ordered_tenant_is_forgotten_when_the_backend_names_another() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.break_with("failed", "get_tenant_by_room")
        meeting = Meeting(backend, "globex-room", ordered="acme")
        await meeting.tenancy.begin(0.5)
        assert meeting.known() == ("acme", True, True, ADA)
        backend.heal()
        backend.break_with("failed", "get_ai_personality")
        await asyncio.sleep(10)
        assert meeting.known() == ("globex", False, False, None)
        assert meeting.resolved == [("acme", None, "dispatch"), ("globex", "starter", "backend")]

    play(scene)


def test_a_room_that_becomes_known_later_is_found() -> None:
    async def scene(backend: FakeBackend) -> None:
        meeting = Meeting(backend, "new-room")
        await meeting.tenancy.begin(0.5)
        assert meeting.tenancy.tenant is None
        backend.set_tenant("new-room", ACME)
        await asyncio.sleep(10)
        assert meeting.known() == ("acme", True, True, ADA)

    play(scene)


def test_a_closed_meeting_asks_no_more() -> None:
    async def scene(backend: FakeBackend) -> None:
        backend.break_with("unreachable")
        meeting = Meeting(backend)
        await meeting.tenancy.begin(0.5)
        await meeting.tenancy.close()
        asked = len(backend.calls)
        await asyncio.sleep(1000)
        assert len(backend.calls) == asked

    play(scene)
