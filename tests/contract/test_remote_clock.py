"""What every clock of another machine promises, held against the fake, and the adapter with a real server."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.fakes.remote_clock import FakeRemoteClock

from meetctl import bootstrap
from meetctl.adapters.server_clock import HttpServerClock
from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.ports import RemoteClock

CLOCK = bootstrap.system_clock()


@contextmanager
def serving(date: str | None) -> Iterator[str]:
    """Serve HTTP with this date, or the machine's own for None; yield the address as LiveKit's is written."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            text = self.date_time_string() if date is None else date
            if text:
                self.send_header("Date", text)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=["fake", "real"])
def clock(request: pytest.FixtureRequest) -> Iterator[RemoteClock]:
    if request.param == "fake":
        yield FakeRemoteClock(CLOCK)
        return
    with serving(None) as url:
        yield HttpServerClock(url)


@pytest.fixture(params=["fake", "real: nothing", "real: no date", "real: no zone"])
def silent(request: pytest.FixtureRequest) -> Iterator[RemoteClock]:
    """A clock that does not tell."""
    if request.param == "fake":
        yield FakeRemoteClock(CLOCK, ahead_s=None)
        return
    dates = {"real: nothing": "", "real: no date": "soon", "real: no zone": "Tue, 24 Nov 2026 12:00:00 -0000"}
    with serving(dates[request.param]) as url:
        yield HttpServerClock(url)


@pytest.fixture(params=["fake", "real"])
def gone(request: pytest.FixtureRequest) -> RemoteClock:
    """A clock that cannot be reached."""
    if request.param == "fake":
        fake = FakeRemoteClock(CLOCK)
        fake.is_reachable = False
        return fake
    return HttpServerClock("ws://127.0.0.1:9")


def test_it_tells_whole_seconds_in_utc(clock: RemoteClock) -> None:
    before = CLOCK.now().replace(microsecond=0)
    told = asyncio.run(clock.now())
    assert told is not None
    assert told.utcoffset() == timedelta()
    assert told.microsecond == 0
    assert before <= told <= CLOCK.now()


def test_it_may_not_tell(silent: RemoteClock) -> None:
    assert asyncio.run(silent.now()) is None


def test_what_cannot_be_reached_is_a_service_error(gone: RemoteClock) -> None:
    with pytest.raises(ServiceError):
        asyncio.run(gone.now())
