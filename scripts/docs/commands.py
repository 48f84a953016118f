"""Running the commands that the documentation shows, in a directory where they may write what they like."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.blocks import fence
from docs.transcripts import is_recorded, read_transcript

ROOT = Path(__file__).resolve().parents[2]
MEETCTL = Path(sys.executable).with_name("meetctl")
STANDING_CLOCK = Path(__file__).with_name("standing_clock.py")
_HEAD = re.compile(r"(?P<command>.*) \| head -(?P<lines>\d+)")
_PIPE = re.compile(r" \| (?=meetctl )")
_LIMIT_S = 300
_TELLING_TIME = (["prices"], ["sessions"], ["token"])
"""Commands that say how old something is, or until when it is good."""

_EXAMPLE_SERVER = {
    "LIVEKIT_URL": "wss://livekit.example.com",
    "LIVEKIT_API_KEY": "APIexample",
    "LIVEKIT_API_SECRET": "an-example-of-a-secret-that-no-server-has",
}
"""What tokens are made for; it is never reached. Commands that need a server are recorded instead of run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    exit_code: int


class Commands:
    """Runs meetctl in a scratch directory that sees the sample recordings; each command once.

    Commands that need a real meeting or a server are not run: what they printed is recorded.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._outcomes: dict[str, Outcome] = {}
        (directory / "recordings").symlink_to(ROOT / "recordings", target_is_directory=True)

    def prepare(self, commands: Iterable[str]) -> None:
        """Run commands at the same time, for `run` to return their outcomes at once."""
        missing = [command for command in dict.fromkeys(commands) if command not in self._outcomes]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self._outcomes |= dict(zip(missing, pool.map(self._start, missing), strict=True))

    def run(self, command: str) -> Outcome:
        """Return the outcome of a command line such as "meetctl replay --fps 1 recordings/x"."""
        self.prepare([command])
        return self._outcomes[command]

    def run_json(self, command: str) -> dict[str, Any]:
        """Return the JSON document that a command prints.

        Raises:
            RuntimeError: It failed.
        """
        outcome = self.run(command)
        if outcome.exit_code:
            raise RuntimeError(f"{command}: exit code {outcome.exit_code}: {outcome.stderr}")
        document: dict[str, Any] = json.loads(outcome.stdout)
        return document

    def _start(self, command: str) -> Outcome:
        recorded = read_transcript(command)
        if recorded is not None:
            return Outcome(stdout=recorded, stderr="", exit_code=0)
        outcome = Outcome(stdout="", stderr="", exit_code=0)
        for part in _PIPE.split(command):
            outcome = self._run(part, stdin=outcome.stdout)
        return outcome

    def _run(self, command: str, *, stdin: str) -> Outcome:
        words = [word for text in shlex.split(command)[1:] for word in self._expand(text)]
        stands_still = words[:1] in _TELLING_TIME and "--help" not in words
        program = [sys.executable, str(STANDING_CLOCK)] if stands_still else [str(MEETCTL)]
        process = subprocess.run(
            [*program, *words],
            cwd=self.directory,
            env=self._environment() | (_EXAMPLE_SERVER if words[:1] == ["token"] else {}),
            capture_output=True,
            encoding="utf-8",
            input=stdin,
            timeout=_LIMIT_S,
            check=False,
        )
        if "Traceback" in process.stderr:
            raise RuntimeError(f"{command}:\n{process.stderr}")
        return Outcome(stdout=process.stdout, stderr=process.stderr, exit_code=process.returncode)

    def _expand(self, word: str) -> list[str]:
        """Expand a pattern as a shell does; only paths below recordings/ are written with a star here."""
        if not word.startswith("recordings/*"):
            return [word]
        found = sorted(path for path in (self.directory / "recordings").iterdir() if path.is_dir())
        return [f"recordings/{path.name}/" for path in found]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }


def split_head(source: str) -> tuple[str, int | None]:
    """Split "command | head -20" into the command and how many lines of its output are shown."""
    match = _HEAD.fullmatch(source)
    return (match["command"], int(match["lines"])) if match else (source, None)


def show_command(commands: Commands, source: str) -> str:
    """Return a code block with the command and what a person sees of it in a terminal.

    What goes to stderr is shown where the command fails, or prints nothing else. Of a recorded command both
    are, so that not `head` but an ellipsis says what is left out.
    """
    command, lines = split_head(source)
    outcome = commands.run(command)
    shown = outcome.stdout
    if lines is not None:
        shown = "".join(shown.splitlines(keepends=True)[:lines])
        if is_recorded(command):
            source, shown = command, shown + "…\n"
    if outcome.exit_code or not outcome.stdout:
        shown += outcome.stderr
    if outcome.exit_code:
        shown += f"$ echo $?\n{outcome.exit_code}\n"
    return fence("console", f"$ {source}\n{shown}")
