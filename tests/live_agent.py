"""A real worker in processes of its own, and what its meetings leave behind, for tests."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import psutil
import pytest
from aiohttp import ClientSession, WSMsgType, web
from livekit import api, rtc
from tests.local_stack import require_livekit_server

from meetctl.core.places import logs_directory, state_directory
from meetctl.stack.livekit_server import (
    choose_ports,
    is_serving,
    make_access,
    server_environment,
    write_config,
)
from meetctl.stack.process import MARK, find_marked, kill_processes, mark_of, tether_command
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess

    Event = dict[str, Any]

AGENT = "meetctl-test"
HANG_S = 120
"""After this a test is taken for hung; none measures time by it."""
_LOOK_EVERY_S = 0.05


async def until(condition: Callable[[], object], what: str, tell: Callable[[], str] = str) -> None:
    """Wait for a condition; when it never holds fail with `what`, and with what `tell` knows about it."""
    for _ in range(round(HANG_S / _LOOK_EVERY_S)):
        if condition():
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    pytest.fail(f"did not come about: {what}\n{tell()}")


@asynccontextmanager
async def run_silent_providers() -> AsyncIterator[str]:
    """Run providers on this machine that take everything and say nothing, and yield their address.

    A meeting that is not about speech goes on with them for as long as its people stay.
    """

    async def listen(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and "CloseStream" in message.data:
                break
        return socket

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", listen)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that was started, and where it leaves its marks."""

    process: subprocess.Popen[bytes]
    mark: str
    state: Path
    sessions: Path
    log: Path
    log_directory: Path
    """Where it keeps its log as JSON lines."""

    def log_file(self) -> Path:
        """Return the file that it keeps its log in."""
        (path,) = self.log_directory.glob(f"worker-*-{self.process.pid}.jsonl")
        return path

    def registration(self) -> Mapping[str, Any] | None:
        """What its state file says; None while there is none."""
        try:
            document: Mapping[str, Any] = json.loads(self.state.read_bytes())
        except FileNotFoundError:
            return None
        return document

    def url(self, path: str) -> str:
        """Return an address at its health port."""
        registration = self.registration()
        assert registration is not None
        return f"http://127.0.0.1:{registration['http_port']}{path}"

    def processes(self) -> list[psutil.Process]:
        """Every process that still runs of those that it started, and itself."""
        return find_marked(self.mark)

    def process_of(self, journal: Path) -> psutil.Process:
        """Return the process that holds the meeting: the one that has its journal open."""
        for process in self.processes():
            if any(file.path == str(journal) for file in process.open_files()):
                return process
        pytest.fail(f"no process has {journal} open")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker alone, as a service manager does."""
        self.process.send_signal(number)

    def said(self) -> str:
        """Return what it has written to stderr so far."""
        return self.log.read_text(encoding="utf-8")

    async def exit_status(self) -> int:
        """Wait until the worker itself has ended."""
        await until(lambda: self.process.poll() is not None, "the worker ends", self.said)
        return self.process.returncode

    async def wait_until_gone(self) -> None:
        """Wait until nothing of it runs any more."""
        await until(lambda: not self.processes(), "every process of the worker ends", self._describe)

    async def journal_of(self, room: str) -> Path:
        """Wait for a session in a room, and return its journal."""

        def found() -> list[Path]:
            started = {path: read_events(path, "session.started") for path in self.journals()}
            return [path for path, events in started.items() if events and events[0]["room"] == room]

        await until(found, f"a session in {room}", self.said)
        return found()[0]

    def journals(self) -> list[Path]:
        """Return the journals of its sessions."""
        return list(self.sessions.glob("*/events.jsonl"))

    async def wait_for_event(
        self, journal: Path, kind: str, *, count: int = 1, **fields: object
    ) -> list[Event]:
        """Wait until `count` events of a kind have these fields, and return them."""

        def found() -> list[Event]:
            return [event for event in read_events(journal, kind) if fields.items() <= event.items()]

        await until(
            lambda: len(found()) >= count,
            f"{count} {kind} {fields or ''}",
            lambda: journal.read_text(encoding="utf-8")[-3000:] + self.said(),
        )
        return found()

    def _describe(self) -> str:
        return "\n".join([*(str(one) for one in self.processes()), self.said()])


@contextmanager
def start_worker(
    directory: Path,
    livekit: LiveKitAccess,
    providers: str,
    *options: str,
    command: str = "start",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Worker]:
    """Start a worker that greets nobody, and end every process of it afterwards."""
    mark = secrets.token_hex(8)
    directory.mkdir(parents=True, exist_ok=True)
    log, sessions = directory / "worker.log", directory / "sessions"
    with log.open("wb") as file:
        process = subprocess.Popen(
            tether_command(
                [sys.executable, "-m", "meetctl", "agent", command, *_defaults(sessions), *options]
            ),
            env={
                **os.environ,
                **environment_of(livekit, providers),
                MARK: mark_of(mark, "worker"),
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    state = state_directory() / "workers" / f"{process.pid}.json"
    worker = Worker(
        process=process, mark=mark, state=state, sessions=sessions, log=log, log_directory=logs_directory()
    )
    try:
        yield worker
    finally:
        kill_processes(worker.processes())
        process.kill()
        process.wait()


@asynccontextmanager
async def run_worker(
    directory: Path, livekit: LiveKitAccess, providers: str, *options: str
) -> AsyncIterator[Worker]:
    """Start a worker, and yield it once it serves."""
    with start_worker(directory, livekit, providers, *options) as worker:
        await until(
            lambda: worker.registration() or worker.process.poll() is not None,
            "the worker registers",
            worker.said,
        )
        assert worker.process.poll() is None, worker.said()
        yield worker


def registrations() -> list[Mapping[str, Any]]:
    """Return what the state files of all workers say."""
    return [json.loads(path.read_bytes()) for path in (state_directory() / "workers").glob("*.json")]


class RestartableServer:
    """A LiveKit server that comes back where it was, with the same key, after it was killed."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._ports = choose_ports()
        self.access = make_access(self._ports)
        self._config = write_config(directory, self._ports, self.access)
        self._log = directory / "livekit-server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        process = self._process = self._run()
        await until(
            lambda: process.poll() is not None or is_serving(process.pid, self._ports.http),
            "livekit-server serves",
            self._log.read_text,
        )
        assert process.poll() is None, self._log.read_text()

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _run(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as file:
            return subprocess.Popen(
                tether_command([str(require_livekit_server()), "--config", str(self._config)]),
                env=server_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )


def environment_of(livekit: LiveKitAccess, providers: str) -> dict[str, str]:
    """Return the variables with which a worker finds the server and the providers."""
    return {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "MEETCTL_OFFLINE_URL": providers,
    }


async def dispatch(livekit: LiveKitAccess, room: str, agent: str = AGENT) -> None:
    """Send the agent into a room."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        await client.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=agent, room=room)
        )


@asynccontextmanager
async def attend(livekit: LiveKitAccess, room: str, identity: str = "maya") -> AsyncIterator[rtc.Room]:
    """Be in a room as a person who neither speaks nor shows anything."""
    joined = rtc.Room()
    await joined.connect(
        livekit.url, mint_token(livekit, room, identity, identity), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        yield joined
    finally:
        await joined.disconnect()


async def ask(url: str) -> tuple[int, str]:
    """Return the status and the text that an address of the worker answers with."""
    async with ClientSession() as client, client.get(url) as response:
        return response.status, await response.text()


def read_events(journal: Path, kind: str | None = None) -> list[Event]:
    """Return a journal's whole lines; a last one without its newline is being written."""
    whole, _, _ = journal.read_bytes().rpartition(b"\n")
    events = [json.loads(line) for line in whole.splitlines()]
    return [event for event in events if kind in (None, event["type"])]


def _defaults(sessions: Path) -> list[str]:
    return [
        *("--agent-name", AGENT, "--sessions", str(sessions), "--turn-detection", "vad"),
        *("--greeting", "", "--no-announce"),
    ]
