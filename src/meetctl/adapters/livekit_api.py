"""A connection to a LiveKit server's API, and what its refusals mean: shared by the adapters that use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientTimeout
from livekit import api

from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess

_LIMIT_S = 10.0
_REFUSED = (401, 403)


def connect_api(access: LiveKitAccess) -> api.LiveKitAPI:
    """Return the server's API with a pool of connections; to be called where an event loop runs."""
    timeout = ClientTimeout(total=_LIMIT_S)
    return api.LiveKitAPI(access.url, access.api_key, access.api_secret, timeout=timeout)


@asynccontextmanager
async def open_api(access: LiveKitAccess) -> AsyncIterator[api.LiveKitAPI]:
    """Open the server's API for a moment; what goes wrong with it is told plainly.

    Raises:
        ServiceError: The server cannot be reached, or refuses.
    """
    with explain_refusals(access):
        async with connect_api(access) as livekit:
            yield livekit


@contextmanager
def explain_refusals(access: LiveKitAccess, *, missing: str = "") -> Iterator[None]:
    """Turn the API's errors into ours; `missing` says what is not there when the server finds nothing.

    Raises:
        NotFoundError: The server knows no such thing.
        ServiceError: It cannot be reached, or refuses.
    """
    try:
        yield
    except api.TwirpError as error:
        if error.status in _REFUSED:
            raise ServiceError(
                f"the LiveKit server {access.url} refused the key {access.api_key!r}",
                hint="LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be this server's",
            ) from error
        if error.code == api.TwirpErrorCode.NOT_FOUND and missing:
            raise NotFoundError(missing) from error
        raise ServiceError(f"the LiveKit server {access.url} refused: {_describe(error)}") from error
    except (ClientError, OSError, TimeoutError) as error:
        raise ServiceError(
            f"the LiveKit server {access.url} cannot be reached",
            hint="check LIVEKIT_URL, or start one here with `meetctl up`",
        ) from error


def _describe(error: api.TwirpError) -> str:
    """Return the server's own words, or what the status says where it has none."""
    return error.message.removeprefix("twirp error unknown: ") or f"{error.code}, status {error.status}"
