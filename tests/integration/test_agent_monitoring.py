"""Logs, metrics and telemetry of meetings in processes of their own, under livekit-agents' real worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from tests import marked_secrets as marked
from tests.live_agent import until
from tests.telemetry_collector import run_collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredWorker:
    """The program of `tests/monitored_worker.py`, running."""

    process: subprocess.Popen[str]
    directory: Path
    port: int
    metrics: Path

    def start_meeting(self, room: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(room + "\n")
        self.process.stdin.flush()

    async def process_of(self, room: str) -> int:
        mark = self.directory / f"{room}.pid"
        await until(lambda: mark.exists() and mark.read_text(), f"a meeting in {room}", self.said)
        return int(mark.read_text())

    async def sample(self, name: str, **labels: str) -> float | None:
        """Return a metric as the worker's port serves it."""
        async with ClientSession() as http, http.get(f"http://127.0.0.1:{self.port}/metrics") as response:
            assert response.status == 200
            text = await response.text()
        assert marked.search(text) == []
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    async def wait_for(self, wanted: float | None, name: str, **labels: str) -> None:
        for _ in range(1200):
            if await self.sample(name, **labels) == wanted:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{name} is {await self.sample(name, **labels)}, not {wanted}\n{self.said()}")

    def said(self) -> str:
        return (self.directory / "worker.log").read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said().splitlines()]

    def end(self) -> int:
        self.process.communicate(timeout=120)
        return self.process.returncode


@contextmanager
def run_monitored(directory: Path, environment: Mapping[str, str]) -> Iterator[MonitoredWorker]:
    with (directory / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from tests.monitored_worker import main; main()"],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        started = psutil.Process(process.pid)
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, (directory / "worker.log").read_text()
            told = json.loads(ready)
            yield MonitoredWorker(
                process=process, directory=directory, port=told["port"], metrics=Path(told["directory"])
            )
        finally:
            if process.poll() is None:
                for child in started.children(recursive=True):
                    child.kill()
                process.kill()
                process.communicate()


def test_one_port_serves_all_meetings_and_a_killed_one_is_seen(tmp_path: Path) -> None:
    async def use(worker: MonitoredWorker) -> None:
        await worker.wait_for(0, "meetctl_sessions_running")
        for room in ("one", "two"):
            worker.start_meeting(room)
        await worker.process_of("one")
        killed = await worker.process_of("two")
        await worker.wait_for(2, "meetctl_sessions_running")
        assert await worker.sample("meetctl_sessions_max") == 7
        assert await worker.sample("meetctl_sessions_started_total") == 2
        assert await worker.sample("meetctl_frames_kept_total") == 2
        assert await worker.sample("meetctl_cost_usd_total", model="gpt-4.1") == 1.0
        assert await worker.sample("meetctl_degraded_sessions", component="backend") == 2
        assert await worker.sample("lk_agents_worker_load") is not None
        os.kill(killed, signal.SIGKILL)
        await worker.wait_for(1, "meetctl_sessions_running")
        await worker.wait_for(1, "meetctl_degraded_sessions", component="backend")
        assert await worker.sample("meetctl_sessions_started_total") == 2
        # The next meeting goes on with the killed one's counters, in its files.
        files = set(worker.metrics.glob("counter_slot*.db"))
        worker.start_meeting("three")
        await worker.process_of("three")
        await worker.wait_for(3, "meetctl_sessions_started_total")
        assert set(worker.metrics.glob("counter_slot*.db")) == files

    with run_monitored(tmp_path, {}) as worker:
        asyncio.run(use(worker))
        assert worker.end() == 0
    assert not worker.metrics.exists()


def test_each_line_of_a_meeting_says_whose_it_is_and_nothing_leaves(tmp_path: Path) -> None:
    async def use(worker: MonitoredWorker) -> None:
        for room in ("one", "two"):
            worker.start_meeting(room)
        for room in ("one", "two"):
            await worker.process_of(room)

    with (
        run_collector() as collector,
        run_monitored(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as worker,
    ):
        asyncio.run(use(worker))
        assert worker.end() == 0
        lines = worker.lines()
    for room in ("one", "two"):
        own = [line for line in lines if line["room"] == room and line["session_id"]]
        assert {line["tenant"] for line in own} == {f"tenant-{room}"}
        assert {line["session_id"] for line in own} == {f"session-{room}"}
        assert {line["turn"] for line in own} == {4}
        assert {line["job_id"] for line in own} != {None}
        assert len({line["pid"] for line in own}) == 1
        said = {(line["logger"], line["message"], line.get("error")) for line in own}
        assert {
            ("meetctl.agent", "joined", None),
            ("livekit.agents", "heard …", None),
            ("livekit.agents", "failed to generate LLM completion", None),
            ("livekit.agents", "closing", "ValueError"),
        } <= said
    assert marked.search(worker.said()) == []

    assert {span.name for span in collector.spans} >= {"llm_node", "job_entrypoint"}
    told = [
        {
            one.key: one.value.string_value or one.value.double_value or one.value.int_value
            for one in span.attributes
        }
        for span in collector.spans
        if span.name == "llm_node"
    ]
    assert sorted(str(span["meetctl.tenant"]) for span in told) == ["tenant-one", "tenant-two"]
    assert all(span["lk.speech_id"] == "speech_1" and span["lk.response.ttft"] == 0.25 for span in told)
    costs = collector.points("meetctl.cost.usd")
    assert sum(point.as_double for point in costs) == 1.0
    assert {one.key for point in costs for one in point.attributes} == {"provider", "model", "unit"}
    # Each process counts for itself.
    assert len({one["service.instance.id"] for one in collector.resources}) == 2
    assert marked.search(collector.text()) == []
