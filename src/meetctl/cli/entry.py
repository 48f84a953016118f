"""Where the process starts: Ctrl-C ends it quietly while Python still imports the command line, too."""

from __future__ import annotations

import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line, and end the process; with 130, and no traceback, where Ctrl-C ends it."""
    try:
        from meetctl.cli.main import run as run_commands

        run_commands()
    except KeyboardInterrupt:
        # errors.ExitCode.INTERRUPTED, which may not have been imported.
        sys.exit(130)
