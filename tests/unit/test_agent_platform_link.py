"""A meeting's ties to the platform: how they are let go."""

from __future__ import annotations

import asyncio

from tests.agent_settings import make_settings
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.outbox import InMemoryOutbox

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.order import MeetingOrder
from meetctl.agent.platform_link import Platform, PlatformLink


def test_calls_that_the_meetings_end_breaks_off_say_nothing_about_the_backend() -> None:
    async def scene() -> None:
        clock = LoopClock()
        sink = InMemoryEventSink(clock=clock)
        backend = FakeBackend()
        backend.delay_s = 60
        link = PlatformLink(
            "standup",
            MeetingOrder(settings=make_settings(), tenant_id="acme"),
            Platform(backend=backend, outbox=InMemoryOutbox(sink)),
            journal=MeetingJournal(sink),
            clock=clock,
            assign_tenant=lambda _: None,
            on_change=lambda: None,
            waited=lambda _: None,
        )
        await link.begin()
        assert link.knowledge is not None
        link.knowledge.begin(1, "How long do refunds take?")
        await asyncio.sleep(1)
        await link.close()
        assert backend.calls
        assert sink.fields("backend.call") == []
        assert sink.fields("backend.degraded") == []
        await link.finish()
        assert backend.is_closed

    run_virtually(scene())
