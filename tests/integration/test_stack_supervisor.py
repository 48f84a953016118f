"""The supervisor over real processes: small programs, and the real LiveKit server."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.local_stack import require_livekit_server, run_livekit_server

from meetctl.errors import ServiceError
from meetctl.stack.livekit_server import Ports, choose_ports, is_serving, start_livekit_server
from meetctl.stack.process import find_marked
from meetctl.stack.supervisor import Part, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.core.local_stack import StackPart

pytestmark = pytest.mark.live

PATIENCE_S = 60
SERVE = "print('serving', flush=True); import time; time.sleep(600)"
STUBBORN_FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("serving", flush=True)
time.sleep(600)
"""


def make_part(directory: Path, program: str, *, name: str = "program", **options: float) -> Part:
    """Return a Python program that serves once it has printed `serving`."""
    log = directory / f"{name}.log"

    async def probe(_pid: int) -> str | None:
        return "here" if "serving" in log.read_text() else None

    return Part(
        name=name,
        command=(sys.executable, "-c", program),
        environment=dict(os.environ),
        log=log,
        ready=probe,
        start_limit_s=options.get("start_limit_s", PATIENCE_S),
        stop_limit_s=options.get("stop_limit_s", PATIENCE_S),
    )


def test_part_serves_until_the_block_is_left(tmp_path: Path) -> None:
    changes: list[tuple[str, ...]] = []

    async def run() -> StackPart:
        supervisor = Supervisor(
            changed=lambda: changes.append(tuple(part.state for part in supervisor.parts))
        )
        async with supervisor:
            status = await supervisor.start(make_part(tmp_path, SERVE))
            assert (status.state, status.url) == ("running", "here")
            assert status.identity.is_running()
        return status

    status = asyncio.run(run())
    assert not status.identity.is_running()
    assert changes == [("starting",), ("running",), ("stopped",)]


def test_crash_is_told_with_its_cause_and_the_others_keep_running(tmp_path: Path) -> None:
    crashing = (
        "print('serving', flush=True); input_ = __import__('time').sleep(1); raise SystemExit('no voice')"
    )

    async def run() -> None:
        async with Supervisor() as supervisor:
            healthy = await supervisor.start(make_part(tmp_path, SERVE, name="healthy"))
            await supervisor.start(make_part(tmp_path, crashing, name="crashing"))
            crash = await asyncio.wait_for(supervisor.next_crash(), PATIENCE_S)
            assert (crash.name, crash.state) == ("crashing", "failed")
            assert crash.detail == "ended with exit code 1; its last line: no voice"
            assert healthy.identity.is_running()
            assert [part.state for part in supervisor.parts] == ["running", "failed"]

    asyncio.run(run())


def test_part_killed_by_a_signal_is_told_by_its_name(tmp_path: Path) -> None:
    async def run() -> None:
        async with Supervisor() as supervisor:
            status = await supervisor.start(make_part(tmp_path, SERVE))
            os.kill(status.identity.pid, signal.SIGKILL)
            crash = await asyncio.wait_for(supervisor.next_crash(), PATIENCE_S)
            assert crash.detail == "was killed by SIGKILL; its last line: serving"

    asyncio.run(run())


def test_part_that_was_stopped_is_no_crash_and_can_be_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with Supervisor() as supervisor:
            first = await supervisor.start(make_part(tmp_path, SERVE))
            await supervisor.stop("program")
            assert [part.state for part in supervisor.parts] == ["stopped"]
            second = await supervisor.start(make_part(tmp_path, SERVE))
            assert second.identity != first.identity
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(supervisor.next_crash(), 0.1)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("program", "start_limit_s", "why"),
    [
        ("raise SystemExit('no voice')", PATIENCE_S, "it ended with exit code 1; its last line: no voice"),
        ("import time; time.sleep(600)", 0.5, "it did not answer within"),
    ],
)
def test_part_that_does_not_come_up_is_named_and_gone(
    tmp_path: Path, program: str, start_limit_s: float, why: str
) -> None:
    async def run() -> None:
        async with Supervisor() as supervisor:
            with pytest.raises(ServiceError, match=f"program did not start: {why}") as failure:
                await supervisor.start(make_part(tmp_path, program, start_limit_s=start_limit_s))
            assert str(tmp_path / "program.log") in (failure.value.hint or "")
            assert [part.state for part in supervisor.parts] == ["failed"]
            assert find_marked(supervisor.id) == []

    asyncio.run(run())


def test_part_that_ignores_sigterm_is_killed_with_all_it_started(tmp_path: Path) -> None:
    async def run() -> None:
        async with Supervisor() as supervisor:
            await supervisor.start(make_part(tmp_path, STUBBORN_FAMILY, stop_limit_s=0.5))
            family = find_marked(supervisor.id)
            assert len(family) == 2
        assert psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []

    asyncio.run(run())


def test_cancelled_while_starting_leaves_nothing(tmp_path: Path) -> None:
    async def run(supervisor: Supervisor) -> None:
        async with supervisor:
            await supervisor.start(make_part(tmp_path, "import time; time.sleep(600)"))

    async def cancel() -> None:
        starting = asyncio.Event()
        supervisor = Supervisor(changed=starting.set)
        task = asyncio.create_task(run(supervisor))
        await starting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert find_marked(supervisor.id) == []

    asyncio.run(cancel())


@pytest.mark.parametrize("taken", ["http", "udp"])
def test_port_taken_after_it_was_chosen_is_not_the_end(tmp_path: Path, taken: str) -> None:
    binary = require_livekit_server()
    asked: list[Ports] = []

    async def run(taken_ports: Ports) -> None:
        def choose() -> Ports:
            asked.append(choose_ports() if asked else taken_ports)
            return asked[-1]

        async with Supervisor() as supervisor:
            access = await start_livekit_server(supervisor, binary, tmp_path, os.environ, choose=choose)
            assert access.url == f"ws://127.0.0.1:{asked[-1].http}"
            assert [part.state for part in supervisor.parts] == ["running"]

    kind = socket.SOCK_STREAM if taken == "http" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as stranger:
        stranger.bind(("127.0.0.1", 0))
        if taken == "http":
            stranger.listen()
        port, free = stranger.getsockname()[1], choose_ports()
        asyncio.run(
            run(Ports(http=port, udp=free.udp) if taken == "http" else Ports(http=free.http, udp=port))
        )
    assert len(asked) == 2


def test_server_listens_on_loopback_only_and_takes_no_setting_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_CONFIG", "port: 7880")
    monkeypatch.setenv("UDP_PORT", "7882")
    with run_livekit_server(tmp_path) as access:
        port = int(access.url.rpartition(":")[2])
        (server,) = (process for process in psutil.Process().children() if is_serving(process.pid, port))
        connections = server.net_connections("inet")
        assert {connection.laddr.ip for connection in connections} == {"127.0.0.1"}
        assert access.api_secret not in " ".join(server.cmdline())
    assert not server.is_running()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_killed_parent_takes_its_part_along(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(os.fspath(__file__)).rpartition("/tests/")[0]!r})
from tests.integration.test_stack_supervisor import SERVE, make_part
from meetctl.stack.supervisor import Supervisor

async def run():
    async with Supervisor() as supervisor:
        status = await supervisor.start(make_part(Path({str(tmp_path)!r}), SERVE))
        print(status.identity.pid, flush=True)
        await supervisor.next_crash()

asyncio.run(run())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        part = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([part], timeout=PATIENCE_S)[1] == []
