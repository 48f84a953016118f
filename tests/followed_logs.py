"""The real `meetctl logs --follow` in a process of its own, and what it has printed so far."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HANG_S = 120
"""After this a test is taken for hung; none measures time by it."""


class FollowedLogs:
    """What a running command prints, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait_for(self, holds: Callable[[list[str]], object]) -> list[str]:
        """Wait until this holds for the lines printed so far, and return them."""
        for _ in range(HANG_S * 20):
            if holds(self.lines):
                return list(self.lines)
            time.sleep(0.05)
        pytest.fail(f"did not come about; printed so far: {self.lines[-20:]}")

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C, and return the exit status and what was said on stderr."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(HANG_S)
        self._reading.join()
        assert self.process.stderr is not None
        return status, self.process.stderr.read()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


@contextmanager
def follow_logs(*arguments: str | Path) -> Iterator[FollowedLogs]:
    """Run the command with these arguments, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", "meetctl", "logs", *map(str, arguments)],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield FollowedLogs(process)
        finally:
            process.kill()
