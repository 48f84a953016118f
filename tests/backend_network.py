"""The backend's client over a network that is made up, in time that is made up too."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.fakes.clock import LoopClock, run_virtually

from meetctl.adapters.backend_trpc import CallLimits, TrpcBackend
from meetctl.core.config import BackendAccess
from meetctl.domain.tenancy import SessionEvent, UsageRecord
from meetctl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ACCESS = BackendAccess(url="https://backend.test/api/", api_key="the-secret-key", transformer="plain")
QUERY = "what Maya asked"
USAGE = UsageRecord(
    key="s:1",
    session_id="s",
    room="r",
    at="2026-11-16T09:00:00Z",
    kind="stt.usage",
    provider="deepgram",
    model="nova-3",
    quantities={"seconds": Decimal(2)},
    usd=None,
    basis="reported",
)
EVENT = SessionEvent(key="s:0", session_id="s", room="r", at="2026-11-16T09:00:00Z", kind="k", fields={})

CALLS: dict[str, Callable[[TrpcBackend], Awaitable[Any]]] = {
    "livekit.getTenantByRoom": lambda backend: backend.get_tenant_by_room("r"),
    "livekit.trackUsage": lambda backend: backend.track_usage("acme", [USAGE]),
    "knowledge.search": lambda backend: backend.search_knowledge("acme", QUERY, limit=3),
    "featureFlags.check": lambda backend: backend.check_feature_flag("acme", "f"),
    "ai.getPersonality": lambda backend: backend.get_ai_personality("acme"),
    "livekit.recordSessionEvent": lambda backend: backend.record_session_event("acme", EVENT),
    "livekit.createToken": lambda backend: backend.create_token("acme", "r", "maya"),
}


class Network(httpx.MockTransport):
    """Gives prepared answers in turn, the last one for ever, and remembers when it was asked."""

    def __init__(self, *answers: object) -> None:
        super().__init__(self._answer)
        self.requests: list[httpx.Request] = []
        self.asked_at_s: list[float] = []
        self._answers = list(answers)

    def then(self, *answers: object) -> None:
        self._answers = list(answers)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked_at_s.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = data({"hits": []})
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        # One answer may be given several times.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def data(value: object) -> httpx.Response:
    return httpx.Response(200, json={"result": {"data": value}})


def error(status: int, code: str, message: str = "the server said", **headers: str) -> httpx.Response:
    shape = {"message": message, "code": -1, "data": {"code": code, "httpStatus": status}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": shape}, headers=named)


def unavailable(**headers: str) -> httpx.Response:
    return error(503, "SERVICE_UNAVAILABLE", **headers)


HITS = data({"hits": []})


def try_backend(
    network: Network,
    use: Callable[[TrpcBackend], Awaitable[None]],
    *,
    access: BackendAccess = ACCESS,
    limits: CallLimits | None = None,
) -> None:
    """Use a client in virtual time, and close it."""

    async def run() -> None:
        backend = TrpcBackend(access, LoopClock(), limits=limits, transport=network)
        try:
            await use(backend)
        finally:
            await backend.aclose()

    run_virtually(run())


async def failure_of(call: Awaitable[Any]) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await call
    return caught.value


def seconds() -> float:
    return asyncio.get_running_loop().time()
