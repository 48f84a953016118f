from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meetctl.core.local_stack import (
    LiveKitAccess,
    ProcessIdentity,
    StackPart,
    StackState,
    load_state,
    read_stack,
)
from meetctl.stack.process import identify, identify_self
from meetctl.stack.state_file import lock_stack, remove_state, write_state

SECRET = "s" * 40
NOBODY = ProcessIdentity(pid=os.getpid(), created=12.5)


@pytest.fixture
def state(tmp_path: Path) -> StackState:
    return StackState(
        id="0123",
        state="running",
        started_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        supervisor=identify_self(),
        livekit=LiveKitAccess(url="ws://127.0.0.1:1", api_key="key", api_secret=SECRET),
        offline_url="http://127.0.0.1:2",
        parts=(
            StackPart(
                name="livekit-server",
                state="failed",
                identity=NOBODY,
                log=tmp_path / "log",
                url="ws://127.0.0.1:1",
                detail="was killed by SIGKILL",
            ),
        ),
    )


def test_state_is_read_as_it_was_written(state: StackState, tmp_path: Path) -> None:
    write_state(state, tmp_path)
    assert read_stack(tmp_path) == state
    starting = replace(state, state="starting", livekit=None, offline_url=None, parts=())
    write_state(starting, tmp_path)
    assert read_stack(tmp_path) == starting


def test_state_can_be_read_by_its_owner_only_and_leaves_no_draft(state: StackState, tmp_path: Path) -> None:
    write_state(state, tmp_path)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secret_is_in_no_repr(state: StackState) -> None:
    assert SECRET not in repr(state)


def test_stack_of_another_process_with_the_same_id_does_not_run(state: StackState, tmp_path: Path) -> None:
    write_state(replace(state, supervisor=NOBODY), tmp_path)
    assert read_stack(tmp_path) is None
    assert load_state(tmp_path) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": "meetctl.stack/2"}',
        b'{"schema": "meetctl.stack/1"}',
        b"\xff",
    ],
)
def test_state_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stack.json").write_bytes(content)
    assert load_state(tmp_path) is None
    assert read_stack(tmp_path) is None


def test_part_in_an_unknown_state_makes_the_state_unreadable(state: StackState, tmp_path: Path) -> None:
    write_state(state, tmp_path)
    path = tmp_path / "stack.json"
    document = json.loads(path.read_text())
    document["parts"][0]["state"] = "asleep"
    path.write_text(json.dumps(document))
    assert load_state(tmp_path) is None


def test_no_state_where_nothing_was_written_or_it_was_removed(state: StackState, tmp_path: Path) -> None:
    assert read_stack(tmp_path / "none") is None
    write_state(state, tmp_path)
    remove_state(tmp_path)
    remove_state(tmp_path)
    assert read_stack(tmp_path) is None


def test_identity_of_a_process_that_has_ended_runs_no_more() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(process.pid)
    assert identity.is_running()
    process.communicate(b"\n")
    assert not identity.is_running()


def test_stack_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "stack"
    with lock_stack(directory) as first:
        assert first
        with lock_stack(directory) as second:
            assert not second
    with lock_stack(directory) as third:
        assert third
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
