"""Started as a program: turns into another one that ends when the process that started it ends.

tether.py PARENT COMMAND [ARGUMENT …]

Run without site-packages, so that it costs little; imports nothing of meetctl. Linux only. The kernel watches
the parent's thread that started this process (https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html),
so that must be one that lives as long as the parent.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the command."""
    parent, command = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It ended before the kernel was asked to watch it.
        sys.exit(f"{command[0]}: not started, since what asked for it has ended")
    # Python ignores these, and an ignored signal stays ignored in the program that follows.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
