"""What every backend promises, held against the fake, and the client with a real tRPC server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.backend_peer import run_backend_peer
from tests.fakes.backend import FakeBackend

from meetctl.adapters.backend_trpc import TrpcBackend
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.tenancy import Personality, SessionEvent, Tenant, UsageReceipt, UsageRecord
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.backend_peer import Peer

    from meetctl.ports import Backend

# Letters that addresses and JSON treat specially.
ROOM = 'r&d + 100% #1 "Üb\\er"/ü?=🙂'
ACME = Tenant(id="acme", tier="enterprise", name="Acme & Söhne")
GLOBEX = Tenant(id="globex", tier="starter")
PERSONALITY = Personality(
    name="Ada",
    instructions="Be brief.\nBe kind.",
    greeting="Hello!",
    greets_latecomers=True,
    latecomer_greeting="Welcome, {name}.",
)
USAGE = UsageRecord(
    key="s1:7",
    session_id="s1",
    room=ROOM,
    at="2026-11-22T09:00:00.123456Z",
    kind="llm.request",
    provider="openai",
    model="gpt-4.1",
    quantities={"input_tokens": Decimal(1105), "audio_seconds": Decimal("0.000000123")},
    usd=Decimal("0.0022100000000000000001"),
    basis="reported",
)
EVENT = SessionEvent(
    key="s1:0",
    session_id="s1",
    room=ROOM,
    at="2026-11-22T09:00:00.000001Z",
    kind="session.started",
    fields={"reason": None, "people": 2, "nested": {"dotted.key": [1.5, True]}},
)


@pytest.fixture(params=["fake", "superjson", "plain"])
def platform(request: pytest.FixtureRequest) -> Iterator[FakeBackend | Peer]:
    """What stands behind the port: the fake is both."""
    if request.param == "fake":
        yield FakeBackend()
    else:
        with run_backend_peer(request.param) as running:
            yield running


def ask(platform: FakeBackend | Peer, use: Callable[[Backend], Awaitable[None]]) -> None:
    """Use a backend, and close it."""

    async def run() -> None:
        backend: Backend = (
            platform if isinstance(platform, FakeBackend) else TrpcBackend(platform.access, SystemClock())
        )
        try:
            await use(backend)
        finally:
            await backend.aclose()

    asyncio.run(run())


def test_room_has_its_tenant(platform: FakeBackend | Peer) -> None:
    platform.set_tenant(ROOM, ACME)
    platform.set_tenant("other", GLOBEX)

    async def use(backend: Backend) -> None:
        assert await backend.get_tenant_by_room(ROOM) == ACME
        assert await backend.get_tenant_by_room("other") == GLOBEX
        assert await backend.get_tenant_by_room("nobody's") is None

    ask(platform, use)


def test_usage_is_counted_once_for_each_key_whoever_it_is_for(platform: FakeBackend | Peer) -> None:
    second = replace(USAGE, key="s1:8", usd=None, basis="estimated", model="")

    async def use(backend: Backend) -> None:
        assert await backend.track_usage("acme", []) == UsageReceipt(accepted=0, duplicates=0)
        assert await backend.track_usage("acme", [USAGE]) == UsageReceipt(accepted=1, duplicates=0)
        assert await backend.track_usage("acme", [USAGE, second]) == UsageReceipt(accepted=1, duplicates=1)
        assert await backend.track_usage("globex", [USAGE]) == UsageReceipt(accepted=0, duplicates=1)
        assert platform.usage("acme") == [USAGE, second]
        assert platform.usage("globex") == []

    ask(platform, use)


def test_search_brings_the_tenant_s_best_hits_only(platform: FakeBackend | Peer) -> None:
    platform.add_knowledge("acme", "k1", "Refunds take ten days.")
    platform.add_knowledge(
        "acme", "k2", "Refunds of annual plans take a month.", title="Annual", url="https://acme.test/2"
    )
    platform.add_knowledge("globex", "k3", "Refunds of annual plans are secret.")

    async def use(backend: Backend) -> None:
        hits = await backend.search_knowledge("acme", "refunds of annual plans?", limit=10)
        assert [(hit.id, hit.tenant_id) for hit in hits] == [("k2", "acme"), ("k1", "acme")]
        assert hits[0].score == 1.0
        assert (hits[0].title, hits[0].url, hits[1].title) == ("Annual", "https://acme.test/2", None)
        assert hits[0].text == "Refunds of annual plans take a month."
        assert await backend.search_knowledge("acme", "refunds", limit=1) == (replace(hits[1], score=1.0),)
        assert await backend.search_knowledge("acme", "giraffes", limit=3) == ()

    ask(platform, use)


def test_flags_are_each_tenant_s_own_and_off_unless_set(platform: FakeBackend | Peer) -> None:
    platform.set_flag("acme", "use_advanced_vision")
    platform.set_flag("acme", "use_premium_voice", False)

    async def use(backend: Backend) -> None:
        assert await backend.check_feature_flag("acme", "use_advanced_vision") is True
        assert await backend.check_feature_flag("acme", "use_premium_voice") is False
        assert await backend.check_feature_flag("acme", "unheard_of") is False
        assert await backend.check_feature_flag("globex", "use_advanced_vision") is False

    ask(platform, use)


def test_personality_is_the_tenant_s_or_none(platform: FakeBackend | Peer) -> None:
    platform.set_personality("acme", PERSONALITY)
    platform.set_personality("globex", Personality())

    async def use(backend: Backend) -> None:
        assert await backend.get_ai_personality("acme") == PERSONALITY
        assert await backend.get_ai_personality("globex") == Personality()
        assert await backend.get_ai_personality("nobody") is None

    ask(platform, use)


def test_event_is_recorded_once_for_each_key(platform: FakeBackend | Peer) -> None:
    ended = replace(EVENT, key="s1:9", kind="session.ended", fields={})

    async def use(backend: Backend) -> None:
        for event in (EVENT, EVENT, ended):
            await backend.record_session_event("acme", event)
        assert platform.events("acme") == [EVENT, ended]
        assert platform.events("globex") == []

    ask(platform, use)


def test_token_is_made_for_the_person_and_the_room(platform: FakeBackend | Peer) -> None:
    async def use(backend: Backend) -> None:
        assert (await backend.create_token("acme", "r", "maya")).token == "token of maya for r"
        named = await backend.create_token("acme", "r", "maya", name="Maya Müller")
        assert named.token == "token of Maya Müller for r"
        assert named.url == "ws://127.0.0.1:7880"
        assert named.expires_at is None or named.expires_at.tzinfo is not None

    ask(platform, use)


def test_closed_backend_fails_its_calls(platform: FakeBackend | Peer) -> None:
    async def use(backend: Backend) -> None:
        await backend.get_tenant_by_room("r")
        await backend.aclose()
        with pytest.raises(BackendError) as caught:
            await backend.get_tenant_by_room("r")
        assert caught.value.reason == "paused"

    ask(platform, use)
