"""Metrics of several processes in one directory: what stays of those that have ended, killed ones too."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, multiprocess

from meetctl.core.shared_metrics import (
    DIRECTORY_VARIABLE,
    clear_dead_gauges,
    share_metrics,
    shared_directory,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

MEETING = """
import sys
from pathlib import Path
from meetctl.core.shared_metrics import claim_slot, shared_directory
print(claim_slot(shared_directory()), flush=True)
import pytest
from prometheus_client import CollectorRegistry
from meetctl.core.metrics import MeetingInstruments
instruments = MeetingInstruments(CollectorRegistry())
instruments.sessions_started.inc()
instruments.degraded.labels("backend").set(1)
instruments.latency.labels("llm").observe(0.2)
print("counted", flush=True)
sys.stdin.read()
"""


@contextmanager
def run_meeting(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a process that counts, and yield it and its slot once it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", MEETING],
        env={**os.environ, DIRECTORY_VARIABLE: str(directory)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        slot = process.stdout.readline().strip()
        assert process.stdout.readline() == "counted\n"
        yield process, slot
    finally:
        process.kill()
        process.communicate()


def value(directory: Path, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]
    return registry.get_sample_value(name, labels)


def test_counters_outlive_their_processes_and_files_do_not_grow(tmp_path: Path) -> None:
    with run_meeting(tmp_path) as (_, first), run_meeting(tmp_path) as (_, second):
        assert {first, second} == {"slot0", "slot1"}
        assert value(tmp_path, "meetctl_sessions_started_total") == 2
        files = sorted(path.name for path in tmp_path.iterdir())
    # Both were killed. The next one goes on where one of them was.
    with run_meeting(tmp_path) as (_, third):
        assert third == "slot0"
        assert value(tmp_path, "meetctl_sessions_started_total") == 3
        assert value(tmp_path, "meetctl_answer_latency_seconds_count", stage="llm") == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_a_killed_processs_present_state_is_forgotten_and_a_running_ones_is_not(tmp_path: Path) -> None:
    with run_meeting(tmp_path):
        with run_meeting(tmp_path):
            clear_dead_gauges(tmp_path)
            assert value(tmp_path, "meetctl_degraded_sessions", component="backend") == 2
        clear_dead_gauges(tmp_path)
        assert value(tmp_path, "meetctl_degraded_sessions", component="backend") == 1
    clear_dead_gauges(tmp_path)
    assert value(tmp_path, "meetctl_degraded_sessions", component="backend") is None


def test_a_slot_begins_without_the_last_ones_present_state(tmp_path: Path) -> None:
    with run_meeting(tmp_path):
        pass
    with run_meeting(tmp_path):
        assert value(tmp_path, "meetctl_degraded_sessions", component="backend") == 1


def test_the_directory_is_there_as_long_as_metrics_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECTORY_VARIABLE, raising=False)
    monkeypatch.delitem(sys.modules, "prometheus_client")
    assert shared_directory() is None
    with share_metrics() as directory:
        assert shared_directory() == directory
        (directory / "counter_1.db").write_bytes(b"")
    assert shared_directory() is None
    assert not directory.exists()


def test_sharing_too_late_is_an_error_and_not_silence() -> None:
    with pytest.raises(RuntimeError, match="before prometheus_client"), share_metrics():
        pass
