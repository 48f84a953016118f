"""`meetctl up`, `down` and `status` with the real LiveKit server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tests.local_stack import require_livekit_server

from meetctl.core.local_stack import ProcessIdentity, StackState, load_state, read_stack, stack_directory
from meetctl.stack.process import find_marked, identify
from meetctl.stack.state_file import write_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MeetctlRunner

PATIENCE_S = 60


@pytest.fixture
def options(meetctl: MeetctlRunner, clean_environment: None) -> Iterator[list[str]]:  # noqa: ARG001  HOME is moved first
    """What starts a stack of the server alone; the stack is ended after the test."""
    yield ["up", "--no-offline", "--livekit-server", str(require_livekit_server())]
    meetctl("down")


@pytest.fixture
def stack(meetctl: MeetctlRunner, options: list[str]) -> StackState:
    done = meetctl(*options)
    assert done.returncode == 0, done.stderr
    return running_stack()


def running_stack() -> StackState:
    state = read_stack(stack_directory())
    assert state
    return state


def server_of(state: StackState) -> psutil.Process:
    process = state.parts[0].identity.find()
    assert process
    return process


def has_ended(*identities: ProcessIdentity) -> bool:
    """Wait until the processes have ended."""
    for _ in range(PATIENCE_S * 10):
        if not any(identity.is_running() for identity in identities):
            return True
        time.sleep(0.1)
    return False


def document_of(stdout: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(stdout)
    return document


def test_up_starts_the_server_says_how_to_use_it_and_down_ends_it(
    meetctl: MeetctlRunner, options: list[str]
) -> None:
    up = meetctl(*options)
    assert (up.returncode, up.stderr.startswith("  livekit-server is up after ")) == (0, True)
    state = running_stack()
    assert state.livekit
    assert state.livekit.url in up.stdout
    assert "meetctl down" in up.stdout
    assert meetctl("status").stdout == up.stdout
    down = meetctl("down")
    assert (down.returncode, down.stdout, down.stderr) == (0, "", "the local stack has ended\n")
    assert has_ended(state.supervisor, state.parts[0].identity)
    assert find_marked(state.id) == []
    left = {path.name for path in stack_directory().iterdir()}
    assert left == {"lock", "supervisor.log", "livekit-server.log"}


def test_status_prints_one_document_without_the_secret(meetctl: MeetctlRunner, stack: StackState) -> None:
    done = meetctl("status", "--json", env={"OPENAI_API_KEY": "k"})
    document = document_of(done.stdout)
    assert (done.returncode, document["schema"], document["state"]) == (0, "meetctl.status/1", "running")
    assert [(part["name"], part["state"]) for part in document["parts"]] == [("livekit-server", "running")]
    assert [provider["use"] for provider in document["providers"]] == ["real", "none", "none", "none"]
    assert stack.livekit
    assert stack.livekit.api_secret not in done.stdout


def test_secret_is_only_where_it_was_asked_for(meetctl: MeetctlRunner, stack: StackState) -> None:
    assert stack.livekit
    secret = stack.livekit.api_secret
    assert f"export LIVEKIT_API_SECRET={secret}\n" in meetctl("status", "--env").stdout
    assert secret not in " ".join((*server_of(stack).cmdline(), *server_of(stack).environ().values()))
    holders = {path.name for path in stack_directory().iterdir() if secret in path.read_text()}
    assert holders == {"stack.json", "livekit.yaml"}
    assert not [name for name in holders if (stack_directory() / name).stat().st_mode & 0o077]


def test_up_again_says_so_and_starts_nothing(
    meetctl: MeetctlRunner, options: list[str], stack: StackState
) -> None:
    again = meetctl(*options, "--json")
    assert (again.returncode, again.stderr) == (0, "the local stack is running already\n")
    assert document_of(again.stdout)["livekit"]["url"] == stack.parts[0].url
    assert running_stack() == stack


def test_two_at_once_bring_up_one_stack(options: list[str]) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "meetctl", *options, "--json"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    documents = [document_of(process.communicate(timeout=PATIENCE_S)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert documents[0]["parts"] == documents[1]["parts"]
    assert [process.pid for process in find_marked(running_stack().id)] == [documents[0]["parts"][0]["pid"]]


def test_crashed_server_is_named_by_status_and_up(
    meetctl: MeetctlRunner, options: list[str], stack: StackState
) -> None:
    server_of(stack).kill()
    for _ in range(PATIENCE_S * 10):
        if running_stack().failed_parts:
            break
        time.sleep(0.1)
    for done in (meetctl("status"), meetctl(*options)):
        assert done.returncode == 3
        assert "has failed: livekit-server was killed by SIGKILL; its last line: " in done.stderr
    assert "livekit-server     failed   was killed by SIGKILL" in meetctl("status").stdout
    log = (stack_directory() / "supervisor.log").read_text()
    assert "warning: livekit-server was killed by SIGKILL" in log
    assert meetctl("down").returncode == 0
    assert meetctl(*options).returncode == 0


def test_without_a_stack_status_fails_and_down_does_nothing(meetctl: MeetctlRunner) -> None:
    status, env, down = meetctl("status", "--json"), meetctl("status", "--env"), meetctl("down")
    assert (status.returncode, document_of(status.stdout)["state"]) == (3, "stopped")
    assert (env.returncode, env.stdout) == (3, "")
    assert (down.returncode, down.stderr) == (0, "the local stack was not running\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_killed_supervisor_leaves_nothing_and_up_starts_anew(
    meetctl: MeetctlRunner, options: list[str], stack: StackState
) -> None:
    os.kill(stack.supervisor.pid, signal.SIGKILL)
    assert has_ended(stack.supervisor, stack.parts[0].identity)
    assert meetctl("status").returncode == 3
    assert meetctl(*options).returncode == 0
    assert running_stack().id != stack.id


def test_down_ends_what_outlived_its_supervisor_and_no_stranger(
    meetctl: MeetctlRunner, stack: StackState
) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleep) as left, subprocess.Popen(sleep) as stranger:
        try:
            meetctl("down")
            part = stack.parts[0]
            reused = replace(identify(stranger.pid), created=part.identity.created - 1000)
            write_state(
                replace(
                    stack,
                    parts=(
                        replace(part, name="left", identity=identify(left.pid)),
                        replace(part, name="ended", identity=reused),
                    ),
                ),
                stack_directory(),
            )
            assert meetctl("status").returncode == 3
            assert meetctl("down").stderr == "the local stack has ended\n"
            assert left.wait(timeout=PATIENCE_S) == -signal.SIGTERM
            assert stranger.poll() is None
            assert load_state(stack_directory()) is None
        finally:
            left.kill()
            stranger.kill()


@pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
def test_ctrl_c_ends_all_that_was_started(options: list[str], foreground: bool) -> None:
    command = [sys.executable, "-m", "meetctl", *options, *(["--foreground"] if foreground else [])]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    state = None
    while process.poll() is None and not (state and state.parts):
        state = read_stack(stack_directory())
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert state
    assert has_ended(state.supervisor, state.parts[0].identity)
    assert (process.returncode, "Traceback" in stderr) == (130, False)
    assert load_state(stack_directory()) is None


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_foreground_ends_in_order_when_it_is_asked_to(options: list[str], name: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", *options, "--foreground"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline().startswith("The local stack is up")
    state = running_stack()
    process.send_signal(signal.Signals[name])
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert not state.parts[0].identity.is_running()
    assert load_state(stack_directory()) is None


@pytest.mark.parametrize("kind", ["missing", "directory", "text", "other program"])
@pytest.mark.parametrize("named_by", ["--livekit-server", "MEETCTL_LIVEKIT_SERVER"])
def test_2_for_what_is_no_livekit_server(
    meetctl: MeetctlRunner, tmp_path: Path, kind: str, named_by: str
) -> None:
    path = tmp_path / "livekit-server"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_text("#!/bin/sh\necho livekit\n" if kind == "other program" else "text")
        path.chmod(0o755 if kind == "other program" else 0o644)
    if named_by.startswith("--"):
        done = meetctl("up", named_by, path)
    else:
        done = meetctl("up", env={named_by: str(path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"meetctl: {named_by}")
    assert str(path) in done.stderr.splitlines()[0]
    assert read_stack(stack_directory()) is None


def test_server_that_cannot_start_is_named_with_what_it_said(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    path = tmp_path / "livekit-server"
    path.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo livekit-server version 0.1 && exit\necho no memory\nexit 4\n"
    )
    path.chmod(0o755)
    done = meetctl("up", "--no-offline", "--livekit-server", path)
    assert (done.returncode, done.stdout) == (3, "")
    said = "livekit-server did not start: it ended with exit code 4; its last line: no memory"
    assert f"meetctl: {said}" in done.stderr
    assert "hint: its log is " in done.stderr
    assert load_state(stack_directory()) is None


def test_prepare_only_prints_the_server(meetctl: MeetctlRunner) -> None:
    server = require_livekit_server()
    done = meetctl("up", "--prepare", env={"MEETCTL_LIVEKIT_SERVER": str(server)})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{server}\n", "")
    assert read_stack(stack_directory()) is None


def test_2_for_options_that_contradict_each_other(meetctl: MeetctlRunner) -> None:
    assert meetctl("up", "--prepare", "--foreground").returncode == 2
    assert meetctl("status", "--env", "--json").returncode == 2


def test_a_profile_of_the_working_directory_is_no_matter_of_the_stacks_own_process(
    meetctl: MeetctlRunner, options: list[str]
) -> None:
    Path("meetctl.toml").write_text("[profiles.staging]\nopenai.api_key = '${KEY:-a-key}'\n")
    done = meetctl(*options, "--profile", "staging")
    assert done.returncode == 0, done.stderr
    assert "OpenAI             real (OPENAI_API_KEY is set)" in done.stdout
