"""`meetctl sessions prune`: asks first, never touches what runs; each session is whole, reduced or gone."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.session_bundles import open_journal, write_session
from tests.terminal import on_terminal

from meetctl.adapters.delivery_state import FileOutboxes, usage_waits
from meetctl.adapters.ledger_duckdb.journals import find_journals
from meetctl.adapters.local_sessions import find_journal
from meetctl.adapters.session_catalogue import DirectoryCatalogue
from meetctl.adapters.spending_files import read_journals
from meetctl.adapters.system_clock import SystemClock
from meetctl.services.sessions import read_session

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner

GONE = "20200103T090000Z-standup-cccccc"
OLD, YOUNG = "20200101T090000Z-standup-aaaaaa", "29990101T090000Z-standup-bbbbbb"
LONG_AGO = datetime(2020, 1, 1, 9, tzinfo=UTC)
MANY = 120


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """One session of years ago, and one that has just ended."""
    place = tmp_path / "sessions"
    write_session(place, OLD, started=LONG_AGO)
    write_session(place, YOUNG, started=SystemClock().now() - timedelta(minutes=5))
    return place


def names(sessions: Path) -> list[str]:
    return sorted(path.name for path in sessions.iterdir())


def command(sessions: Path, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "meetctl", "sessions", "prune", "--older-than", "30d"),
        *("--sessions", str(sessions), *options),
    ]


def costs(sessions: Path) -> dict[str, Any]:
    """What each session cost, and whether anything is wrong with it."""
    catalogue = DirectoryCatalogue(sessions, usage_waits=usage_waits)
    readings = [read_session(bundle, catalogue) for bundle in catalogue.list_sessions()]
    return {one.bundle.path.name: (one.state.usage, one.is_damaged) for one in readings}


def answer_on_terminal(arguments: list[str], answer: str) -> tuple[int, str]:
    """Run a command on a terminal, answer its question, and return its exit status and what was shown."""
    control, terminal = pty.openpty()
    with subprocess.Popen(arguments, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"[y/N]" not in shown and (piece := _read(control)):
            shown += piece
        os.write(control, answer.encode() + b"\n")
        while piece := _read(control):
            shown += piece
    os.close(control)
    return process.returncode, shown.decode()


def _read(control: int) -> bytes:
    try:
        return os.read(control, 4096)
    except OSError:
        return b""  # the other end is closed


def test_a_terminal_is_asked_with_what_goes_and_no_leaves_everything(sessions: Path) -> None:
    status, shown = answer_on_terminal(command(sessions), "n")
    assert (status, names(sessions)) == (1, [OLD, YOUNG])
    assert OLD in shown
    assert YOUNG not in shown
    assert "Remove 1 session (" in shown
    assert "nothing was done" in shown


def test_a_terminal_that_says_yes_lets_it_go(sessions: Path) -> None:
    status, shown = answer_on_terminal(command(sessions), "y")
    assert (status, names(sessions)) == (0, [YOUNG])
    assert "1 of 1 session removed" in shown


@pytest.mark.parametrize(("key", "status", "said"), [("Ctrl-C", 130, ""), ("Ctrl-D", 1, "nothing was done")])
def test_a_question_without_an_answer_ends_its_line_and_changes_nothing(
    sessions: Path, key: str, status: int, said: str
) -> None:
    with on_terminal(*command(sessions)[3:], environment={}) as terminal:
        asked = terminal.wait_for("[y/N] ")
        if key == "Ctrl-C":
            terminal.interrupt()
        else:
            terminal.type("\x04")
        assert terminal.exit_status() == status
    assert terminal.text[asked:].startswith("\n")
    assert said in terminal.text[asked:]
    assert names(sessions) == [OLD, YOUNG]


def test_without_a_terminal_nothing_goes_unless_told(meetctl: MeetctlRunner, sessions: Path) -> None:
    done = meetctl("sessions", "prune", "--older-than", "30d", "--sessions", sessions)
    assert (done.returncode, names(sessions)) == (2, [OLD, YOUNG])
    assert "-y says yes beforehand" in done.stderr
    done = meetctl("sessions", "prune", "--older-than", "30d", "--dry-run", "--sessions", sessions)
    assert (done.returncode, names(sessions)) == (0, [OLD, YOUNG])
    assert OLD in done.stdout
    done = meetctl("sessions", "prune", "--older-than", "30d", "-y", "--json", "--sessions", sessions)
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.sessions-prune/1"
    assert [(one["session_id"], one["outcome"]) for one in document["sessions"]] == [(OLD, "removed")]
    assert names(sessions) == [YOUNG]
    done = meetctl("sessions", "prune", "--older-than", "30d", "-y", "--sessions", sessions)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is to be pruned" in done.stderr


@pytest.mark.parametrize("options", [[], ["--older-than", "soon"], ["--older-than", "30d", "extra"]])
def test_wrong_usage_touches_nothing(meetctl: MeetctlRunner, sessions: Path, options: list[str]) -> None:
    done = meetctl("sessions", "prune", "-y", "--sessions", sessions, *options)
    assert (done.returncode, names(sessions)) == (2, [OLD, YOUNG])


def test_what_runs_is_never_touched(meetctl: MeetctlRunner, sessions: Path) -> None:
    running = sessions / "20200102T090000Z-long-cccccc"
    running.mkdir()
    journal = open_journal(running, running.name, started=LONG_AGO)
    journal.append("session.started", {"agent": "meetctl"})
    for options in ([], ["--keep-cost"], ["--undelivered"]):
        done = meetctl("sessions", "prune", "--older-than", "0s", "-y", "--sessions", sessions, *options)
        assert done.returncode == 0, done.stderr
        assert f"{running.name} runs, and stays" in done.stderr
    journal.close()
    assert names(sessions) == [running.name]


def test_what_waits_for_a_backend_stays_unless_it_is_told(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    bundle = write_session(tmp_path / "s", OLD, started=LONG_AGO, waits=True)
    arguments = ["sessions", "prune", "--older-than", "30d", "-y", "--sessions", str(tmp_path / "s")]
    done = meetctl(*arguments)
    assert "usage of it waits for the backend" in done.stderr
    assert bundle.exists()
    with (bundle / "delivery.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = meetctl(*arguments, "--undelivered")
        assert "is in use or has changed; it stays" in done.stderr
        assert bundle.exists()
    assert meetctl(*arguments, "--undelivered").returncode == 0
    assert not bundle.exists()


def test_what_is_no_session_is_never_touched(meetctl: MeetctlRunner, sessions: Path) -> None:
    (sessions / "notes").mkdir()
    (sessions / "notes" / "todo.txt").write_text("mine")
    (sessions / "linked").symlink_to(sessions / "notes")
    done = meetctl("sessions", "prune", "--older-than", "0s", "-y", "--sessions", sessions)
    assert done.returncode == 0
    assert names(sessions) == ["linked", "notes"]


def test_keeping_the_cost_keeps_it_exactly_and_nothing_that_was_said(
    meetctl: MeetctlRunner, sessions: Path
) -> None:
    before = costs(sessions)
    arguments = ["sessions", "prune", "--older-than", "30d", "--keep-cost", "-y", "--sessions", str(sessions)]
    done = meetctl(*arguments)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 session reduced to what they cost" in done.stderr
    assert costs(sessions) == before
    assert sorted(path.name for path in (sessions / OLD).iterdir()) == ["events.jsonl", "session.json"]
    kept = "".join(path.read_text() for path in (sessions / OLD).iterdir())
    for word in ("secret", "Maya", "maya@acme.test"):
        assert word not in kept
    shown = meetctl("sessions", "show", OLD, "--sessions", sessions)
    assert shown.returncode == 0, shown.stderr
    assert "the recording and what people said were removed" in " ".join(shown.stdout.split())
    replayed = meetctl("replay", sessions / OLD)
    assert replayed.returncode == 1
    assert "was pruned" in replayed.stderr
    again = meetctl(*arguments)
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing is to be pruned" in again.stderr
    assert meetctl("sessions", "prune", "--older-than", "30d", "-y", "--sessions", sessions).returncode == 0
    assert names(sessions) == [YOUNG]


def test_a_pruned_recording_of_a_real_meeting_still_tells_its_cost(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path
) -> None:
    shutil.copytree(recordings / "live-demo", tmp_path / "s" / "live-demo")
    before = costs(tmp_path / "s")
    done = meetctl(
        "sessions", "prune", "--older-than", "0s", "--keep-cost", "-y", "--sessions", tmp_path / "s"
    )
    assert done.returncode == 0, done.stderr
    assert costs(tmp_path / "s") == before


def _limit_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


def test_a_full_disk_leaves_a_session_whole(sessions: Path) -> None:
    before = {path: path.read_bytes() for path in sessions.rglob("*") if path.is_file()}
    done = subprocess.run(
        command(sessions, "--keep-cost", "-y"),
        preexec_fn=_limit_files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"the session in {sessions / OLD} cannot be pruned: File too large" in done.stderr
    assert {path: path.read_bytes() for path in sessions.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("options", [[], ["--keep-cost"]])
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_whatever_ends_it_each_session_is_whole_reduced_or_gone(
    tmp_path: Path, options: list[str], blow: signal.Signals
) -> None:
    place = tmp_path / "s"
    for number in range(MANY):
        write_session(place, f"20200101T090000Z-{number:04}", started=LONG_AGO, media=b"x" * 20_000)
    before = costs(place)
    with subprocess.Popen(command(place, "-y", *options), stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and _whole(place) > MANY - 20:
            pass
        process.send_signal(blow)
        process.communicate()
    left = costs(place)
    assert {name: left[name] for name in left} == {name: before[name] for name in left}
    if not options:
        assert all((place / name / "meeting.mkv").exists() for name in left)
    subprocess.run(command(place, "-y", *options), check=True, capture_output=True)
    assert [name for name in names(place) if name.startswith(".")] == []
    assert list(place.rglob("meeting.mkv")) == list(place.rglob("*.part")) == []
    assert costs(place) == (before if options else {})


def test_what_an_interrupted_prune_left_the_next_one_removes_whatever_it_is_asked_for(
    meetctl: MeetctlRunner, sessions: Path
) -> None:
    prune = ["sessions", "prune", "-y", "--sessions", str(sessions), "--keep-cost", "--older-than"]
    assert meetctl(*prune, "30d").returncode == 0
    # No media is left in it, by which a recording would be known; pictures are what people showed, too.
    for half_removed in (sessions / OLD / ".pruned" / "frames", sessions / OLD / "pictures"):
        half_removed.mkdir(parents=True)
        (half_removed / "frame-000000.jpg").write_bytes(b"secret")
    write_session(sessions, f".pruned-{GONE}.4242")
    (sessions / YOUNG / ".pruned").mkdir()
    (sessions / "notes" / ".pruned").mkdir(parents=True)
    asked = [*prune, "3000d"]
    assert "that an interrupted prune left" not in meetctl(*asked, "--dry-run").stderr
    assert (sessions / OLD / "pictures").exists()
    done = meetctl(*asked)
    assert done.returncode == 0, done.stderr
    assert "the rest of 2 sessions that an interrupted prune left was removed" in done.stderr
    assert names(sessions) == [OLD, YOUNG, "notes"]
    assert names(sessions / OLD) == ["events.jsonl", "session.json"]
    assert (sessions / YOUNG / "meeting.mkv").exists()
    assert (sessions / "notes" / ".pruned").exists()
    assert "that an interrupted prune left" not in meetctl(*asked).stderr


def test_leftovers_that_cannot_be_removed_are_told_of_and_keep_nothing_else(sessions: Path) -> None:
    without_roots_rights = ["setpriv", "--bounding-set", "-dac_override", "--"] if os.geteuid() == 0 else []
    if without_roots_rights and not shutil.which("setpriv"):
        pytest.skip("root can remove everything, and there is no setpriv to be less")
    left = write_session(sessions, f".pruned-{GONE}.4242")
    left.chmod(0o500)
    try:
        done = subprocess.run(
            [*without_roots_rights, *command(sessions, "-y")], capture_output=True, text=True, check=False
        )
    finally:
        left.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert f"left in {left} cannot be removed: Permission denied" in " ".join(done.stderr.split())
    assert "was removed" not in done.stderr
    assert names(sessions) == [left.name, YOUNG]


def test_what_is_half_removed_is_no_session_to_anybody(tmp_path: Path) -> None:
    left = write_session(tmp_path, f".pruned-{GONE}.4242", waits=True)
    whole = write_session(tmp_path, YOUNG, waits=True)
    assert find_journal(tmp_path, session_id=left.name) is None
    assert find_journals(tmp_path) == [whole / "events.jsonl"]
    outboxes = FileOutboxes(tmp_path, "events.jsonl", backend="https://api.example")
    assert asyncio.run(outboxes.list_waiting()) == [YOUNG]
    read = [
        [event.session_id for event in events] for events in read_journals(tmp_path, "events.jsonl", LONG_AGO)
    ]
    assert {session_id for events in read for session_id in events} == {YOUNG}


def _whole(place: Path) -> int:
    return sum(1 for path in place.iterdir() if (path / "meeting.mkv").exists())


@pytest.mark.parametrize("options", [[], ["--keep-cost"]])
def test_two_at_once_prune_each_session_once(tmp_path: Path, options: list[str]) -> None:
    place = tmp_path / "s"
    for number in range(MANY):
        write_session(place, f"20200101T090000Z-{number:04}", started=LONG_AGO)
    before = costs(place)
    outputs: list[dict[str, Any]] = []

    def run() -> None:
        done = subprocess.run(command(place, "-y", "--json", *options), capture_output=True, check=True)
        outputs.append(json.loads(done.stdout))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [
        one["session_id"]
        for output in outputs
        for one in output["sessions"]
        if one["outcome"] in ("removed", "reduced")
    ]
    assert sorted(done) == sorted(before)
    assert costs(place) == (before if options else {})


def test_a_session_that_is_exported_meanwhile_stays(meetctl: MeetctlRunner, sessions: Path) -> None:
    exporting = os.open(sessions / OLD, os.O_RDONLY)
    fcntl.flock(exporting, fcntl.LOCK_SH)
    try:
        done = meetctl("sessions", "prune", "--older-than", "30d", "-y", "--sessions", sessions)
    finally:
        os.close(exporting)
    assert done.returncode == 0
    assert f"{OLD} is in use or has changed; it stays" in done.stderr
    assert names(sessions) == [OLD, YOUNG]


def test_only_of_one_tenant_or_room(meetctl: MeetctlRunner, sessions: Path) -> None:
    other = "20200101T100000Z-review-dddddd"
    write_session(sessions, other, started=LONG_AGO, room="review", tenant_id="globex")
    arguments = ["sessions", "prune", "--older-than", "30d", "-y", "--sessions", str(sessions)]
    assert meetctl(*arguments, "--tenant", "globex", "--room", "standup").returncode == 0
    assert names(sessions) == [OLD, other, YOUNG]
    assert meetctl(*arguments, "--tenant", "globex", "--room", "review").returncode == 0
    assert names(sessions) == [OLD, YOUNG]
