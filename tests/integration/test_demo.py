"""`meetctl demo`: the whole of it, as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tests.live_agent import read_events
from tests.live_meeting import ATTEMPTS, assert_verified, video_streams
from tests.local_stack import require_livekit_server

from meetctl.stack.participant.script import Say, ShowNext, demo_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MeetctlRunner

pytestmark = pytest.mark.live

KEY = "sk-secret-of-the-user"
END_S = 120
"""After this a process is taken for hung; none measures time by it."""
QUESTIONS = [
    "Hello, can you see my screen?",
    "What has changed on the slide?",
    "How many pictures did you get?",
    "Thank you, that is all. Goodbye.",
]


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return [
        "demo",
        "--livekit-server",
        str(require_livekit_server()),
        "--sessions",
        str(tmp_path / "sessions"),
    ]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files, with a short name: sockets in it have one of at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="meetctl-") as directory:
        yield Path(directory)


def left_running() -> list[str]:
    """What runs in this test's own home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("HOME") == os.environ["HOME"]:
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue  # of another user, or gone
    return found


def left_by_parts(directory: Path) -> list[str]:
    """Directories of logs and keys that are still there."""
    return [path.name for path in directory.glob("meetctl-demo-*")]


def test_demo_holds_a_meeting_and_prints_its_audit_and_verification(
    meetctl: MeetctlRunner, options: list[str], tmp_path: Path, temporary: Path
) -> None:
    environment = {"OPENAI_API_KEY": KEY, "TMPDIR": str(temporary)}
    done = meetctl(*options, "--json", env=environment)
    for _ in range(ATTEMPTS - 1):
        if was_understood(done):
            break
        shutil.rmtree(tmp_path / "sessions")
        done = meetctl(*options, "--json", env=environment)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.demo/1"
    assert left_running() == []
    assert left_by_parts(temporary) == []
    assert KEY not in done.stdout + done.stderr
    assert "OPENAI_API_KEY set, but not used" in done.stderr
    assert_meeting(document["meeting"])
    (bundle,) = (tmp_path / "sessions").iterdir()
    assert document["bundle"] == str(bundle)
    assert all(KEY.encode() not in path.read_bytes() for path in bundle.iterdir())
    (audit,) = document["audit"]["recordings"]
    assert (audit["kind"], audit["damaged"], audit["turns"]["source"]) == ("bundle", False, "events")
    assert document["verification"]["ok"]
    assert assert_verified(bundle).requests >= 4
    end = read_events(bundle / "events.jsonl")[-1]
    assert (end["type"], end["reason"], end["usd"]) == ("session.ended", "everyone left", "0")
    assert {line["provider"] for line in end["cost"]} == {"offline"}


def was_understood(done: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether sound got through as it should: a busy machine loses some, as a network does."""
    assert done.returncode == 0, done.stderr
    meeting = json.loads(done.stdout)["meeting"]
    return not meeting["problems"] and all(exchange["understood"] for exchange in meeting["exchanges"])


def assert_meeting(meeting: dict[str, Any]) -> None:
    assert (meeting["person"], meeting["problems"]) == ("Maya", [])
    assert "recorded" in meeting["greeting"]
    assert [exchange["said"] for exchange in meeting["exchanges"]] == QUESTIONS
    # What is left of a question is answered all the same.
    assert all(exchange["understood"] for exchange in meeting["exchanges"])
    assert any(exchange["understood"] == exchange["said"] for exchange in meeting["exchanges"])
    answers = " ".join(exchange["answer"] for exchange in meeting["exchanges"])
    assert "I am the offline model." in answers
    assert "picture" in answers


def test_demo_that_shares_a_recording_and_is_interrupted_leaves_a_readable_bundle_and_nothing_else(
    options: list[str], recordings: Path, tmp_path: Path, temporary: Path
) -> None:
    walkthrough = recordings / "code-walkthrough"
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", *options, "--screen", str(walkthrough), "--record", "sampled"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        told = [""]
        while 'agent: "I am the offline model' not in told[-1]:
            told.append(process.stderr.readline())
            assert told[-1], "".join(told)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=END_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    # A process that was killed is gone a moment after its parent has asked for it.
    for _ in range(END_S * 10):
        if not left_running():
            break
        time.sleep(0.1)
    assert left_running() == []
    assert left_by_parts(temporary) == []
    (bundle,) = (tmp_path / "sessions").iterdir()
    end = read_events(bundle / "events.jsonl")[-1]
    assert (end["type"], end["recorded"]["mode"]) == ("session.ended", "sampled")
    assert end["recorded"]["frames"] == end["frames_kept"]
    shared = {stream["size"] for stream in video_streams(walkthrough / "meeting.mkv")}
    assert {stream["size"] for stream in video_streams(bundle / "meeting.mkv")} == shared
    assert_verified(bundle)


def test_script_for_a_recording_turns_no_slides() -> None:
    steps = demo_script(turns_slides=False)
    assert [step.text for step in steps if isinstance(step, Say)] == QUESTIONS
    assert all(step.turn_slide_after_s is None for step in steps if isinstance(step, Say))
    assert not any(isinstance(step, ShowNext) for step in steps)


def test_demo_refuses_what_could_not_be_audited_or_shared(
    meetctl: MeetctlRunner, options: list[str], tmp_path: Path
) -> None:
    off = meetctl(*options, "--record", "off")
    assert (off.returncode, off.stdout) == (2, "")
    assert "--record off" in off.stderr
    wrong = meetctl(*options, "--record", "all")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'all'" in wrong.stderr
    missing = meetctl(*options, "--screen", tmp_path / "missing.mkv")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "missing.mkv" in missing.stderr
    assert "starting" not in missing.stderr
    assert not (tmp_path / "sessions").exists()
