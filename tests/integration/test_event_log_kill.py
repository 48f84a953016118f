"""Journals of processes that are killed, or whose disk is full.

python -m tests.integration.test_event_log_kill JOURNAL [--file-bytes N]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes.event_sink import OWNER

from meetctl.adapters.event_log import EventLog
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.events import parse_journal
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from meetctl.domain.events import Event

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120


def _write(journal: Path, file_bytes: int | None) -> None:
    """Tell each event after it was written, without an end; or until the file may not grow any more."""
    clock = SystemClock()
    log = EventLog(journal, OWNER, clock=clock, media_us=lambda: 0)
    if file_bytes is None:
        number = 0
        while True:
            number = log.append("log", {"text": "x" * (number * 37 % 3000)}).seq + 1
            _say(str(number))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        for _ in range(50):
            log.append("log", {"text": "x" * 500})
    except OutputError as error:
        _say(error.message)
    for _ in range(3):
        try:
            log.append("log", {"text": "x" * 500})
        except OutputError as error:
            _say(error.message)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.append("log", {"text": "there is room again"})
    log.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _start(journal: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.test_event_log_kill", str(journal), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def _read(journal: Path) -> list[Event]:
    events = list(parse_journal(journal.read_bytes()))
    assert None not in events
    return [event for event in events if event is not None]


@pytest.mark.parametrize("after", [1, 700])
def test_a_killed_process_loses_no_event_that_it_has_written(tmp_path: Path, after: int) -> None:
    journal = tmp_path / "events.jsonl"
    with _start(journal) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(after)]
        writer.kill()
        told += [line for line in writer.stdout if line.endswith("\n")]
    events = _read(journal)
    assert journal.read_bytes().endswith(b"\n")
    assert [event.seq for event in events] == list(range(len(events)))
    assert len(events) >= int(told[-1]) >= after


def test_a_full_disk_leaves_a_gap_and_no_torn_line(tmp_path: Path) -> None:
    journal = tmp_path / "events.jsonl"
    with _start(journal, "--file-bytes", "5000") as writer:
        told, _ = writer.communicate(timeout=LIMIT_S)
    assert writer.returncode == 0
    lines = told.splitlines()
    assert len(lines) == 4
    assert all(f"{journal} cannot be written" in line for line in lines)
    events = _read(journal)
    written = len(events) - 1
    assert written >= 5
    assert [event.seq for event in events] == [*range(written), written + 4]
    assert events[-1].fields == {"text": "there is room again"}
    assert journal.read_bytes().endswith(b"\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("journal", type=Path)
    parser.add_argument("--file-bytes", type=int)
    options = parser.parse_args()
    _write(options.journal, options.file_bytes)
