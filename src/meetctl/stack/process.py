"""Processes of the stack: started so that they end with it, and found again wherever they went."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import psutil

from meetctl.core.local_stack import ProcessIdentity
from meetctl.stack import tether

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "MEETCTL_STACK_PART"
"""The environment variable that a part and every process it starts carries."""

_TAIL_BYTES = 1_000_000
"""Enough for the dump of all goroutines that a Go program ends with."""
_POLL_S = 0.05
_GO_CRASHES = ("panic: ", "fatal error: ", "SIG")


def tether_command(command: Iterable[str]) -> list[str]:
    """Return a command line whose process dies with this one, however this one ends.

    Only Linux can do that; elsewhere it is the command itself, and `meetctl down` finds what was left.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]


def identify(pid: int) -> ProcessIdentity:
    """Return the identity of a child of ours, which keeps its id until it is waited for."""
    try:
        return ProcessIdentity(pid=pid, created=psutil.Process(pid).create_time())
    except psutil.Error:
        # It has ended already, and was waited for: an identity that fits no process.
        return ProcessIdentity(pid=pid, created=0.0)


def identify_self() -> ProcessIdentity:
    """Return the identity of this process."""
    return identify(os.getpid())


def listens(pid: int, port: int) -> bool:
    """Tell whether this process, and not another one, has the TCP port."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def mark_of(stack: str, part: str) -> str:
    """Return what a part's processes carry in the environment variable MARK."""
    return f"{stack}/{part}"


def find_marked(stack: str, part: str | None = None) -> list[psutil.Process]:
    """Return the processes of one part of a stack, or of all, with every process that they started."""
    found = []
    for process in psutil.process_iter():
        try:
            value = process.environ().get(MARK, "")
        except psutil.Error:
            continue  # of another user, or gone
        if value == mark_of(stack, part) if part else value.startswith(mark_of(stack, "")):
            found.append(process)
    return found


def end_processes(processes: Iterable[psutil.Process], *, patience_s: float) -> None:
    """Ask processes to end, and kill those that have not after `patience_s`; returns when they are gone."""
    processes = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    left = _wait(processes, patience_s)
    kill_processes(left)
    _wait(left, patience_s)


def _wait(processes: list[psutil.Process], patience_s: float) -> list[psutil.Process]:
    """Wait until the processes have ended, and return those that have not."""
    for _ in range(round(patience_s / _POLL_S)):
        processes = [process for process in processes if _is_alive(process)]
        if not processes:
            break
        time.sleep(_POLL_S)
    return processes


def _is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill_processes(processes: Iterable[psutil.Process]) -> None:
    """Kill processes; psutil makes sure that each is still the one that was found."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def describe_exit(status: int) -> str:
    """Say how a process ended, by its status as `subprocess` gives it: below 0 for a signal."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def open_log(path: Path, *, keep: bool = False) -> BinaryIO:
    """Open a log that only its owner can read: a new one, the one before it staying as NAME.1.

    With `keep` it goes on where the last one ended.
    """
    if not keep and path.exists():
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)


def read_tail(path: Path) -> list[str]:
    """Return the last lines of a log that are not empty; none where there is no log."""
    try:
        return read_lines(path, max(0, path.stat().st_size - _TAIL_BYTES))
    except OSError:
        return []


def read_lines(path: Path, start: int) -> list[str]:
    """Return the lines of a log that are not empty, from a byte on.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as log:
        log.seek(start)
        text = log.read().decode(errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def last_message(path: Path) -> str | None:
    """Return the line of a log that says why its program ended: mostly the last one.

    A hint belongs to the line above it, and a Go program's dump to the line before it.
    """
    lines = [line for line in read_tail(path) if not line.startswith("  hint: ")]
    crash = next((line for line in lines if line.startswith(_GO_CRASHES)), None)
    return crash or (lines[-1].strip() if lines else None)
