"""Where a worker's processes keep their metrics, so that one port serves those of all of them.

prometheus-client keeps each process's numbers in files of a directory, and counters of processes that have
ended must stay there. Named by process ids the files would grow with every meeting, so a process of a meeting
takes a slot instead: the files of one that has ended, whose counters it goes on with.

Nothing here imports prometheus-client before it must: the directory has to be known when that happens.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus-client, livekit-agents and our processes know the directory."""

_SLOT = "slot"


@contextmanager
def share_metrics() -> Iterator[Path]:
    """Make the directory, and let this process and those that it starts keep their metrics there.

    To be entered before anything imports prometheus-client, as livekit-agents does: it decides then. The
    directory is removed at the end.

    Raises:
        RuntimeError: It is too late.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("metrics are to be shared before prometheus_client is imported")
    directory = Path(tempfile.mkdtemp(prefix="meetctl-metrics-"))
    os.environ[DIRECTORY_VARIABLE] = str(directory)
    try:
        yield directory
    finally:
        del os.environ[DIRECTORY_VARIABLE]
        shutil.rmtree(directory, ignore_errors=True)


def shared_directory() -> Path | None:
    """Return the directory; None where metrics are not shared, and nobody asks for them."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    return Path(named) if named else None


def claim_slot(directory: Path) -> str:
    """Take a slot for this process until it ends, however it ends, and return its name.

    Every metric that the process makes from now on goes on with the numbers of the slot's last process.
    """
    from prometheus_client import values

    number = 0
    while (lock := _take_lock(directory, f"{_SLOT}{number}")) is None:
        number += 1
    name = f"{_SLOT}{number}"
    # The lock is never given back: the system does that when the process ends, even where it is killed.
    os.set_inheritable(lock, False)
    _remove_live_gauges(directory, name)
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]
    return name


def clear_dead_gauges(directory: Path) -> None:
    """Forget what processes that have ended said of the present moment; their counters stay."""
    for path in directory.glob(f"{_SLOT}*.lock"):
        lock = _take_lock(directory, path.stem)
        if lock is not None:
            try:
                _remove_live_gauges(directory, path.stem)
            finally:
                os.close(lock)


def _take_lock(directory: Path, slot: str) -> int | None:
    """Lock a slot, and return the open lock file; None while a process has it."""
    lock = os.open(directory / f"{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _remove_live_gauges(directory: Path, slot: str) -> None:
    for path in directory.glob(f"gauge_live*_{slot}.db"):
        path.unlink(missing_ok=True)
