"""The stack's state on disk: written by one supervisor at a time, and readable by its owner only."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.core.local_stack import STATE_FILE, make_document
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.core.local_stack import StackState

_LOCK_FILE = "lock"


@contextlib.contextmanager
def lock_stack(directory: Path) -> Iterator[bool]:
    """Hold the stack of this directory; gives False where another process holds it.

    The operating system lets go of it when the process ends, however it ends.

    Raises:
        OutputError: The directory cannot be written.
    """
    with _reporting(directory):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        descriptor = os.open(directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def write_state(state: StackState, directory: Path) -> None:
    """Replace the state by this one, complete or not at all; for the one who holds the lock.

    Raises:
        OutputError: It cannot be written.
    """
    with _reporting(directory):
        write_secret(directory / STATE_FILE, json.dumps(make_document(state), indent=2) + "\n")


def remove_state(directory: Path) -> None:
    """Remove the state; for the one who holds the lock.

    Raises:
        OutputError: It cannot be removed.
    """
    with _reporting(directory):
        (directory / STATE_FILE).unlink(missing_ok=True)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read and that appears complete or not at all.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _reporting(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the local stack's directory {directory} cannot be written: {error.strerror or error}",
            hint="XDG_STATE_HOME puts it elsewhere",
        ) from error
