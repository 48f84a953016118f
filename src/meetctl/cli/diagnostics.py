"""What goes to stderr, and which exit code an error means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.errors import MeetctlError


def report(error: MeetctlError) -> None:
    """Print an error as one line, and its hint as another."""
    _print(f"meetctl: {error.message}")
    if error.hint:
        _print(f"  hint: {error.hint}")


def warn(message: str) -> None:
    """Print a warning: something is worse than it looks."""
    _print(f"warning: {message}")


def note(message: str) -> None:
    """Print what is good to know, such as what was assumed."""
    _print(message)


def _print(line: str) -> None:
    """Write after what stdout has so far, so that a terminal shows them in order."""
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)  # noqa: T201  the one place that writes to stderr
