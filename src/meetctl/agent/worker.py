"""The worker: registers with LiveKit, and starts a process for each meeting."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import shutil
import signal
import socket
import tempfile
from typing import TYPE_CHECKING, Any

import psutil
from livekit import api
from livekit.agents import AgentServer

from meetctl.adapters.livekit_api import open_api
from meetctl.agent.capacity import Capacity
from meetctl.agent.entrypoint import end_meeting, prewarm, run_meeting
from meetctl.agent.worker_metrics import WorkerMetrics
from meetctl.core.shared_metrics import shared_directory
from meetctl.core.telemetry import check_telemetry
from meetctl.core.worker_options import WorkerRegistration
from meetctl.errors import ExitCode, ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from livekit.agents import JobRequest

    from meetctl.agent.adapters import AdaptersFactory
    from meetctl.core.config import AgentSettings
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.core.worker_options import WorkerOptions
    from meetctl.ports import Clock

logger = logging.getLogger(__name__)

CONNECT_RETRIES = 16
USUAL_TEMPORARY_DIRECTORY = "/tmp"
LONGEST_TEMPORARY_DIRECTORY = 64
"""Bytes: macOS lets a socket's path have 103, and multiprocessing adds some 35."""
PREPARE_LIMIT_S = 60.0
"""How long a process may take to get ready for a meeting; seconds, and many on a busy machine."""

PRELOADED = (
    "meetctl.agent.entrypoint",
    "meetctl.adapters.recorder_av.recorder",
    "meetctl.adapters.backend_trpc",
    "meetctl.adapters.delivery_state",
    # What the OpenAI client and its transport import only when they are first used, in a meeting.
    # What livekit-agents imports when the first sentence is spoken.
    "livekit.agents.tokenize._basic_hyphenator",
    "openai.resources.chat.completions",
    "openai.resources.models",
    "anyio.streams.memory",
    "anyio._backends._asyncio",
)
"""Imported once, before the processes of meetings are made of it."""


async def serve(
    settings: AgentSettings,
    options: WorkerOptions,
    *,
    make_adapters: AdaptersFactory,
    clock: Clock,
    on_registered: Callable[[WorkerRegistration], None],
    on_killed: Callable[[], None],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve meetings until the first signal; then let those that run end, and return.

    `beside` is run all the while. A second signal calls `on_killed` and ends the process at once, with
    everything that it started.

    Raises:
        ServiceError: The LiveKit server cannot be reached, or refuses the key.
        UsageError: A port is taken, or telemetry is configured in a way that we do not speak.
    """
    check_telemetry(os.environ)
    await check_livekit(settings.livekit)
    _shorten_temporary_directory()
    # The library does not say which port it was given, so a free one is chosen before.
    prometheus_port = _free_port(options.host) if options.prometheus_port == 0 else options.prometheus_port
    server = _make_server(
        settings, options, prometheus_port=prometheus_port, make_adapters=make_adapters, clock=clock
    )

    def registered(worker_id: str, _: object) -> None:
        on_registered(
            WorkerRegistration(
                worker_id=worker_id,
                agent_name=options.agent_name,
                url=settings.livekit.url,
                max_meetings=options.max_meetings,
                http_port=server.worker_info.http_port,
                prometheus_port=prometheus_port,
            )
        )

    server.on("worker_registered", registered)
    running_beside = asyncio.create_task(beside(), name="beside") if beside is not None else None
    try:
        await _run_until_signalled(server, options, on_killed)
    finally:
        if running_beside is not None:
            running_beside.cancel()
            await asyncio.wait({running_beside})


def _make_server(
    settings: AgentSettings,
    options: WorkerOptions,
    *,
    prometheus_port: int | None,
    make_adapters: AdaptersFactory,
    clock: Clock,
) -> AgentServer:
    """Return the library's worker, which takes as many meetings as there are places."""
    capacity = Capacity(options.max_meetings, clock=clock)
    metrics = WorkerMetrics(options.max_meetings)

    def observe(worker: AgentServer) -> float:
        running = _running(worker)
        metrics.observe(len(running))
        return capacity.observe(running)

    server = AgentServer(
        ws_url=settings.livekit.url,
        api_key=settings.livekit.api_key,
        api_secret=settings.livekit.api_secret,
        host=options.host,
        port=options.port,
        prometheus_port=prometheus_port,
        num_idle_processes=options.idle_processes,
        drain_timeout=options.drain_timeout_s,
        max_retry=CONNECT_RETRIES,
        # The capacity refuses what is too much; livekit's own threshold counts processor load.
        load_threshold=float("inf"),
        load_fnc=observe,
        setup_fnc=functools.partial(prewarm, settings=settings, make_adapters=make_adapters),
        initialize_process_timeout=PREPARE_LIMIT_S,
        preload_modules=list(PRELOADED),
    )

    async def answer(request: JobRequest) -> None:
        if capacity.admit(request.id, _running(server)):
            try:
                await request.accept(name="Assistant")
            finally:
                capacity.settle(request.id)
        else:
            logger.warning("refused a meeting: all %d places are taken", options.max_meetings)
            await request.reject(terminate=False)

    server.rtc_session(
        run_meeting, agent_name=options.agent_name, on_request=answer, on_session_end=end_meeting
    )
    return server


async def _run_until_signalled(
    server: AgentServer, options: WorkerOptions, on_killed: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _take_signal, stopping, on_killed)
    running = asyncio.create_task(server.run(), name="worker")
    waiting = asyncio.create_task(stopping.wait(), name="signal")
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await _drain(server, options.drain_timeout_s)
            await server.aclose()
        await running
    except OSError as error:
        raise UsageError(
            f"the worker cannot listen on {options.host} port {options.port}"
            f" or {options.prometheus_port}: {error.strerror or error}",
            hint="--port and --prometheus-port choose others; 0 is any free port",
        ) from error
    except RuntimeError as error:
        await server.aclose()
        raise ServiceError(
            f"the connection to the LiveKit server was lost and could not be made again: {error}"
        ) from error
    finally:
        waiting.cancel()


async def _drain(server: AgentServer, timeout_s: int) -> None:
    if timeout_s == 0:
        # The library takes 0 for no limit.
        return
    meetings = len(server.active_jobs)
    if meetings:
        logger.warning("no new meetings; waiting for %d to end; a second signal ends them", meetings)
    try:
        await server.drain(timeout_s)
    except TimeoutError:
        logger.warning("meetings still run after %d s; they are ended", timeout_s)


def _take_signal(stopping: asyncio.Event, on_killed: Callable[[], None]) -> None:
    if stopping.is_set():
        on_killed()
        for child in psutil.Process().children(recursive=True):
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        directory = shared_directory()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
        os._exit(ExitCode.INTERRUPTED)
    stopping.set()


def _free_port(host: str) -> int:
    """Return a port that is free now.

    Raises:
        UsageError: There is no such address here.
    """
    try:
        with socket.create_server((host, 0)) as listener:
            port: int = listener.getsockname()[1]
            return port
    except OSError as error:
        raise UsageError(f"--host {host} is no address of this machine: {error.strerror}") from error


def _running(server: AgentServer) -> list[str]:
    return [running.job.id for running in server.active_jobs]


def _shorten_temporary_directory() -> None:
    """Let multiprocessing put its socket where its path is short enough for the operating system.

    Otherwise no process could be made for any meeting, and the library would try without end.

    Raises:
        UsageError: Neither the temporary directory nor the usual one will do.
    """
    named = tempfile.gettempdir()
    if len(os.fsencode(named)) <= LONGEST_TEMPORARY_DIRECTORY:
        return
    if not os.access(USUAL_TEMPORARY_DIRECTORY, os.W_OK | os.X_OK):
        raise UsageError(
            f"the temporary directory {named} has too long a path for a socket",
            hint="set TMPDIR to a directory with a shorter path",
        )
    tempfile.tempdir = USUAL_TEMPORARY_DIRECTORY


async def check_livekit(access: LiveKitAccess) -> None:
    """Check that the server is there and takes the key.

    Raises:
        ServiceError: It is not, or does not.
    """
    async with open_api(access) as livekit:
        await livekit.room.list_rooms(api.ListRoomsRequest(names=["meetctl-check"]))
