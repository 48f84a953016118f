"""`meetctl logs --follow` while others write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.followed_logs import HANG_S, follow_logs

from meetctl.adapters.event_log import EventLog
from meetctl.adapters.system_clock import SystemClock
from meetctl.core.places import logs_directory, sessions_directory
from meetctl.domain.events import JournalOwner

if TYPE_CHECKING:
    from pathlib import Path

LINES = 6000
WRITER = """
import logging, sys, time
from pathlib import Path
from meetctl.core.log_file import LogFile
file = LogFile(Path(sys.argv[1]), largest_bytes=300_000)
for number in range(int(sys.argv[2])):
    file.note(f"line {number}")
    if number % 150 == 0:
        time.sleep(0.1)
"""
"""Writes some 1,500 lines a second, as a worker does, and rotates its file every 1,500 lines."""


def open_journal(name: str) -> EventLog:
    directory = sessions_directory() / name
    directory.mkdir(parents=True)
    owner = JournalOwner(session_id=name, tenant_id=None, room="demo")
    return EventLog(directory / "events.jsonl", owner, clock=SystemClock(), media_us=lambda: 0)


def test_no_line_is_lost_or_repeated_at_a_thousand_a_second_with_rotation() -> None:
    logs_directory().mkdir(parents=True)
    running = open_journal("20261124T090000Z-demo-aaaaaa")
    running.append("log", {"level": "info", "message": "before"})
    with follow_logs("--follow", "--json") as logs:
        logs.wait_for(lambda lines: lines)
        path = logs_directory() / "worker-20261124T090000Z-4711.jsonl"
        writer = subprocess.run(
            [sys.executable, "-c", WRITER, path, str(LINES)], capture_output=True, timeout=HANG_S, check=False
        )
        assert writer.returncode == 0, writer.stderr
        assert path.with_name(f"{path.name}.3").exists()
        running.append("log", {"level": "info", "message": "after"})
        printed = logs.wait_for(lambda lines: len(lines) >= LINES + 2)
        status, said = logs.interrupt()
    running.close()
    messages = [json.loads(line)["message"] for line in printed]
    assert [message for message in messages if message.startswith("line ")] == [
        f"line {number}" for number in range(LINES)
    ]
    assert sorted(messages)[:2] == ["after", "before"]
    assert len(messages) == LINES + 2
    assert (status, said) == (130, "")


def test_sessions_that_begin_later_are_followed_and_those_that_end_let_go() -> None:
    first = open_journal("20261124T090000Z-demo-aaaaaa")
    first.append("session.started", {})
    with follow_logs("tail", "--level", "debug") as logs:
        logs.wait_for(lambda lines: len(lines) == 1)
        second = open_journal("20261124T090001Z-demo-bbbbbb")
        second.append("participant.left", {"participant": "maya"})
        logs.wait_for(lambda lines: "demo/bbbbbb participant.left: maya has left" in lines[-1])
        second.append("session.ended", {"reason": "everyone left"})
        logs.wait_for(lambda lines: "demo/bbbbbb session.ended: reason=everyone left" in lines[-1])
        shutil.rmtree(sessions_directory() / "20261124T090001Z-demo-bbbbbb")
        first.append("participant.left", {"participant": "jo"})
        printed = logs.wait_for(lambda lines: "demo/aaaaaa participant.left: jo has left" in lines[-1])
        assert logs.interrupt() == (130, "")
    assert len(printed) == 4
    first.close()
    second.close()


def test_only_the_last_ten_lines_are_shown_before_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {number}\n" for number in range(50)) + "torn")
    with follow_logs("-f", path) as logs:
        logs.wait_for(lambda lines: len(lines) == 10)
        with path.open("a") as file:
            file.write(" no more\n")
        printed = logs.wait_for(lambda lines: len(lines) == 11)
    assert printed == [*(f"line {number}" for number in range(40, 50)), "torn no more"]


def test_from_a_time_on_there_are_no_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    times = [f"2026-11-24T09:00:{second:02}.000000Z" for second in range(60)]
    path.write_text("".join(json.dumps({"ts": time, "message": "x"}) + "\n" for time in times))
    with follow_logs("-f", "--since", times[30], path) as logs:
        printed = logs.wait_for(lambda lines: len(lines) == 30)
    assert times[30][11:19] in printed[0]


def test_a_program_that_pipes_into_us_is_shown_as_it_writes() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "meetctl", "logs", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(f"line {number}\n")
            assert process.stdout.readline() == f"line {number}\n"
        process.stdin.close()
        assert process.wait(HANG_S) == 0


@pytest.mark.parametrize("options", [(), ("--json",), ("-f",)])
def test_a_reader_who_has_seen_enough_ends_it_quietly(recordings: Path, options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "meetctl", "logs", str(recordings / "live-demo"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(HANG_S) == 0
        assert process.stderr.read() == b""


def test_ctrl_c_while_much_is_read_ends_it_silently(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with follow_logs(pipe) as logs, pipe.open("w") as writer:
        writer.write("line\n" * 1000)
        writer.flush()
        logs.wait_for(lambda lines: len(lines) == 1000)
        assert logs.process.poll() is None
        assert logs.interrupt() == (130, "")
