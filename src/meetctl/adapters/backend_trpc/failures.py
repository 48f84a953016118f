"""How a call can fail, from what httpx and the backend say; nothing of the backend's own words is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from meetctl.adapters.trpc_codec import TrpcFailure

if TYPE_CHECKING:
    from meetctl.errors import BackendFailure

_PASSING_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_REFUSING_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_KEY_HINT = "AGENT_API_KEY must hold the key that the backend knows this agent by"
_ADDRESS_HINT = "check API_BASE_URL, and the names of the procedures in MEETCTL_BACKEND_PROCEDURES"


class CallFailure(Exception):  # noqa: N818  a failure on its way to become a BackendError
    """One attempt that failed."""

    def __init__(
        self,
        reason: BackendFailure,
        what: str,
        *,
        is_passing: bool = False,
        found_nothing: bool = False,
        retry_after_s: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.reason: BackendFailure = reason
        self.what = what
        """What the backend did, to follow its address in a sentence."""
        self.is_passing = is_passing
        """Whether the backend is in trouble, which may pass by itself."""
        self.found_nothing = found_nothing
        """Whether the procedure is there, and says that what was asked for is not."""
        self.retry_after_s = retry_after_s
        """How long the backend wants to be left alone."""
        self.hint = hint


@contextmanager
def translate_httpx_errors() -> Iterator[None]:
    """Turn httpx's errors into ours; theirs are not kept: some hold the key or a query's input."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise CallFailure("timeout", f"did not answer ({type(error).__name__})", is_passing=True) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
        raise CallFailure(
            "unreachable", "cannot be asked with this address or key", hint=f"{_ADDRESS_HINT}; {_KEY_HINT}"
        ) from None
    except httpx.DecodingError:
        raise CallFailure("wrong answer", "gave a wrong answer: it is compressed wrongly") from None
    except httpx.RequestError as error:
        raise CallFailure(
            "unreachable", f"could not be reached ({type(error).__name__})", is_passing=True
        ) from None


def failure_of_status(response: httpx.Response, now: datetime) -> CallFailure:
    """Return what an answer without tRPC's form means by its status alone, as a proxy gives them."""
    return _failure(f"HTTP {response.status_code}", response, response.status_code, now)


def failure_of_answer(answer: TrpcFailure, response: httpx.Response, now: datetime) -> CallFailure:
    """Return what a tRPC error means."""
    status = answer.http_status or response.status_code
    if status == HTTPStatus.NOT_FOUND and not _says_no_such_procedure(answer.message):
        return CallFailure("not found", f"found nothing: {answer.code}", found_nothing=True)
    return _failure(answer.code, response, status, now)


def _failure(what: str, response: httpx.Response, status: int, now: datetime) -> CallFailure:
    if status in _REFUSING_STATUSES:
        return CallFailure("refused", f"refused us: {what}", hint=_KEY_HINT)
    if status == HTTPStatus.NOT_FOUND:
        return CallFailure("not found", f"has no such procedure: {what}", hint=_ADDRESS_HINT)
    is_passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUSES
    return CallFailure(
        "failed",
        f"failed: {what}",
        is_passing=is_passing,
        retry_after_s=_retry_after_s(response, now) if is_passing else None,
    )


def _says_no_such_procedure(message: str) -> bool:
    """Tell a procedure that does not exist from one that found nothing: both are NOT_FOUND."""
    return message.startswith("No ") and "procedure" in message and " on path " in message


def _retry_after_s(response: httpx.Response, now: datetime) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
