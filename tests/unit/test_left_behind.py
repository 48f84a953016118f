"""What ended sessions have left is delivered to the right tenant, once, or left where it is and said."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import ManualClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.outbox import InMemoryOutbox, InMemoryOutboxes

from meetctl.domain.events import JournalOwner
from meetctl.domain.tenancy import Tenant
from meetctl.errors import BackendError
from meetctl.services.left_behind import INTERVAL_S, LeftBehind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.tenancy import UsageRecord

USE = {"audio_s": 60, "provider": "deepgram", "model": "nova-3", "usd": "0.0043", "basis": "reported"}
HOUR_US = 3_600_000_000


class Machine:
    """Ended sessions on a machine, and the worker that delivers what they left."""

    def __init__(self, backend: FakeBackend | None = None) -> None:
        self.clock = ManualClock()
        self.backend = backend or FakeBackend()
        self.outboxes = InMemoryOutboxes({})
        self.left = LeftBehind(self.outboxes, self.backend, self.clock, chance=lambda: 1.0)

    def leave(self, session_id: str, tenant_id: str | None = None, *, room: str = "demo") -> InMemoryOutbox:
        owner = JournalOwner(session_id=session_id, tenant_id=tenant_id, room=room)
        sink = InMemoryEventSink(clock=self.clock, owner=owner)
        sink.append("session.started", {})
        sink.append("stt.usage", USE)
        self.outboxes.outboxes[session_id] = outbox = InMemoryOutbox(sink)
        return outbox

    def deliver(self) -> None:
        run_virtually(self.left.deliver())

    def usage(self, tenant_id: str) -> list[str]:
        return [record.key for record in self.backend.usage(tenant_id)]


def test_each_session_goes_to_its_own_tenant_and_once() -> None:
    machine = Machine()
    one, two = machine.leave("s1", "acme"), machine.leave("s2", "globex")
    machine.deliver()
    machine.deliver()
    assert (machine.usage("acme"), machine.usage("globex")) == (["s1:1"], ["s2:1"])
    assert len(machine.backend.calls) == 4
    assert one.is_complete
    assert two.is_complete
    assert not one.is_open


def test_a_session_that_runs_is_left_to_itself() -> None:
    machine = Machine()
    machine.leave("s1", "acme")
    machine.outboxes.running.add("s1")
    machine.deliver()
    assert machine.backend.calls == []
    machine.outboxes.running.clear()
    machine.deliver()
    assert machine.usage("acme") == ["s1:1"]


def test_what_was_confirmed_is_not_delivered_again() -> None:
    machine = Machine()
    outbox = machine.leave("s1", "acme")
    outbox.sink.append("stt.usage", USE)
    outbox.seqs = {"usage": 1, "session": 0}
    machine.deliver()
    assert machine.usage("acme") == ["s1:2"]
    assert machine.backend.events() == []


def test_a_session_without_events_has_nothing_left() -> None:
    machine = Machine()
    outbox = machine.leave("s1")
    outbox.sink.lines.clear()
    machine.deliver()
    assert outbox.is_complete
    assert machine.backend.calls == []


def test_the_tenant_who_was_named_last_gets_all_of_it() -> None:
    machine = Machine()
    outbox = machine.leave("s1")
    outbox.sink.assign_tenant("acme")
    outbox.sink.append("tenant.resolved", {"source": "dispatch"})
    outbox.sink.assign_tenant("globex")
    outbox.sink.append("tenant.resolved", {"source": "backend"})
    machine.deliver()
    assert (machine.usage("acme"), machine.usage("globex")) == ([], ["s1:1"])


def test_a_young_session_without_a_tenant_is_its_rooms() -> None:
    machine = Machine()
    machine.leave("s1", room="demo")
    machine.backend.set_tenant("demo", Tenant(id="acme", tier="starter"))
    machine.clock.advance(23 * HOUR_US)
    machine.deliver()
    assert machine.usage("acme") == ["s1:1"]


def test_an_old_one_is_left_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    outbox = machine.leave("s1", room="demo")
    machine.backend.set_tenant("demo", Tenant(id="acme", tier="starter"))
    machine.clock.advance(25 * HOUR_US)
    machine.deliver()
    machine.deliver()
    assert machine.backend.calls == []
    assert (outbox.is_complete, outbox.is_open) == (False, False)
    (record,) = caplog.records
    assert "session s1 is not delivered; it is left where it is: nobody knows its tenant" in record.message


def test_a_room_that_nobody_knows_is_asked_for_again() -> None:
    machine = Machine()
    machine.leave("s1")
    machine.deliver()
    machine.backend.set_tenant("demo", Tenant(id="acme", tier="starter"))
    machine.deliver()
    assert machine.usage("acme") == ["s1:1"]


def test_a_backend_that_is_away_is_asked_once_a_round() -> None:
    machine = Machine()
    for number in range(5):
        machine.leave(f"s{number}", "acme")
    machine.backend.break_with("unreachable")
    machine.deliver()
    assert not machine.outboxes.outboxes["s0"].is_open
    assert len(machine.backend.calls) == 2
    machine.backend.heal()
    machine.deliver()
    assert machine.usage("acme") == [f"s{number}:1" for number in range(5)]


def test_a_session_that_is_refused_does_not_hold_up_the_next(caplog: pytest.LogCaptureFixture) -> None:
    class Choosy(FakeBackend):
        async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> Any:
            if tenant_id == "broken":
                raise ZeroDivisionError
            return await super().track_usage(tenant_id, records)

    machine = Machine(Choosy())
    machine.leave("s1", "broken")
    machine.leave("s2", "acme").is_readable = False
    machine.leave("s3", "acme")
    machine.deliver()
    assert machine.usage("acme") == ["s3:1"]
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == [
        "the usage of session s1 is not delivered",
        "the usage of session s2 is not delivered; the journal cannot be read",
    ]
    assert not any(outbox.is_open for outbox in machine.outboxes.outboxes.values())


def test_sessions_that_time_out_every_time_do_not_hold_up_the_others_for_ever() -> None:
    class Stuck(FakeBackend):
        async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> Any:
            if tenant_id == "stuck":
                raise BackendError("it did not answer", reason="timeout")
            return await super().track_usage(tenant_id, records)

    machine = Machine(Stuck())
    machine.leave("s1", "stuck")
    machine.leave("s2", "acme")
    machine.deliver()
    assert machine.usage("acme") == []
    machine.deliver()
    assert machine.usage("acme") == ["s2:1"]


def test_a_round_that_fails_is_said_and_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    class Unopenable(InMemoryOutboxes):
        async def list_waiting(self) -> Sequence[str]:
            if not caplog.records:
                raise OSError(errno.EMFILE, "Too many open files")
            return await super().list_waiting()

    async def scene() -> None:
        machine = Machine()
        machine.outboxes = Unopenable({})
        machine.left = LeftBehind(machine.outboxes, machine.backend, machine.clock, chance=lambda: 1.0)
        machine.leave("s1", "acme")
        running = asyncio.create_task(machine.left.run())
        await asyncio.sleep(INTERVAL_S + 1)
        assert machine.usage("acme") == ["s1:1"]
        running.cancel()
        await asyncio.wait({running})

    run_virtually(scene())
    assert caplog.messages[0] == "what sessions have left could not be delivered this time"


def test_a_lost_answer_makes_nothing_count_twice() -> None:
    machine = Machine()
    machine.leave("s1", "acme")
    machine.backend.lose_answers("track_usage")
    machine.deliver()
    machine.backend.heal()
    machine.deliver()
    assert machine.usage("acme") == ["s1:1"]
    assert machine.backend.calls.count(("track_usage", "acme")) == 2


def test_it_delivers_at_the_start_and_then_now_and_again() -> None:
    async def scene() -> None:
        machine = Machine()
        machine.leave("s1", "acme")
        running = asyncio.create_task(machine.left.run())
        await asyncio.sleep(0.1)
        assert machine.usage("acme") == ["s1:1"]
        machine.leave("s2", "acme")
        await asyncio.sleep(INTERVAL_S + 1)
        assert machine.usage("acme") == ["s1:1", "s2:1"]
        running.cancel()
        await asyncio.wait({running})

    run_virtually(scene())
