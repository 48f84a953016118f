"""Calls of procedures over one pooled HTTP client: bounded in time, repeated where safe, paused when vain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from meetctl import __version__
from meetctl.adapters.backend_trpc.answers import AnswerShapeError
from meetctl.adapters.backend_trpc.failures import (
    CallFailure,
    failure_of_answer,
    failure_of_status,
    translate_httpx_errors,
)
from meetctl.adapters.backend_trpc.procedures import PROCEDURES
from meetctl.adapters.trpc_codec import TrpcData, TrpcFormatError, read_answer, write_body, write_query
from meetctl.errors import BackendError
from meetctl.services.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from meetctl.adapters.backend_trpc.procedures import Procedure
    from meetctl.core.config import BackendAccess
    from meetctl.ports import Clock

AnswerT = TypeVar("AnswerT")

_LONGEST_RETRY_AFTER_S = 2.0
"""A backend that wants to be left alone for longer is asked no more in this call."""
_KEEP_ALIVE_S = 4.0
"""Below the 5 s after which Node closes an idle connection, so that none is used while it closes."""
_jittered_pause = wait_random_exponential(multiplier=0.2, max=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How long a call may take, and how often it may be tried."""

    connect_s: float = 2.0
    total_s: float = 5.0
    """For the whole call, its repetitions included; one attempt of several gets half of it."""
    total_s_of: Mapping[str, float] = field(default_factory=dict)
    """The same for single procedures, by our names."""
    attempts: int = 3


class ProcedureCaller:
    """Asks one backend; connects when it is asked first."""

    def __init__(
        self,
        access: BackendAccess,
        clock: Clock,
        limits: CallLimits,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._access = access
        self._clock = clock
        self._limits = limits
        self._transport = transport
        self._base_url = access.url.rstrip("/").removesuffix("/trpc") + "/trpc"
        self._origin = _origin(access.url)
        # One for each: a procedure that fails says nothing about the others.
        self._circuits = {procedure.name: CircuitBreaker(clock) for procedure in PROCEDURES}
        self._client: httpx.AsyncClient | None = None
        self._is_closed = False

    async def call(self, procedure: Procedure, value: Any, read: Callable[[Any], AnswerT]) -> AnswerT:
        """Ask for `procedure` and return what `read` makes of the answer; it gets None for nothing.

        Raises:
            BackendError: It failed.
        """
        request = self._prepare(procedure, value)
        circuit = self._circuits[procedure.name]
        admitted = None if self._is_closed else circuit.admit()
        if admitted is None:
            raise self._error(procedure, self._kept_back())
        try:
            answer = read(await self._attempt(procedure, request))
        except AnswerShapeError as error:
            circuit.succeed()
            raise self._error(procedure, CallFailure("wrong answer", _wrong(error))) from None
        except CallFailure as failure:
            if failure.is_passing:
                circuit.fail(admitted)
            else:
                circuit.succeed()
            raise self._error(procedure, failure) from None
        except BaseException:
            # Whoever asked waits no more: that says nothing about the backend.
            circuit.abandon(admitted)
            raise
        circuit.succeed()
        return answer

    async def aclose(self) -> None:
        """Close the connections; calls fail from now on, as paused ones do."""
        self._is_closed = True
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, procedure: Procedure, request: _Request) -> Any:
        limit_s = self._limits.total_s_of.get(procedure.name, self._limits.total_s)
        attempts = self._limits.attempts if procedure.is_repeatable else 1
        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            retry=retry_if_exception(_is_worth_repeating),
            wait=_pause_s,
            sleep=asyncio.sleep,
            reraise=True,
        )
        attempt_s = limit_s / 2 if attempts > 1 else limit_s
        try:
            async with asyncio.timeout(limit_s):
                return await retrying(self._ask, request, attempt_s)
        except TimeoutError:
            raise _too_late(limit_s) from None
        except CallFailure as failure:
            if failure.found_nothing and procedure.may_find_nothing:
                return None
            raise

    async def _ask(self, request: _Request, limit_s: float) -> Any:
        try:
            async with asyncio.timeout(limit_s):
                with translate_httpx_errors():
                    response = await self._connected().request(
                        request.method, request.url, content=request.body
                    )
        except TimeoutError:
            raise _too_late(limit_s) from None
        now = self._clock.now()
        try:
            answer = read_answer(response.content)
        except TrpcFormatError as error:
            if response.is_success:
                raise CallFailure("wrong answer", _wrong(error)) from None
            raise failure_of_status(response, now) from None
        if not isinstance(answer, TrpcData):
            raise failure_of_answer(answer, response, now)
        if not response.is_success:
            raise failure_of_status(response, now)
        return answer.value

    def _prepare(self, procedure: Procedure, value: Any) -> _Request:
        name = self._access.procedures.get(procedure.name, procedure.name)
        url = f"{self._base_url}/{quote(name, safe='.')}"
        if procedure.is_query:
            return _Request(method="GET", url=f"{url}?{write_query(value, self._access.transformer)}")
        return _Request(method="POST", url=url, body=write_body(value, self._access.transformer))

    def _connected(self) -> httpx.AsyncClient:
        """Return the client, made when it is needed first: that reads the certificates of this machine."""
        if self._client is None:
            # httpx logs each request with its address, and the input of a query is in the address.
            logging.getLogger("httpx").addFilter(_hide_input)
            self._client = httpx.AsyncClient(
                # A session that one tenant's call was given is nothing that another's may carry.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                # As bytes: httpx would refuse letters beyond ASCII in a key, instead of the backend.
                headers=[
                    (b"Authorization", f"Bearer {self._access.api_key}".encode()),
                    (b"Accept", b"application/json"),
                    (b"Content-Type", b"application/json"),
                    (b"User-Agent", f"meetctl/{__version__}".encode()),
                ],
                timeout=httpx.Timeout(None, connect=self._limits.connect_s),
                limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE_S),
                transport=self._transport,
            )
        return self._client

    def _kept_back(self) -> CallFailure:
        if self._is_closed:
            return CallFailure("paused", "is not asked any more: the connection has been closed")
        return CallFailure(
            "paused", "is not asked this for some seconds: it has failed several times in a row"
        )

    def _error(self, procedure: Procedure, failure: CallFailure) -> BackendError:
        name = self._access.procedures.get(procedure.name, procedure.name)
        message = f"{name}: the backend at {self._origin} {failure.what}"
        return BackendError(message, reason=failure.reason, hint=failure.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: str
    body: bytes | None = None


def _origin(url: str) -> str:
    """Return the address without a user, a password and a path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _too_late(limit_s: float) -> CallFailure:
    return CallFailure("timeout", f"did not answer within {limit_s:g} s", is_passing=True)


def _wrong(error: ValueError) -> str:
    return f"gave a wrong answer: {error}"


def _is_worth_repeating(error: BaseException) -> bool:
    return (
        isinstance(error, CallFailure)
        and error.is_passing
        and (error.retry_after_s or 0.0) <= _LONGEST_RETRY_AFTER_S
    )


def _pause_s(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome is not None else None
    asked_s = failure.retry_after_s if isinstance(failure, CallFailure) else None
    return (asked_s or 0.0) + _jittered_pause(state)


def _hide_input(record: logging.LogRecord) -> bool:
    """Take the input out of an address in httpx's log lines; nothing else of them is changed."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            part.copy_with(query=None) if isinstance(part, httpx.URL) else part for part in record.args
        )
    return True
