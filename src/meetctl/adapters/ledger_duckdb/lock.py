"""One process at a time changes the ledger, several may read it; a lock ends with its process."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.errors import OutputError, ServiceError

if TYPE_CHECKING:
    from meetctl.ports import Clock

WAIT_S = 120.0
"""So long a command waits for another one, which may be folding ten million events for the first time."""

_TOLD_AFTER_S = 1.0
_LOOK_EVERY_S = 0.05


@contextmanager
def hold_lock(
    path: Path, clock: Clock, *, shared: bool, wait_s: float, on_waiting: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock file; `on_waiting` is told once where somebody else has it for longer than a second.

    Raises:
        ServiceError: It is still held after `wait_s`.
        OutputError: It cannot be made.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(f"the ledger's lock {path} cannot be made: {error.strerror}") from error
    try:
        begun, is_told = clock.monotonic(), False
        while not _try_lock(file, shared=shared):
            waited_s = clock.monotonic() - begun
            if waited_s >= wait_s:
                raise ServiceError(
                    f"the ledger is in use by another meetctl, for {waited_s:.0f} s now",
                    hint="try again when it is done; it may be folding many journals for the first time",
                )
            if waited_s >= _TOLD_AFTER_S and not is_told:
                on_waiting("waiting for another meetctl that uses the ledger")
                is_told = True
            time.sleep(_LOOK_EVERY_S)
        yield
    finally:
        os.close(file)


def _try_lock(file: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
