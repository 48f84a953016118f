"""What every probe of media promises, held against the fake, and the adapter with a real server."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, WSMsgType, web
from livekit.protocol import rtc as signalling
from tests.fakes.media_probe import FakeMediaProbe
from tests.fakes.room_admin import FakeRoomAdmin
from tests.local_stack import run_livekit_server
from yarl import URL

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.adapters.media_probe import LiveKitMediaProbe
from meetctl.domain.diagnosis import MediaPaths
from meetctl.errors import ServiceError
from meetctl.stack import livekit_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import MediaProbe, RoomAdmin
    from meetctl.stack.livekit_server import Ports

ROOM = "probed"
LOOK_S = 0.05
HANG_S = 60
NO_TCP_LIMIT_S = 1.0
"""A server without TCP lets it be tried for ever; none of the tests measures time by it."""


@pytest.fixture(scope="module")
def with_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    """A server that takes media over TCP too, which the local stack's does not."""

    def write(directory: Path, ports: Ports, access: LiveKitAccess) -> Path:
        path = livekit_server.write_config(directory, ports, access)
        config = json.loads(path.read_text())
        config["rtc"]["tcp_port"] = ports.http + 1
        path.write_text(json.dumps(config))
        return path

    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.local_stack.write_config", write)
            access = stack.enter_context(run_livekit_server(tmp_path_factory.mktemp("with-tcp")))
        yield access


@pytest.fixture(scope="module")
def without_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("without-tcp")) as access:
        yield access


@pytest.fixture(params=["fake", "real"])
def pair(request: pytest.FixtureRequest) -> Callable[[], tuple[MediaProbe, RoomAdmin]]:
    """What makes a probe and the administration of the same server, in a running event loop."""
    if request.param == "fake":
        admin = FakeRoomAdmin()
        return lambda: (FakeMediaProbe(admin), admin)
    access: LiveKitAccess = request.getfixturevalue("with_tcp")
    return lambda: (LiveKitMediaProbe(access), LiveKitAdmin(access))


async def nobody_is_there(admin: RoomAdmin) -> None:
    for _ in range(round(HANG_S / LOOK_S)):
        if not await admin.list_participants(ROOM):
            return
        await asyncio.sleep(LOOK_S)
    pytest.fail("somebody has stayed in the room")


def test_both_ways_are_found_and_nobody_stays(pair: Callable[[], tuple[MediaProbe, RoomAdmin]]) -> None:
    async def use() -> None:
        probe, admin = pair()
        await admin.create_room(ROOM)
        paths = await probe.find_paths(ROOM)
        assert paths.usual is not None
        assert (paths.usual.protocol, paths.usual.is_relayed) == ("udp", False)
        assert paths.tcp is not None
        assert paths.tcp.protocol == "tcp"
        assert paths.tcp.address != paths.usual.address
        await nobody_is_there(admin)
        await admin.close_room(ROOM)
        await admin.aclose()

    asyncio.run(use())


def test_an_unreachable_server_is_a_service_error(without_tcp: LiveKitAccess) -> None:
    admin = FakeRoomAdmin()
    admin.is_reachable = False
    nowhere = replace(without_tcp, url="ws://127.0.0.1:9")
    for probe in (FakeMediaProbe(admin), LiveKitMediaProbe(nowhere)):
        with pytest.raises(ServiceError):
            asyncio.run(probe.find_paths(ROOM))


def test_a_refused_key_is_a_service_error_without_the_token(without_tcp: LiveKitAccess) -> None:
    stranger = replace(without_tcp, api_secret="another-secret-of-32-characters-or-more")
    with pytest.raises(ServiceError, match="let nobody join a room") as error:
        asyncio.run(LiveKitMediaProbe(stranger).find_paths(ROOM))
    assert "eyJ" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_server_without_tcp_has_one_way(without_tcp: LiveKitAccess) -> None:
    paths = asyncio.run(LiveKitMediaProbe(without_tcp, tcp_limit_s=NO_TCP_LIMIT_S).find_paths(ROOM))
    assert paths.usual is not None
    assert paths.usual.protocol == "udp"
    assert paths.tcp is None


class Firewall:
    """Stands before a server, and takes candidates out of what is signalled, so that none is ever tried."""

    def __init__(self, url: str, *, lets_tcp: bool) -> None:
        self._url = url
        self._lets_tcp = lets_tcp

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """Yield the address at which it stands."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"ws://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        address = URL(f"{self._url}{request.raw_path}", encoded=True)
        headers = {"Authorization": request.headers["Authorization"]}
        here = web.WebSocketResponse()
        async with ClientSession() as session, session.ws_connect(address, headers=headers) as there:
            await here.prepare(request)
            ways = {
                asyncio.create_task(self._pass_on(there, here, signalling.SignalResponse)),
                asyncio.create_task(self._pass_on(here, there, signalling.SignalRequest)),
            }
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        return here

    async def _pass_on(self, origin: Any, target: Any, kind: Any) -> None:
        async for message in origin:
            if message.type is WSMsgType.BINARY:
                cleaned = self._clean(kind.FromString(message.data))
                if cleaned is not None:
                    await target.send_bytes(cleaned.SerializeToString())

    def _clean(self, message: Any) -> Any:
        kind = message.WhichOneof("message")
        if kind == "trickle" and not self._passes(message.trickle.candidateInit):
            return None
        if kind in ("offer", "answer"):
            description = getattr(message, kind)
            lines = description.sdp.splitlines(keepends=True)
            description.sdp = "".join(
                line for line in lines if "a=candidate" not in line or self._passes(line)
            )
        return message

    def _passes(self, candidate: str) -> bool:
        return self._lets_tcp and " tcp " in candidate.lower()


def find_through_firewall(access: LiveKitAccess, *, lets_tcp: bool) -> MediaPaths:
    async def find() -> MediaPaths:
        async with Firewall(access.url, lets_tcp=lets_tcp).run() as url:
            return await LiveKitMediaProbe(replace(access, url=url)).find_paths(ROOM)

    return asyncio.run(find())


def test_where_udp_does_not_get_through_the_usual_way_is_tcp(with_tcp: LiveKitAccess) -> None:
    paths = find_through_firewall(with_tcp, lets_tcp=True)
    assert paths.usual is not None
    assert paths.usual.protocol == "tcp"
    assert paths.tcp == paths.usual


def test_where_nothing_gets_through_there_is_no_way(with_tcp: LiveKitAccess) -> None:
    assert find_through_firewall(with_tcp, lets_tcp=False) == MediaPaths(usual=None, tcp=None)
