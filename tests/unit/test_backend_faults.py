"""What the backend's client does when the backend does not do its part."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.backend_network import (
    CALLS,
    HITS,
    USAGE,
    Network,
    data,
    error,
    failure_of,
    seconds,
    try_backend,
    unavailable,
)
from tests.fakes.clock import START

from meetctl.adapters.backend_trpc import CallLimits

if TYPE_CHECKING:
    from meetctl.adapters.backend_trpc import TrpcBackend

SEARCH = CALLS["knowledge.search"]
SAFE_TO_REPEAT = sorted(CALLS.keys() - {"livekit.createToken"})


@pytest.mark.parametrize("procedure", SAFE_TO_REPEAT)
@pytest.mark.parametrize("fault", [unavailable(), httpx.ConnectError("x"), httpx.ReadError("x")], ids=repr)
def test_what_is_safe_to_repeat_is_tried_three_times(procedure: str, fault: object) -> None:
    network = Network(fault)

    async def use(backend: TrpcBackend) -> None:
        failure = await failure_of(CALLS[procedure](backend))
        assert failure.reason in ("failed", "unreachable")
        assert failure.message.startswith(f"{procedure}: the backend at https://backend.test ")
        first, second, third = network.asked_at_s
        assert 0 <= second - first <= 1
        assert 0 <= third - second <= 1

    try_backend(network, use)


@pytest.mark.parametrize("fault", [unavailable(), httpx.ConnectError("x"), httpx.ReadError("x")], ids=repr)
def test_token_is_never_asked_for_twice(fault: object) -> None:
    network = Network(fault)

    async def use(backend: TrpcBackend) -> None:
        await failure_of(backend.create_token("acme", "r", "maya"))
        assert len(network.requests) == 1

    try_backend(network, use)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (error(401, "UNAUTHORIZED"), "refused"),
        (error(403, "FORBIDDEN"), "refused"),
        (error(404, "NOT_FOUND"), "not found"),
        (error(400, "BAD_REQUEST"), "failed"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.test"}), "failed"),
        (httpx.Response(200, content=b"<html>"), "wrong answer"),
        (data({"hits": 1}), "wrong answer"),
        (httpx.LocalProtocolError("Illegal header value b'the-secret-key'"), "unreachable"),
    ],
    ids=repr,
)
def test_what_would_fail_again_is_not_repeated(fault: object, reason: str) -> None:
    network = Network(fault)

    async def use(backend: TrpcBackend) -> None:
        for _ in range(10):
            assert (await failure_of(SEARCH(backend))).reason == reason
        # Nor does it keep later calls back.
        assert len(network.requests) == 10

    try_backend(network, use)


def test_repetition_that_succeeds_is_the_answer() -> None:
    network = Network(unavailable(), httpx.ConnectTimeout("x"), HITS)

    async def use(backend: TrpcBackend) -> None:
        assert await SEARCH(backend) == ()
        assert len({request.url for request in network.requests}) == 1

    try_backend(network, use)


def test_repeated_usage_has_the_same_keys() -> None:
    network = Network(httpx.ReadError("x"), data({"accepted": 0, "duplicates": 1}))

    async def use(backend: TrpcBackend) -> None:
        assert (await backend.track_usage("acme", [USAGE])).duplicates == 1
        first, second = (json.loads(request.content) for request in network.requests)
        assert first == second
        assert first["events"][0]["idempotencyKey"] == "s:1"

    try_backend(network, use)


def test_backend_that_wants_a_pause_gets_it() -> None:
    network = Network(error(429, "TOO_MANY_REQUESTS", Retry_After="2"), HITS)

    async def use(backend: TrpcBackend) -> None:
        await SEARCH(backend)
        assert 2 <= network.asked_at_s[1] - network.asked_at_s[0] <= 3

    try_backend(network, use)


@pytest.mark.parametrize("retry_after", ["3", "86400", "Fri, 31 Dec 2049 23:59:59 GMT"])
def test_backend_that_wants_a_long_pause_is_not_asked_again(retry_after: str) -> None:
    network = Network(unavailable(Retry_After=retry_after))

    async def use(backend: TrpcBackend) -> None:
        assert (await failure_of(SEARCH(backend))).reason == "failed"
        assert len(network.requests) == 1

    try_backend(network, use)


@pytest.mark.parametrize("retry_after", ["soon", "-1", "", format_datetime(START, usegmt=True)])
def test_pause_that_is_over_or_makes_no_sense_is_none(retry_after: str) -> None:
    network = Network(unavailable(Retry_After=retry_after), HITS)

    async def use(backend: TrpcBackend) -> None:
        await SEARCH(backend)
        assert network.asked_at_s[1] - network.asked_at_s[0] <= 1

    try_backend(network, use)


@pytest.mark.parametrize("procedure", sorted(CALLS))
def test_call_ends_in_time_whatever_the_backend_does(procedure: str) -> None:
    network = Network(3600.0)

    async def use(backend: TrpcBackend) -> None:
        begin_s = seconds()
        failure = await failure_of(CALLS[procedure](backend))
        assert failure.reason == "timeout"
        assert seconds() - begin_s == pytest.approx(5)

    try_backend(network, use)


def test_procedure_may_have_its_own_limit() -> None:
    limits = CallLimits(total_s_of={"knowledge.search": 0.5})

    async def use(backend: TrpcBackend) -> None:
        begin_s = seconds()
        await failure_of(SEARCH(backend))
        assert seconds() - begin_s == pytest.approx(0.5)

    try_backend(Network(3600.0), use, limits=limits)


def test_stalled_attempt_leaves_time_for_another() -> None:
    network = Network(3600.0, HITS)

    async def use(backend: TrpcBackend) -> None:
        assert await SEARCH(backend) == ()
        assert len(network.requests) == 2

    try_backend(network, use)


def test_backend_that_keeps_failing_is_left_alone_and_tried_again() -> None:
    network = Network(httpx.ConnectError("x"))

    async def use(backend: TrpcBackend) -> None:
        for _ in range(5):
            assert (await failure_of(SEARCH(backend))).reason == "unreachable"
        asked = len(network.requests)
        begin_s = seconds()
        paused = await failure_of(SEARCH(backend))
        assert paused.reason == "paused"
        assert paused.message.startswith("knowledge.search: the backend at https://backend.test is not asked")
        assert (seconds(), len(network.requests)) == (begin_s, asked)

        await asyncio.sleep(10)
        assert (await failure_of(SEARCH(backend))).reason == "unreachable"
        assert (await failure_of(SEARCH(backend))).reason == "paused"

        network.then(HITS)
        await asyncio.sleep(10)
        assert await SEARCH(backend) == ()
        assert await SEARCH(backend) == ()

    try_backend(network, use)


@pytest.mark.parametrize("procedure", sorted(CALLS.keys() - {"knowledge.search"}))
def test_procedure_that_is_left_alone_keeps_no_other_back(procedure: str) -> None:
    network = Network(unavailable())

    async def use(backend: TrpcBackend) -> None:
        for _ in range(5):
            await failure_of(SEARCH(backend))
        asked = len(network.requests)
        assert (await failure_of(CALLS[procedure](backend))).reason == "failed"
        assert len(network.requests) > asked
        assert (await failure_of(SEARCH(backend))).reason == "paused"

    try_backend(network, use)


def test_refusal_shows_that_the_backend_is_there() -> None:
    network = Network(httpx.ConnectError("x"))

    async def use(backend: TrpcBackend) -> None:
        for _ in range(5):
            await failure_of(SEARCH(backend))
        await asyncio.sleep(10)
        network.then(error(403, "FORBIDDEN"))
        assert (await failure_of(SEARCH(backend))).reason == "refused"
        assert (await failure_of(SEARCH(backend))).reason == "refused"

    try_backend(network, use)


def test_callers_who_give_up_say_nothing_about_the_backend() -> None:
    network = Network(3600.0)

    async def use(backend: TrpcBackend) -> None:
        for _ in range(10):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.8):
                    await SEARCH(backend)
        network.then(HITS)
        assert await SEARCH(backend) == ()

    try_backend(network, use)


def test_flag_is_asked_for_once_a_minute_by_tenant_and_name() -> None:
    network = Network(data({"enabled": True}), data({"enabled": False}))

    async def use(backend: TrpcBackend) -> None:
        assert await backend.check_feature_flag("acme", "f")
        await asyncio.sleep(59.9)
        assert await backend.check_feature_flag("acme", "f")
        assert len(network.requests) == 1
        assert not await backend.check_feature_flag("globex", "f")
        assert not await backend.check_feature_flag("acme", "g")
        assert len(network.requests) == 3
        await asyncio.sleep(0.1)
        assert not await backend.check_feature_flag("acme", "f")
        assert not await backend.check_feature_flag("acme", "f")
        assert len(network.requests) == 4

    try_backend(network, use)


def test_personality_is_asked_for_once_a_minute_even_where_there_is_none() -> None:
    network = Network(data(None), data({"name": "Ada"}))

    async def use(backend: TrpcBackend) -> None:
        assert await backend.get_ai_personality("acme") is None
        assert await backend.get_ai_personality("acme") is None
        assert len(network.requests) == 1
        await asyncio.sleep(60)
        personality = await backend.get_ai_personality("acme")
        assert personality is not None
        assert personality.name == "Ada"

    try_backend(network, use)


def test_failures_are_not_remembered() -> None:
    network = Network(error(403, "FORBIDDEN"), error(403, "FORBIDDEN"), data({"enabled": True}))

    async def use(backend: TrpcBackend) -> None:
        await failure_of(backend.check_feature_flag("acme", "f"))
        await failure_of(backend.get_ai_personality("acme"))
        assert await backend.check_feature_flag("acme", "f")

    try_backend(network, use)
