"""The time of a LiveKit server, as the head of each of its HTTP answers says."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientSession, ClientTimeout

from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from datetime import datetime

_LIMIT_S = 10.0


class HttpServerClock:
    """The RemoteClock port over HTTP's `Date`."""

    def __init__(self, url: str) -> None:
        self._url = url
        # wss:// and ws:// differ from https:// and http:// in nothing else.
        self._address = f"http{url.removeprefix('ws')}" if url.startswith("ws") else url

    async def now(self) -> datetime | None:
        """Return what `Date` says; None where there is none, or nothing that can be read."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=_LIMIT_S)) as session,
                session.get(self._address, allow_redirects=False) as answer,
            ):
                date = answer.headers.get("Date", "")
        except (ClientError, OSError, TimeoutError) as error:
            raise ServiceError(
                f"the LiveKit server {self._url} cannot be reached", hint="check LIVEKIT_URL"
            ) from error
        try:
            read = parsedate_to_datetime(date)
        except ValueError:
            return None
        # A date without a zone is of no use.
        return read if read.tzinfo is not None else None
