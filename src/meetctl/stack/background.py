"""The stack as a process of its own: started, waited for, and ended from other commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.core.local_stack import StackState, load_state, read_stack
from meetctl.errors import ExitCode, MeetctlError, OutputError, ServiceError, UsageError
from meetctl.stack.process import describe_exit, end_processes, find_marked, open_log, read_lines
from meetctl.stack.state_file import lock_stack, remove_state

if TYPE_CHECKING:
    import psutil

LOG_FILE = "supervisor.log"

_POLL_S = 0.1
_SUPERVISOR_PATIENCE_S = 30.0
"""It ends its parts one after the other, and each may take some seconds."""
_PART_PATIENCE_S = 5.0


def start_in_background(
    *,
    binary: Path,
    directory: Path,
    environment: Mapping[str, str],
    changed: Callable[[StackState], None],
    with_offline_providers: bool = True,
) -> StackState:
    """Start the stack in a session of its own, and return it once every part has been ready.

    Where somebody else starts it at this moment, theirs is waited for. `changed` is given the stack each
    time that it looks different. An interruption ends what was started.

    Raises:
        MeetctlError: It did not start; the class and the message are those of the process that failed.
    """
    log = directory / LOG_FILE
    start = log.stat().st_size if log.exists() else 0
    options = ["--livekit-server", str(binary), *([] if with_offline_providers else ["--no-offline"])]
    process = _launch(options, directory, environment, log)
    shown: StackState | None = None
    try:
        while True:
            state = read_stack(directory)
            if state and state != shown:
                changed(state)
                shown = state
            if state and state.state == "running":
                # It is meant to outlive this process; Popen would warn of that otherwise.
                process.returncode = process.returncode or 0
                return state
            status = _wait(process)
            if status is not None and (status != ExitCode.DONE or not read_stack(directory)):
                raise _read_failure(status, log, start)
    except BaseException:
        # Ctrl-C too must not leave a stack half up.
        if process.poll() is None:
            process.terminate()
            process.wait()
        raise


def end_stack(directory: Path) -> bool:
    """End exactly what `meetctl up` started, also where its supervisor is gone; False if nothing ran.

    Raises:
        OutputError: The stack's directory cannot be written.
    """
    state = load_state(directory)
    if state is None:
        return False
    supervisor = state.supervisor.find()
    if supervisor:
        end_processes([supervisor], patience_s=_SUPERVISOR_PATIENCE_S)
    left = end_leftovers(state)
    with lock_stack(directory) as ours:
        # If it is somebody else's, a new stack is coming up, and its state is none of ours.
        if ours:
            remove_state(directory)
    return bool(supervisor or left)


def end_leftovers(state: StackState) -> int:
    """End the parts that outlived their supervisor, and all that they started; return how many there were.

    A process counts as a part if its id and its time of creation are those that were written down, or if
    it carries the stack's mark.
    """
    found: dict[int, psutil.Process] = {process.pid: process for process in find_marked(state.id)}
    for part in state.parts:
        if process := part.identity.find():
            found.setdefault(process.pid, process)
    end_processes(found.values(), patience_s=_PART_PATIENCE_S)
    return len(found)


def _launch(
    options: Sequence[str], directory: Path, environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    # It runs elsewhere, where files and profiles of the working directory are not found; it needs none.
    own = {name: value for name, value in environment.items() if name != "MEETCTL_PROFILE"}
    own["MEETCTL_CONFIG"] = os.devnull
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_log(log, keep=True) as file:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "meetctl", "up", "--foreground", *options],
                env=own,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
    except OSError as error:
        raise OutputError(
            f"the local stack's directory {directory} cannot be written: {error.strerror or error}",
            hint="XDG_STATE_HOME puts it elsewhere",
        ) from error


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return None


def _read_failure(status: int, log: Path, start: int) -> MeetctlError:
    """Return the error that the supervisor printed before it ended; its log begins at byte `start`."""
    if status == ExitCode.DONE:
        return ServiceError(
            "another `meetctl up` was bringing up the local stack, and it did not come up",
            hint="run `meetctl up` again",
        )
    message = hint = None
    for line in read_lines(log, start):
        if line.startswith("meetctl: "):
            message, hint = line.removeprefix("meetctl: "), None
        elif line.startswith("  hint: "):
            hint = line.removeprefix("  hint: ")
    if message is None:
        message, hint = f"the local stack's supervisor {describe_exit(status)}", f"its log is {log}"
    kinds: dict[int, type[MeetctlError]] = {ExitCode.USAGE: UsageError, ExitCode.SERVICE: ServiceError}
    return kinds.get(status, MeetctlError)(message, hint=hint)
