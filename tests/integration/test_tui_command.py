"""`meetctl tui` as people start it: on a terminal, without one, as JSON, and how it ends."""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.terminal import on_terminal

from meetctl.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MeetctlRunner

ALTERNATE_SCREEN_LEFT = b"\x1b[?1049l"


@contextmanager
def running(directory: Path, recordings: Path) -> Iterator[Path]:
    """Keep a session running, as a worker does: its journal is held, and has no end yet."""
    lines = (recordings / "live-demo" / "events.jsonl").read_text().splitlines(keepends=True)
    bundle = directory / "run1"
    bundle.mkdir()
    journal = bundle / "events.jsonl"
    journal.write_text("".join(line for line in lines if '"session.ended"' not in line))
    with journal.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield directory


@pytest.mark.parametrize(("key", "code"), [("q", ExitCode.DONE), ("\x03", ExitCode.INTERRUPTED)])
def test_keys_end_it_and_the_terminal_is_as_before(
    tmp_path: Path, recordings: Path, key: str, code: ExitCode
) -> None:
    with (
        running(tmp_path, recordings) as sessions,
        on_terminal("tui", "--sessions", str(sessions), environment={}) as terminal,
    ):
        terminal.wait_for("listening")
        terminal.type(key)
        assert terminal.exit_status() == code
        assert ALTERNATE_SCREEN_LEFT in terminal._shown


def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    with on_terminal("tui", "--sessions", str(tmp_path), environment={}) as terminal:
        terminal.wait_for("No meeting runs here.")
        terminal.interrupt()
        assert terminal.exit_status() == ExitCode.INTERRUPTED
        assert ALTERNATE_SCREEN_LEFT in terminal._shown
        assert "Traceback" not in terminal.text


def test_without_a_terminal_it_names_json(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    done = meetctl("tui", "--sessions", tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "needs a terminal" in done.stderr
    assert "meetctl tui --json" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--theme", "textual-drak"], "textual-dark"),
        (["--panel", "cost"], "--json"),
        (["--json", "--panel", "weather"], "meetings"),
        (["--serve", "--json"], "exclude each other"),
        (["--serve", "--host", "0.0.0.0"], "MEETCTL_TUI_PASSWORD"),
        (["--serve", "--host", "0.0.0.0", "--allow-remote"], "MEETCTL_TUI_PASSWORD"),
        (["--serve", "--host", "dashboard.example"], "no address"),
    ],
)
def test_wrong_options_are_named(
    meetctl: MeetctlRunner, tmp_path: Path, options: list[str], said: str
) -> None:
    done = meetctl("tui", "--sessions", tmp_path, *options)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr


def test_json_is_what_the_list_shows(meetctl: MeetctlRunner, tmp_path: Path, recordings: Path) -> None:
    with running(tmp_path, recordings) as sessions:
        done = meetctl("tui", "--json", "--sessions", sessions)
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["schema"] == "meetctl.panel.meetings/1"
    (meeting,) = document["meetings"]
    assert meeting["room"] == "demo"
    assert meeting["frames"] == {"seen": 1960, "kept": 65}
    assert document["totals"]["live"] == 1


@pytest.mark.parametrize(
    "panel", ["header", "conversation", "latency", "vision", "cost", "logs", "participants"]
)
def test_every_panel_has_a_document(
    meetctl: MeetctlRunner, tmp_path: Path, recordings: Path, panel: str
) -> None:
    with running(tmp_path, recordings) as sessions:
        done = meetctl("tui", "--json", "--panel", panel, "--room", "demo", "--sessions", sessions)
    assert json.loads(done.stdout)["schema"] == f"meetctl.panel.{panel}/1", done.stderr


def test_json_without_meetings_is_an_empty_list(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    done = meetctl("tui", "--json", "--sessions", tmp_path)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert json.loads(done.stdout)["meetings"] == []
