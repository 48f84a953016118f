"""The backend's client with a real tRPC server that fails, dies, and answers in every form it knows."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.backend_peer import run_backend_peer

from meetctl.adapters.backend_trpc import TrpcBackend
from meetctl.adapters.system_clock import SystemClock
from meetctl.adapters.trpc_codec import (
    TrpcData,
    TrpcFailure,
    read_answer,
    read_batch,
    write_batch_body,
    write_batch_query,
    write_query,
)
from meetctl.domain.tenancy import SessionEvent, Tenant, UsageReceipt, UsageRecord
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.backend_peer import Peer

    from meetctl.core.config import BackendAccess

ACME = Tenant(id="acme", tier="enterprise")
USAGE = UsageRecord(
    key="s1:7",
    session_id="s1",
    room="r",
    at="2026-11-22T09:00:00.123456Z",
    kind="tts.usage",
    provider="rime",
    model="arcana",
    quantities={"characters": Decimal(61)},
    usd=None,
    basis="reported",
)
EVENT = SessionEvent(
    key="s1:0", session_id="s1", room="r", at="2026-11-22T09:00:00Z", kind="session.started", fields={}
)


@pytest.fixture(scope="module", params=["superjson", "plain"])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    with run_backend_peer(request.param) as running:
        yield running


only_superjson = pytest.mark.parametrize("peer", ["superjson"], indirect=True)


def ask(peer: Peer, use: Callable[[TrpcBackend], Awaitable[None]]) -> None:
    """Use the client, and close it."""

    async def run() -> None:
        backend = TrpcBackend(peer.access, SystemClock())
        try:
            await use(backend)
        finally:
            await backend.aclose()

    asyncio.run(run())


@contextmanager
def healed(peer: Peer) -> Iterator[None]:
    try:
        yield
    finally:
        peer.heal()


def test_room_that_is_not_found_has_no_tenant(peer: Peer) -> None:
    peer.set_no_such_room("gone")

    async def use(backend: TrpcBackend) -> None:
        assert await backend.get_tenant_by_room("gone") is None

    ask(peer, use)


def test_everything_but_the_first_question_carries_the_tenant(peer: Peer) -> None:
    asked = len(peer.calls())

    async def use(backend: TrpcBackend) -> None:
        await backend.get_tenant_by_room("r")
        await backend.track_usage("acme", [USAGE])
        await backend.search_knowledge("acme", "anything", limit=3)
        await backend.check_feature_flag("acme", "f")
        await backend.get_ai_personality("acme")
        await backend.record_session_event("acme", EVENT)
        await backend.create_token("acme", "r", "maya")

    ask(peer, use)
    tenants = {name: given.get("tenantId") for name, given in peer.calls()[asked:]}
    assert tenants.pop("livekit.getTenantByRoom") is None
    assert set(tenants.values()) == {"acme"}
    assert len(tenants) == 6


def expect_failure(access: BackendAccess, reason: str, says: str) -> None:
    """Let the backend be asked for knowledge, which must fail so without quoting anything."""

    async def run() -> None:
        backend = TrpcBackend(access, SystemClock())
        try:
            with pytest.raises(BackendError) as caught:
                await backend.search_knowledge("acme", "confidential words", limit=3)
        finally:
            await backend.aclose()
        error = caught.value
        assert error.reason == reason
        assert says in error.message
        for secret in (access.api_key, "confidential", "broke on", "is not known"):
            assert secret not in f"{error!r} {error.hint} {error.__cause__!r}"

    asyncio.run(run())


def test_wrong_key_is_refused(peer: Peer) -> None:
    expect_failure(replace(peer.access, api_key="wrong-key"), "refused", "UNAUTHORIZED")


def test_key_that_http_cannot_carry_is_said_and_not_shown(peer: Peer) -> None:
    expect_failure(replace(peer.access, api_key="two\nlines"), "unreachable", "this address or key")


def test_key_beyond_ascii_is_for_the_backend_to_refuse(peer: Peer) -> None:
    expect_failure(replace(peer.access, api_key="schlüssel"), "refused", "UNAUTHORIZED")


def test_no_log_line_holds_the_key_or_what_was_asked(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def use(backend: TrpcBackend) -> None:
        await backend.search_knowledge("acme", "confidential", limit=3)
        await backend.track_usage("acme", [replace(USAGE, key="confidential:1")])

    ask(peer, use)
    assert "/trpc/knowledge.search" in caplog.text
    assert "confidential" not in caplog.text
    assert peer.key not in caplog.text


@pytest.mark.parametrize(
    ("fault", "reason", "says"),
    [
        ({"kind": "refuse", "code": "FORBIDDEN"}, "refused", "FORBIDDEN"),
        ({"kind": "failing"}, "failed", "INTERNAL_SERVER_ERROR"),
        ({"kind": "too-many", "retry_after_s": 60}, "failed", "TOO_MANY_REQUESTS"),
        ({"kind": "wrong"}, "wrong answer", "hits is no list"),
        ({"kind": "wrong", "data": {"hits": [{"id": "k", "text": 7}]}}, "wrong answer", "hits[0].text"),
        ({"kind": "garbage"}, "wrong answer", "not JSON"),
        ({"kind": "garbage", "status": 502}, "failed", "HTTP 502"),
        ({"kind": "garbage", "status": 404}, "not found", "HTTP 404"),
        ({"kind": "down"}, "unreachable", "could not be reached"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_fault_of_the_server_has_its_reason(
    peer: Peer, fault: dict[str, object], reason: str, says: str
) -> None:
    with healed(peer):
        peer.break_with(**fault)  # type: ignore[arg-type]
        expect_failure(peer.access, reason, says)


def test_procedure_that_does_not_exist_is_no_unknown_room(peer: Peer) -> None:
    access = replace(peer.access, procedures={"livekit.getTenantByRoom": "livekit.nothing"})

    async def run() -> None:
        backend = TrpcBackend(access, SystemClock())
        with pytest.raises(BackendError, match=r"livekit\.nothing: .* no such procedure") as caught:
            await backend.get_tenant_by_room("r")
        await backend.aclose()
        assert caught.value.reason == "not found"
        assert "MEETCTL_BACKEND_PROCEDURES" in (caught.value.hint or "")

    asyncio.run(run())


def test_input_that_the_server_does_not_take_is_a_failure(peer: Peer) -> None:
    async def use(backend: TrpcBackend) -> None:
        with pytest.raises(BackendError, match=r"livekit\.createToken: .* BAD_REQUEST") as caught:
            await backend.create_token("acme", "r", "")
        assert caught.value.reason == "failed"

    ask(peer, use)


def test_answer_that_is_lost_is_asked_for_again_and_usage_counted_once(peer: Peer) -> None:
    record = replace(USAGE, key="lost:1")

    async def use(backend: TrpcBackend) -> None:
        peer.break_with("lost", procedure="livekit.trackUsage", times=1)
        receipt = await backend.track_usage("initech", [record])
        assert receipt == UsageReceipt(accepted=0, duplicates=1)

    with healed(peer):
        ask(peer, use)
    assert peer.usage("initech") == [record]


def test_token_is_asked_for_once_whatever_happens(peer: Peer) -> None:
    async def use(backend: TrpcBackend) -> None:
        peer.break_with("lost", procedure="livekit.createToken")
        with pytest.raises(BackendError) as caught:
            await backend.create_token("acme", "r", "only-once")
        assert caught.value.reason == "unreachable"

    with healed(peer):
        ask(peer, use)
    assert [given["identity"] for _, given in peer.calls() if given.get("identity") == "only-once"] == [
        "only-once"
    ]


def test_server_that_is_started_again_is_found_again(peer: Peer) -> None:
    peer.set_tenant("kept", ACME)

    async def use(backend: TrpcBackend) -> None:
        assert await backend.get_tenant_by_room("kept") == ACME
        peer.stop()
        with pytest.raises(BackendError) as caught:
            await backend.get_tenant_by_room("kept")
        assert caught.value.reason == "unreachable"
        peer.start()
        assert await backend.get_tenant_by_room("kept") == ACME

    ask(peer, use)


def get(peer: Peer, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {peer.key}"}
    return httpx.get(f"{peer.url}/trpc/{path}", headers=headers, trust_env=False).content


def test_batch_of_queries_is_understood_both_ways(peer: Peer) -> None:
    peer.set_flag("acme", "batched")
    inputs = [
        {"tenantId": "acme", "flag": "batched"},
        {"roomName": ""},
        {"tenantId": "acme", "flag": ""},
    ]
    names = "featureFlags.check,livekit.getTenantByRoom,featureFlags.check"
    answers = read_batch(get(peer, f"{names}?{write_batch_query(inputs, peer.transformer)}"))
    assert answers[:2] == [TrpcData(value={"enabled": True}), TrpcData(value=None)]
    failure = answers[2]
    assert isinstance(failure, TrpcFailure)
    assert (failure.code, failure.http_status, failure.path) == ("BAD_REQUEST", 400, "featureFlags.check")


def test_batch_of_mutations_is_understood_both_ways(peer: Peer) -> None:
    inputs = [{"tenantId": "acme", "roomName": "r", "identity": name} for name in ("maya", "lev")]
    response = httpx.post(
        f"{peer.url}/trpc/livekit.createToken,livekit.createToken?batch=1",
        content=write_batch_body(inputs, peer.transformer),
        headers={"Authorization": f"Bearer {peer.key}", "Content-Type": "application/json"},
        trust_env=False,
    )
    tokens = [
        answer.value["token"] for answer in read_batch(response.content) if isinstance(answer, TrpcData)
    ]
    assert tokens == ["token of maya for r", "token of lev for r"]


@only_superjson
def test_what_superjson_wrote_is_read(peer: Peer) -> None:
    answer = read_answer(get(peer, "codec.values"))
    assert isinstance(answer, TrpcData)
    numbers = answer.value.pop("numbers")
    assert [str(number) for number in numbers] == ["nan", "inf", "-inf", "1.5"]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert answer.value == {
        "date": datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC),
        "nothing": None,
        "big": 2**64,
        "map": {"when": epoch, "n": 1},
        "set": ["a", "b"],
        "dotted.key": {"back\\slash": epoch},
        "pattern": "/a+/i",
        "plain": "Überraschung + 100% & mehr #1",
    }


@only_superjson
def test_what_we_write_is_read_by_superjson(peer: Peer) -> None:
    moment = datetime(2026, 11, 22, 9, tzinfo=UTC)
    value = {
        "at": moment,
        "usd": Decimal("1E-7"),
        "big": 2**60 + 1,
        "nan": float("nan"),
        "set": {moment},
        "a.b\\c": [{"deep": moment}],
    }
    answer = read_answer(get(peer, f"codec.echo?{write_query(value, 'superjson')}"))
    assert isinstance(answer, TrpcData)
    assert answer.value["types"] == {
        "at": "Date",
        "usd": "string",
        "big": "bigint",
        "nan": "number",
        "set": ["Set", "Date"],
        "a.b\\c": [{"deep": "Date"}],
    }
    echoed = answer.value["value"]
    assert str(echoed.pop("nan")) == "nan"
    assert echoed == {
        "at": moment,
        "usd": "0.0000001",
        "big": 2**60 + 1,
        "set": [moment],
        "a.b\\c": [{"deep": moment}],
    }
