"""A worker of livekit-agents whose meetings only say something: run as a program, by tests of monitoring.

It serves metrics, starts a meeting for every line on its stdin, and ends when that is closed. Each meeting
leaves a file with its process's id in the working directory, and goes on until its worker ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests import marked_secrets as marked
from tests.agent_settings import make_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit.agents import AgentServer, JobContext, JobProcess

PLACES = 7


def prepare(process: JobProcess) -> None:
    """Prepare a meeting's process as the agent's own entrypoint does."""
    from meetctl.agent.monitoring import start_monitoring

    settings = make_settings()
    settings = replace(settings, llm=replace(settings.llm, api_key=marked.API_KEY))
    process.userdata["monitoring"] = start_monitoring(settings)


async def meet(ctx: JobContext) -> None:
    """Journal a little of a meeting, and let libraries log what they must not."""
    from tests.fakes.clock import ManualClock
    from tests.fakes.event_sink import InMemoryEventSink

    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.events import JournalOwner

    room = ctx.job.room.name
    monitoring = ctx.proc.userdata["monitoring"]
    owner = JournalOwner(session_id=f"session-{room}", tenant_id=f"tenant-{room}", room=room)
    journal = MeetingJournal(InMemoryEventSink(clock=ManualClock(), owner=owner))
    monitoring.follow(journal)
    journal.write("session.started", {})
    journal.write("video.frames", {"t_us": [0, 1, 2, 3], "kept": 1})
    journal.write("backend.degraded", {"reason": "timeout"})
    journal.write("turn.started", {"turn": 4, "participant": marked.IDENTITY})
    usage = {"provider": "openai", "model": "gpt-4.1", "outcome": "done", "input_tokens": 100}
    journal.write("llm.request", {**usage, "usd": "0.5", "usd_by_unit": {"input_tokens": "0.5"}})
    _log_what_must_not_leave()
    _trace_what_must_not_leave()
    _leave_mark(room)
    await asyncio.Event().wait()


def _leave_mark(room: str) -> None:
    Path(f"{room}.pid").write_text(str(os.getpid()))


def _log_what_must_not_leave() -> None:
    logging.getLogger("meetctl.agent").info("joined", extra={"participants": 2, "name_shown": marked.NAME})
    library = logging.getLogger("livekit.agents")
    library.warning("heard %s", marked.SAID, extra={"user_transcript": marked.SAID, "unsendable": print})
    library.error(f"failed to generate LLM completion: {marked.SAID} {marked.API_KEY}")
    try:
        raise ValueError(marked.SAID)
    except ValueError:
        library.exception("closing")


def _trace_what_must_not_leave() -> None:
    from livekit.agents.telemetry import tracer

    with tracer.start_as_current_span("llm_node", attributes={"lk.pii.chat_ctx": marked.SAID}) as span:
        span.set_attribute("lk.speech_id", "speech_1")
        span.set_attribute("lk.later.attribute", marked.SAID)
        span.set_attribute("lk.response.ttft", 0.25)
        span.record_exception(ValueError(marked.SAID))


def main() -> None:
    """Run the worker."""
    from meetctl.core.monitoring import start_logging
    from meetctl.core.shared_metrics import share_metrics

    start_logging(environment="production")
    with share_metrics() as directory:
        asyncio.run(_serve(directory))


async def _serve(directory: Path) -> None:
    from livekit import agents

    from meetctl.agent.worker_metrics import WorkerMetrics

    metrics = WorkerMetrics(PLACES)

    def observe(worker: AgentServer) -> float:
        metrics.observe(len(worker.active_jobs))
        return 0.0

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = agents.AgentServer(
        ws_url="ws://127.0.0.1:9",
        api_key="devkey",
        api_secret=marked.API_SECRET,
        host="127.0.0.1",
        port=0,
        prometheus_port=port,
        num_idle_processes=0,
        load_fnc=observe,
        load_threshold=float("inf"),
        setup_fnc=prepare,
        initialize_process_timeout=60.0,
    )
    server.rtc_session(meet, agent_name="monitored")
    started = asyncio.Event()
    server.once("worker_started", started.set)
    running = asyncio.create_task(server.run(unregistered=True))
    await started.wait()
    sys.stdout.write(json.dumps({"port": port, "directory": str(directory)}) + "\n")
    sys.stdout.flush()
    async for room in _lines():
        await server.simulate_job(room, fake_job=True)
    await server.aclose()
    await running


async def _lines() -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(waiting.put_nowait, line.strip())
        loop.call_soon_threadsafe(waiting.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while line := await waiting.get():
        yield line


if __name__ == "__main__":
    main()
