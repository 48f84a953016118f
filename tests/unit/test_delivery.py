"""A running session's delivery: in order, in batches, after failures, and each use counted once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import OWNER, InMemoryEventSink
from tests.fakes.outbox import InMemoryOutbox

from meetctl.agent.journal import MeetingJournal
from meetctl.services.delivery import BATCH, INTERVAL_S, LONGEST_PAUSE_S, Delivery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from meetctl.domain.tenancy import UsageRecord
    from meetctl.errors import BackendFailure

USE = {"audio_s": 60, "provider": "deepgram", "model": "nova-3", "usd": "0.0043", "basis": "reported"}
LIMIT_S = 5


class Scene:
    """A meeting's journal, its delivery, and the backend that gets it."""

    def __init__(self, backend: FakeBackend | None = None) -> None:
        self.backend = backend or FakeBackend()
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.journal = MeetingJournal(self.sink)
        self.outbox = InMemoryOutbox(self.sink)
        self.tenant_id: str | None = "acme"
        self.delivery = self.deliver_anew()
        self.delivery.begin()

    def deliver_anew(self) -> Delivery:
        delivery = Delivery(self.outbox, self.backend, tenant_id=lambda: self.tenant_id, chance=lambda: 1.0)
        self.journal.listen(delivery.notice)
        return delivery

    def write(self, *kinds: str) -> None:
        for kind in kinds:
            self.journal.write(kind, USE if kind == "stt.usage" else {})

    @property
    def usage(self) -> list[str]:
        return [record.key for record in self.backend.usage("acme")]

    @property
    def happened(self) -> list[str]:
        return [event.kind for event in self.backend.events("acme")]

    @property
    def order(self) -> list[str]:
        return [procedure for procedure, _ in self.backend.calls]


def keys(*seqs: int) -> list[str]:
    return [f"{OWNER.session_id}:{seq}" for seq in seqs]


def play(scene: Callable[[Scene], Awaitable[None]], backend: FakeBackend | None = None) -> None:
    async def run() -> None:
        await scene(Scene(backend))

    run_virtually(run())


def test_everything_is_delivered_and_the_session_completed() -> None:
    async def scene(it: Scene) -> None:
        it.write("session.started", "participant.joined", "stt.usage", "transcript", "stt.usage")
        await asyncio.sleep(INTERVAL_S + 1)
        assert it.usage == keys(2, 4)
        assert not it.delivery.waits
        it.write("session.ended")
        await it.delivery.finish(LIMIT_S)
        assert it.happened == ["session.started", "participant.joined", "session.ended"]
        assert (it.outbox.is_complete, it.outbox.is_open) == (True, False)
        assert it.outbox.tenant_id == "acme"

    play(scene)


def test_the_two_streams_keep_the_journals_order() -> None:
    async def scene(it: Scene) -> None:
        it.write("stt.usage", "stt.usage", "participant.joined", "stt.usage", "session.ended")
        await it.delivery.finish(LIMIT_S)
        assert it.order == ["track_usage", "record_session_event", "track_usage", "record_session_event"]

    play(scene)


def test_usage_goes_in_batches() -> None:
    async def scene(it: Scene) -> None:
        it.write(*["stt.usage"] * (2 * BATCH + 1))
        await it.delivery.finish(LIMIT_S)
        assert it.order == ["track_usage"] * 3
        assert it.usage == keys(*range(2 * BATCH + 1))

    play(scene)


def test_nothing_is_asked_while_nothing_waits() -> None:
    async def scene(it: Scene) -> None:
        it.write("transcript", "frame.kept")
        await asyncio.sleep(1000)
        await it.delivery.finish(LIMIT_S)
        assert it.order == []
        assert it.outbox.is_complete

    play(scene)


def test_it_waits_for_the_tenant() -> None:
    async def scene(it: Scene) -> None:
        it.tenant_id = None
        it.write("session.started", "stt.usage")
        await asyncio.sleep(100)
        assert it.order == []
        it.tenant_id = "acme"
        await asyncio.sleep(INTERVAL_S + 1)
        assert it.usage == keys(1)
        await it.delivery.finish(LIMIT_S)

    play(scene)


def test_a_session_that_never_had_a_tenant_is_left() -> None:
    async def scene(it: Scene) -> None:
        it.tenant_id = None
        it.write("session.started", "session.ended")
        await it.delivery.finish(LIMIT_S)
        assert (it.outbox.is_complete, it.outbox.is_open, it.order) == (False, False, [])

    play(scene)


@pytest.mark.parametrize("reason", ["unreachable", "timeout", "refused", "wrong answer", "failed", "paused"])
def test_what_fails_is_kept_and_delivered_when_the_backend_returns(reason: BackendFailure) -> None:
    async def scene(it: Scene) -> None:
        it.backend.break_with(reason)
        it.write("session.started", "stt.usage")
        await asyncio.sleep(100)
        it.write("stt.usage")
        assert (it.usage, it.delivery.waits) == ([], True)
        it.backend.heal()
        await asyncio.sleep(LONGEST_PAUSE_S + 1)
        assert (it.usage, it.happened) == (keys(1, 2), ["session.started"])
        await it.delivery.finish(LIMIT_S)
        assert it.outbox.is_complete

    play(scene)


def test_pauses_grow_so_that_a_long_failure_costs_few_calls() -> None:
    async def scene(it: Scene) -> None:
        it.backend.break_with("unreachable")
        it.write("stt.usage")
        await asyncio.sleep(3600)
        assert 60 <= len(it.order) <= 70
        await it.delivery.finish(LIMIT_S)

    play(scene)


def test_a_procedure_that_is_refused_does_not_hold_up_the_other() -> None:
    async def scene(it: Scene) -> None:
        it.backend.break_with("not found", "record_session_event")
        it.write("session.started", "stt.usage", "participant.left", "stt.usage", "session.ended")
        await it.delivery.finish(LIMIT_S)
        assert (it.usage, it.happened) == (keys(1, 3), [])
        assert not it.outbox.is_complete

    play(scene)


def test_an_answer_that_is_lost_makes_nothing_count_twice() -> None:
    async def scene(it: Scene) -> None:
        it.backend.lose_answers()
        it.write("session.started", *["stt.usage"] * 3)
        await asyncio.sleep(100)
        it.backend.heal()
        it.write("session.ended")
        await it.delivery.finish(LIMIT_S)
        assert it.usage == keys(1, 2, 3)
        assert it.happened == ["session.started", "session.ended"]

    play(scene)


def test_the_end_is_not_kept_waiting_and_what_is_left_stays_whole() -> None:
    async def scene(it: Scene) -> None:
        it.backend.delay_s = 3600
        it.write("stt.usage", "session.ended")
        began = asyncio.get_running_loop().time()
        await it.delivery.finish(LIMIT_S)
        assert asyncio.get_running_loop().time() - began == LIMIT_S
        assert (it.outbox.is_complete, it.outbox.is_open) == (False, False)
        it.backend.heal()
        await _deliver_again(it)
        assert it.usage == keys(0)

    play(scene)


async def _deliver_again(it: Scene) -> None:
    """Deliver what is left, as another process does."""
    again = it.deliver_anew()
    it.write("transcript")
    again.notice(it.sink.events[0])
    again.begin()
    await again.finish(LIMIT_S)


def test_the_end_does_not_wait_out_a_pause() -> None:
    async def scene(it: Scene) -> None:
        it.backend.break_with("unreachable")
        it.write("stt.usage")
        await asyncio.sleep(1000)
        it.backend.heal()
        began = asyncio.get_running_loop().time()
        await it.delivery.finish(LIMIT_S)
        assert asyncio.get_running_loop().time() == began
        assert it.usage == keys(0)

    play(scene)


def test_a_delivery_that_never_began_leaves_everything() -> None:
    async def scene(it: Scene) -> None:
        delivery = it.deliver_anew()
        it.tenant_id = None
        it.write("session.ended")
        await delivery.finish(LIMIT_S)
        assert (it.outbox.is_complete, it.outbox.is_open) == (False, False)

    play(scene)


def test_a_journal_that_cannot_be_read_is_tried_again() -> None:
    async def scene(it: Scene) -> None:
        it.outbox.is_readable = False
        it.write("stt.usage")
        await asyncio.sleep(100)
        it.outbox.is_readable = True
        await asyncio.sleep(LONGEST_PAUSE_S + 1)
        assert it.usage == keys(0)
        await it.delivery.finish(LIMIT_S)

    play(scene)


def test_a_defect_costs_one_try_and_not_the_delivery(caplog: pytest.LogCaptureFixture) -> None:
    class OnceBroken(FakeBackend):
        tries = 0

        async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> Any:
            self.tries += 1
            if self.tries == 1:
                raise ZeroDivisionError("what the platform said")
            return await super().track_usage(tenant_id, records)

    async def scene(it: Scene) -> None:
        it.write("stt.usage")
        await asyncio.sleep(100)
        assert [record.kind for record in it.backend.usage()] == ["stt.usage"]
        await it.delivery.finish(LIMIT_S)
        assert (it.outbox.is_complete, it.outbox.is_open) == (True, False)

    play(scene, OnceBroken())
    assert "usage could not be delivered: ZeroDivisionError" in caplog.text
    assert "what the platform said" not in caplog.text
