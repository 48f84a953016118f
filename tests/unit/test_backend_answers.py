"""What the backend's client sends, what it takes for an answer, and what it never tells anybody."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.backend_network import (
    ACCESS,
    CALLS,
    HITS,
    QUERY,
    Network,
    data,
    error,
    failure_of,
    try_backend,
    unavailable,
)
from tests.fakes.clock import LoopClock

from meetctl.adapters.backend_trpc import TrpcBackend
from meetctl.errors import BackendError, UsageError

SEARCH = CALLS["knowledge.search"]


@pytest.mark.parametrize(
    ("procedure", "answer", "field"),
    [
        ("livekit.getTenantByRoom", "acme", "the answer is no object"),
        ("livekit.getTenantByRoom", {"tenantId": "", "tier": "pro"}, "tenantId is missing or empty"),
        ("livekit.getTenantByRoom", {"tier": "pro"}, "id is missing or empty"),
        ("livekit.getTenantByRoom", {"id": 7, "tier": "pro"}, "id is no text"),
        ("livekit.getTenantByRoom", {"id": "acme"}, "tier is missing or empty"),
        ("livekit.getTenantByRoom", {"id": "acme", "tier": "pro", "name": []}, "name is no text"),
        ("livekit.trackUsage", None, "the answer is no object"),
        ("livekit.trackUsage", {"accepted": 1}, "duplicates is no count"),
        ("livekit.trackUsage", {"accepted": True, "duplicates": 0}, "accepted is no count"),
        ("livekit.trackUsage", {"accepted": 2, "duplicates": -1}, "duplicates is no count"),
        ("livekit.trackUsage", {"accepted": 0, "duplicates": 0}, "do not add up to the 1 records sent"),
        ("knowledge.search", [], "the answer is no object"),
        ("knowledge.search", {"hits": {}}, "hits is no list"),
        ("knowledge.search", {"hits": [1]}, r"hits[0] is no object"),
        ("knowledge.search", {"hits": [{"id": "k"}]}, r"hits[0].text is missing"),
        (
            "knowledge.search",
            {"hits": [{"id": "k", "text": "t", "score": "1"}]},
            r"hits[0].score is no number",
        ),
        ("knowledge.search", {"hits": [{"id": "k", "text": "t", "tenantId": 1}]}, r"hits[0].tenantId"),
        ("featureFlags.check", True, "the answer is no object"),
        ("featureFlags.check", {"enabled": "yes"}, "enabled is neither true nor false"),
        ("ai.getPersonality", [], "the answer is no object"),
        ("ai.getPersonality", {"greeting": 1}, "greeting is no text"),
        ("ai.getPersonality", {"greetsLatecomers": "no"}, "greetsLatecomers is neither"),
        ("livekit.createToken", {"token": None}, "token is missing or empty"),
        ("livekit.createToken", {"token": "t", "expiresAt": "soon"}, "expiresAt is no moment"),
        ("livekit.createToken", {"token": "t", "expiresAt": "2026-11-22T09:00:00"}, "expiresAt is no moment"),
        ("livekit.createToken", {"token": "t", "expiresAt": 1795337100}, "expiresAt is no moment"),
    ],
)
def test_answer_of_another_shape_names_procedure_and_field(procedure: str, answer: Any, field: str) -> None:
    async def use(backend: TrpcBackend) -> None:
        failure = await failure_of(CALLS[procedure](backend))
        assert failure.reason == "wrong answer"
        assert failure.message.startswith(f"{procedure}: ")
        assert field in failure.message

    try_backend(Network(data(answer)), use)


def test_fields_that_nobody_knows_are_left_alone() -> None:
    async def use(backend: TrpcBackend) -> None:
        tenant = await backend.get_tenant_by_room("r")
        assert tenant is not None
        assert (tenant.id, tenant.tier, tenant.name) == ("acme", "pro", None)

    answer = {"id": "acme", "tier": "pro", "name": None, "quota": {"seats": 3}}
    try_backend(Network(data(answer)), use)


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-1e999", "1" + "0" * 400])
def test_a_score_that_no_journal_can_hold_is_none(score: str) -> None:
    content = f'{{"result":{{"data":{{"hits":[{{"id":"k","text":"t","score":{score}}}]}}}}}}'

    async def use(backend: TrpcBackend) -> None:
        assert [hit.score for hit in await SEARCH(backend)] == [None]

    try_backend(Network(httpx.Response(200, content=content.encode())), use)


def test_no_more_hits_come_than_were_asked_for() -> None:
    hits = [{"id": str(number), "text": "t"} for number in range(9)]

    async def use(backend: TrpcBackend) -> None:
        assert [hit.id for hit in await SEARCH(backend)] == ["0", "1", "2"]

    try_backend(Network(data({"hits": hits})), use)


@pytest.mark.parametrize(
    "fault",
    [
        error(500, "INTERNAL_SERVER_ERROR", "cannot find what Maya asked for the-secret-key"),
        error(401, "what Maya asked", "the-secret-key"),
        httpx.Response(200, content=b"what Maya asked"),
        httpx.Response(502, content=b"what Maya asked"),
        httpx.LocalProtocolError("Illegal header value b'Bearer the-secret-key'"),
        httpx.ConnectError("https://backend.test/?input=what Maya asked"),
        httpx.InvalidURL("what Maya asked"),
        HITS,
    ],
    ids=repr,
)
def test_neither_errors_nor_logs_hold_the_key_or_what_was_said(
    fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    messages = []

    async def use(backend: TrpcBackend) -> None:
        try:
            await SEARCH(backend)
        except BackendError as failure:
            messages.append(f"{failure!r} {failure.hint} {failure.__cause__!r}")

    try_backend(Network(fault), use)
    written = " ".join([*messages, caplog.text])
    for secret in ("Maya", "the-secret-key", "the server said"):
        assert secret not in written
    if fault is HITS:
        assert "https://backend.test/api/trpc/knowledge.search" in caplog.text


def test_password_in_the_address_is_in_no_error() -> None:
    access = replace(ACCESS, url="https://user:hunter2@backend.test")

    async def use(backend: TrpcBackend) -> None:
        failure = await failure_of(SEARCH(backend))
        assert "the backend at https://backend.test " in failure.message
        assert "hunter2" not in failure.message

    try_backend(Network(unavailable()), use, access=access)


def test_requests_are_what_trpc_expects() -> None:
    network = Network(HITS)
    access = replace(ACCESS, procedures={"knowledge.search": "rag.find"})

    async def use(backend: TrpcBackend) -> None:
        await SEARCH(backend)
        network.then(data({"token": "t"}))
        await CALLS["livekit.createToken"](backend)
        query, mutation = network.requests
        assert (query.method, query.url.path) == ("GET", "/api/trpc/rag.find")
        assert json.loads(query.url.params["input"]) == {"tenantId": "acme", "query": QUERY, "limit": 3}
        assert (mutation.method, mutation.url.path) == ("POST", "/api/trpc/livekit.createToken")
        assert json.loads(mutation.content) == {"tenantId": "acme", "roomName": "r", "identity": "maya"}
        for request in network.requests:
            assert request.headers["Authorization"] == "Bearer the-secret-key"
            assert request.headers["Content-Type"] == "application/json"

    try_backend(network, use, access=access)


def test_of_a_very_long_query_the_end_is_searched_for() -> None:
    network = Network(HITS)

    async def use(backend: TrpcBackend) -> None:
        await backend.search_knowledge("acme", "🙂" * 5000 + "the question", limit=3)
        asked = json.loads(network.requests[0].url.params["input"])["query"]
        assert asked.endswith("🙂the question")
        assert len(str(network.requests[0].url)) < 16_000

    try_backend(network, use)


def test_other_name_for_a_procedure_that_we_never_ask_is_wrong_configuration() -> None:
    with pytest.raises(UsageError, match=r"'livekit\.trackusage'") as caught:
        TrpcBackend(replace(ACCESS, procedures={"livekit.trackusage": "x"}), LoopClock())
    assert "livekit.trackUsage" in (caught.value.hint or "")
