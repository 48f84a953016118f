"""`meetctl agent dev`: a worker that is started anew whenever meetctl's code changes."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import meetctl
from meetctl.cli.diagnostics import note, warn
from meetctl.stack.process import describe_exit, tether_command

if TYPE_CHECKING:
    from collections.abc import Sequence

STOP_LIMIT_S = 60
"""How long the worker may take to end its meetings before it starts anew."""


def run_agent_reloading(arguments: Sequence[str]) -> None:
    """Run `meetctl agent start` in a process of its own, and anew on each change, until Ctrl-C or SIGTERM.

    Meetings that run are ended, unless the arguments give them time by --drain-s.
    """
    import watchfiles

    # Without -P a meetctl.py in the working directory would be run instead.
    command = tether_command(
        [sys.executable, "-P", "-m", "meetctl", "agent", "start", "--drain-s", "0", *arguments]
    )
    source = Path(meetctl.__file__).parent
    note(f"watching {source}; Ctrl-C ends the worker")
    # A service manager's signal ends the watching as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        worker = _start(command)
        told = False
        try:
            for changes in watchfiles.watch(
                source, watch_filter=watchfiles.PythonFilter(), yield_on_timeout=True, rust_timeout=1000
            ):
                if changes:
                    note("the code has changed; the worker starts anew")
                    _stop(worker)
                    worker, told = _start(command), False
                elif (status := worker.poll()) is not None and not told:
                    told = True
                    warn(f"the worker {describe_exit(status)}; it starts anew when the code changes")
        finally:
            _stop(worker)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C in a terminal would reach it twice, and the second one kills meetings.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """Let the worker end; at another signal, or when it takes too long, it is not asked any more."""
    worker.terminate()
    try:
        worker.wait(STOP_LIMIT_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
        # The second one makes it take everything with it that it started.
        worker.terminate()
        worker.wait()
        if isinstance(reason, KeyboardInterrupt):
            raise
