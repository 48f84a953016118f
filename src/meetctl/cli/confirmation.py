"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import sys

from meetctl.errors import MeetctlError, UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal, unless the user has said --yes; anything but a yes ends the command.

    Raises:
        UsageError: There is nobody to ask.
        MeetctlError: The answer was no.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on", hint="-y says yes beforehand")
    try:
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        # The shell's prompt shall not stand behind the question.
        sys.stderr.write("\n")
        raise
    if not answer.endswith("\n"):
        # Ctrl-D is no answer, and ends no line either.
        sys.stderr.write("\n")
    if answer.strip().lower() not in ("y", "yes"):
        raise MeetctlError("nothing was done")
