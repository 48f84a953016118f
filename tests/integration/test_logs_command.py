"""`meetctl logs` over real journals and logs."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from meetctl.core.places import logs_directory, sessions_directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

SESSION = "20261122T212405Z-demo-2d0faa"


@pytest.fixture
def demo(recordings: Path) -> Path:
    """The bundle of a real meeting."""
    return recordings / "live-demo"


def logged(time: str, message: str, *, level: str = "info", **fields: Any) -> str:
    owner = {"tenant": None, "session_id": None, "room": None, "turn": None, "job_id": None}
    document = {"ts": time, "level": level, "logger": "meetctl.agent.worker", "message": message, **owner}
    return json.dumps({**document, **fields}) + "\n"


@pytest.fixture
def machine(demo: Path) -> Path:
    """What a meeting and its worker have left where they leave it."""
    bundle = sessions_directory() / SESSION
    bundle.mkdir(parents=True)
    shutil.copy(demo / "events.jsonl", bundle)
    log = logs_directory() / "worker-20261122T212400Z-4711.jsonl"
    log.parent.mkdir(parents=True)
    older = log.with_name(f"{log.name}.1")
    older.write_text(logged("2026-11-22T21:24:00.000000Z", "ready"))
    log.write_text(
        logged("2026-11-22T21:24:30.000000Z", "slow", level="warning", duration_ms=1500, room="demo", turn=1)
        + logged("2026-11-22T21:30:00.000000Z", "no new meetings", level="warning")
    )
    return bundle


def documents(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def test_journals_and_logs_come_together_by_time(meetctl: MeetctlRunner, machine: Path) -> None:
    done = meetctl("logs")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "11-22 21:24:00.000 info  meetctl.agent.worker: ready"
    assert lines[-1] == "11-22 21:30:00.000 warn  meetctl.agent.worker: no new meetings"
    assert "11-22 21:24:30.000 warn  demo #1 meetctl.agent.worker: slow duration_ms=1500" in lines
    assert [line[:18] for line in lines] == sorted(line[:18] for line in lines)
    assert not [line for line in lines if "frame.kept" in line or "(not final)" in line]
    assert machine.name == SESSION


def test_json_has_every_line_as_it_was_and_its_file(meetctl: MeetctlRunner, machine: Path) -> None:
    done = meetctl("logs", "--json")
    found = documents(done.stdout)
    journal = (machine / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [line for line in found if "seq" in line]
    assert [{**line, "_file": None} for line in events] == [
        {**json.loads(line), "_file": None} for line in journal
    ]
    assert {line["_file"] for line in events} == {str(machine / "events.jsonl")}
    assert len(found) == len(journal) + 3
    again = meetctl("logs", "--json", "-", input=done.stdout)
    assert documents(again.stdout) == found


def test_nothing_here_is_nothing_to_show(meetctl: MeetctlRunner) -> None:
    done = meetctl("logs")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"no sessions in {sessions_directory()}, and no logs of workers, so far\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--type", "turn.ended"), 4),
        (("--type", "turn.*", "--turn", "2", "--json"), 2),
        (("--type", "frame.kept"), 65),
        (("--grep", "Goodbye", "--not", "thank you", "--not", "final.:false"), 2),
        (("--where", "latency.total_s > 1"), 2),
        (("--where", "type == 'llm.request' and input_tokens >= 5782"), 2),
        (("--where", "outcome == 'failed'"), 0),
        (("--session", "2d0faa", "--type", "session.*"), 2),
        (("--session", SESSION, "--room", "demo", "--type", "session.*"), 2),
        (("--session", "another"), 0),
        (("--room", "other"), 0),
        (("--tenant", "acme"), 0),
        (("--level", "warning"), 0),
        (("--since", "2026-11-22T21:25:17.516", "--level", "info"), 2),
        (("--until", "2026-11-22T21:24:05.2Z"), 1),
        (("-n", "3"), 3),
        (("--last", "0"), 0),
    ],
)
def test_options_choose_lines(
    meetctl: MeetctlRunner, demo: Path, options: tuple[str, ...], expected: int
) -> None:
    done = meetctl("logs", demo, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == expected


def test_a_turn_is_drawn_and_then_told(meetctl: MeetctlRunner, demo: Path) -> None:
    done = meetctl("logs", demo, "--turn", "2", env={"COLUMNS": "60"})
    waterfall, _, lines = done.stdout.partition("\n\n")
    assert (
        waterfall.splitlines()[0] == "turn 2 in demo/2d0faa, done: first sound 1.02 s after the end of speech"
    )
    assert [line.split("  ")[0] for line in waterfall.splitlines()[2:]] == [
        *("person speaks", "transcript", "end of turn", "model", "voice", "agent speaks")
    ]
    assert max(map(len, waterfall.splitlines()[1:])) <= 60
    assert waterfall.isascii()
    assert len(lines.splitlines()) == 6
    assert all(" #2 " in line for line in lines.splitlines())


def test_a_turn_of_several_sessions_is_drawn_for_the_one_that_is_named(
    meetctl: MeetctlRunner, machine: Path, demo: Path
) -> None:
    journal = (demo / "events.jsonl").read_text(encoding="utf-8").replace("demo-2d0faa", "demo-0000ff")
    other = sessions_directory() / "20261122T212405Z-demo-0000ff"
    other.mkdir()
    (other / "events.jsonl").write_text(journal, encoding="utf-8")
    done = meetctl("logs", "--turn", "1")
    assert "turn 1 is in 2 sessions" in done.stderr
    assert "took s" not in done.stdout
    named = meetctl("logs", "--turn", "1", "--session", "0000ff")
    assert named.stderr == ""
    assert named.stdout.startswith("turn 1 in demo/0000ff, done: ")
    assert "2d0faa" not in named.stdout
    assert machine.is_dir()


def test_whatever_a_file_holds_is_shown(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    path = tmp_path / "pod.log"
    slow = b'{"level":"WARN","ts":1795379396.5,"msg":"\\u001b[2Jslow \xff"}'
    path.write_bytes(b"starting\n" + slow + b'\n\n\xfe\x1b[0m\n[1]\n{"torn')
    done = meetctl("logs", path)
    assert done.stdout.splitlines() == [
        "starting",
        "11-22 20:29:56.500 warn  \\x1b[2Jslow \ufffd",
        "\\xfe\\x1b[0m",
        "[1]",
    ]
    texts = [line.get("_text") for line in documents(meetctl("logs", "--json", path).stdout)]
    assert texts == ["starting", None, "\\xfe\x1b[0m", "[1]"]


def test_files_of_several_kinds_are_merged(meetctl: MeetctlRunner, demo: Path, tmp_path: Path) -> None:
    pod = tmp_path / "pod.log"
    pod.write_text(
        logged("2026-11-22T21:24:10.000000Z", "early") + "Traceback\n" + logged("2026-11-23", "late")
    )
    done = meetctl("logs", demo, pod, "-", input=logged("2026-11-22T21:24:12Z", "piped"))
    lines = done.stdout.splitlines()
    places = [next(n for n, line in enumerate(lines) if word in line) for word in ("early", "piped", "late")]
    assert places == sorted(places)
    assert lines[places[0] + 1] == "Traceback"
    assert places[-1] == len(lines) - 1


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("missing.jsonl",), 1, "missing.jsonl cannot be read: No such file"),
        (("--where", "a >"), 2, "--where 'a >': it ends too early"),
        (("--grep", "("), 2, "--grep '(' is no regular expression"),
        (("--not", "["), 2, "--not '[' is no regular expression"),
        (("--since", "soon"), 2, "--since: 'soon' is no point in time"),
        (("--until", "10x"), 2, "--until: '10x' is no point in time"),
        (("--until", "10m", "-f"), 2, "--until and --follow do not go together"),
        (("--level", "loud"), 2, "--level"),
        (("--last", "-1"), 2, "--last"),
        (("--turn", "x"), 2, "--turn"),
    ],
)
def test_what_is_wrong_is_said(
    meetctl: MeetctlRunner, options: tuple[str, ...], status: int, says: str
) -> None:
    done = meetctl("logs", *options)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr


def test_places_may_be_chosen(meetctl: MeetctlRunner, machine: Path, tmp_path: Path) -> None:
    sessions, logs = tmp_path / "sessions", tmp_path / "logs"
    shutil.move(machine.parent, sessions)
    shutil.move(logs_directory(), logs)
    assert meetctl("logs").stdout == ""
    everything = meetctl("logs", "--sessions", sessions, "--log-directory", logs).stdout
    assert meetctl("logs", env={"MEETCTL_SESSIONS": str(sessions)}).stdout != everything
    places = {"MEETCTL_SESSIONS": str(sessions), "MEETCTL_LOG_DIRECTORY": str(logs)}
    assert meetctl("logs", env=places).stdout == everything
    without = meetctl("logs", "--sessions", sessions, "--log-directory", "off").stdout
    assert "meetctl.agent.worker" in everything
    assert "meetctl.agent.worker" not in without


def run_on_terminal(*arguments: str | Path, **variables: str) -> str:
    """Run the command with a terminal as its stdout, and return what it shows there."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "meetctl", "logs", *map(str, arguments)],
        env={**os.environ, "TERM": "xterm", **variables},
        stdin=subprocess.DEVNULL,
        stdout=end,
    ):
        os.close(end)
        shown = b""
        try:
            while part := os.read(terminal, 65536):
                shown += part
        except OSError:
            # Linux says so when the other end is closed.
            pass
    os.close(terminal)
    return shown.decode()


def test_levels_have_colours_on_a_terminal_only(tmp_path: Path, meetctl: MeetctlRunner) -> None:
    path = tmp_path / "a.log"
    path.write_text(logged("2026-11-22T21:24:10.000000Z", "bad", level="error"))
    line = "11-22 21:24:10.000 error meetctl.agent.worker: bad"
    assert run_on_terminal(path) == f"\x1b[31m{line}\x1b[0m\r\n"
    assert run_on_terminal(path, NO_COLOR="1") == f"{line}\r\n"
    assert run_on_terminal(path, TERM="dumb") == f"{line}\r\n"
    assert meetctl("logs", path).stdout == f"{line}\n"


def peak_memory(path: Path) -> int:
    """Return the most memory that reading a file took, in the system's unit."""
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "logs", "--json", str(path)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_log(tmp_path: Path, demo: Path) -> None:
    journal = (demo / "events.jsonl").read_bytes()
    small, large, one_line = (tmp_path / name for name in ("small", "large", "one_line"))
    small.write_bytes(journal * 10)
    large.write_bytes(journal * 400)
    one_line.write_bytes(b"x" * len(journal) * 400)
    usual = peak_memory(small)
    assert peak_memory(large) < 1.5 * usual
    assert peak_memory(one_line) < 2.5 * usual
