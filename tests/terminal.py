"""A command on a terminal of its own, as a person has it: what it shows, what they type, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HANG_S = 120
"""After this a test is taken for hung; none measures time by it."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A running command, and all that it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self._shown = b""

    @property
    def text(self) -> str:
        """All that was shown, without colours and movements."""
        return _CONTROL.sub("", self._shown.decode("utf-8", "replace")).replace("\r\n", "\n")

    def wait_for(self, text: str, *, after: int = 0) -> int:
        """Wait until a text is shown after a place, and return the place behind it."""
        while (found := self.text.find(text, after)) < 0:
            if not self._read():
                pytest.fail(f"never shown: {text!r}\n{self.text}")
        return found + len(text)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def exit_status(self) -> int:
        """Wait for the command's end."""
        while self._read():
            pass
        return self._process.wait(HANG_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], HANG_S)
        if not ready:
            pytest.fail(f"nothing more is shown\n{self.text}")
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            # Linux says so when the last program on the terminal has ended.
            return False
        self._shown += data
        return bool(data)


@contextmanager
def on_terminal(*args: str, environment: Mapping[str, str], columns: int = 100) -> Iterator[Terminal]:
    """Run meetctl on a terminal so many columns wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", *args],
        env={**os.environ, "TERM": "xterm-256color", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
