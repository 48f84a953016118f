"""What goes to stderr, and which exit code an error means."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from meetctl.errors import ExitCode, MeetctlError


_DEBUG = "MEETCTL_DEBUG"


def start_debugging() -> None:
    """Show tracebacks from now on, in this process and those it starts."""
    os.environ[_DEBUG] = "1"


def is_debugging() -> bool:
    """Tell whether the user wants tracebacks, by --debug or by the environment."""
    return bool(os.environ.get(_DEBUG))


def report(error: MeetctlError) -> ExitCode:
    """Print an error as one line and its hint as another, after its traceback if that is wanted."""
    if is_debugging() and error.__traceback__:
        traceback.print_exception(error)
    _print(f"meetctl: {error.message}")
    if error.hint:
        _print(f"  hint: {error.hint}")
    return error.exit_code


def warn(message: str) -> None:
    """Print a warning: something is worse than it looks."""
    _print(f"warning: {message}")


def note(message: str) -> None:
    """Print what is good to know, such as what was assumed."""
    _print(message)


def _print(line: str) -> None:
    """Write one line after what stdout has so far, so that a terminal shows them in order."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        print(show_plain(line), file=sys.stderr, flush=True)  # noqa: T201  the one place that writes to stderr
    except OSError:
        # Nobody can be told that nobody can be told; the exit code still says what happened.
        return
