"""A worker's own log as JSON lines in a file, kept within bounds; it never costs anybody a meeting."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

from meetctl.core.log_format import JsonFormatter
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

logger = logging.getLogger(__name__)

LARGEST_FILE_BYTES = 10_000_000
"""A line that would make the file larger begins a new one."""

OLDER_FILES = 4
"""How many of those before are kept, as NAME.1, the newest, to NAME.4."""

ENDED_WORKERS = 10
"""The logs of so many workers that have ended are kept."""

_OURS = re.compile(r"worker-\d{8}T\d{6}Z-\d+(?:-\d+)?\.jsonl")
_MOST_NAMES = 100


class LogFile(logging.Handler):
    """Writes each record as one JSON object in one line, whole or not at all.

    When the file can't be written, that is logged once; records are dropped until it can be again, and then
    it is logged how many were.
    """

    def __init__(self, path: Path, *, largest_bytes: int = LARGEST_FILE_BYTES) -> None:
        """Make a new file, for its user only.

        Raises:
            FileExistsError: There is one.
            OSError: It cannot be made.
        """
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.path = path
        self._largest_bytes = largest_bytes
        self._file = _make(path)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; called by logging, one at a time."""
        if self._file < 0:
            return
        try:
            self._write(self.format(record).encode() + b"\n")
        except Exception as error:  # noqa: BLE001  whatever is wrong with a record or the disk, meetings go on
            self._lost += 1
            if self._lost == 1:
                # This comes back to us, is lost too, and is told no more.
                logger.error(
                    "the log %s cannot be written; lines are lost there",
                    self.path.name,
                    extra={"error": type(error).__name__},
                )
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            logger.warning("%d lines could not be written to the log file", lost)

    def note(self, message: str) -> None:
        """Write a message to the file alone, which the user is told in another way."""
        self.handle(logger.makeRecord(logger.name, logging.INFO, __file__, 0, message, (), None))

    def close(self) -> None:
        """Close the file; records that still come are dropped."""
        self.acquire()
        try:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        finally:
            self.release()
        super().close()

    def _write(self, line: bytes) -> None:
        start = os.fstat(self._file).st_size
        if start and start + len(line) > self._largest_bytes:
            self._rotate()
            start = 0
        written = os.write(self._file, line)
        if written < len(line):
            # No torn line stays behind.
            os.ftruncate(self._file, start)
            raise OSError("no space is left")

    def _rotate(self) -> None:
        """Give the file away under another name and begin a new one; the old one stays if that fails."""
        for number in range(OLDER_FILES, 0, -1):
            older = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            with suppress(FileNotFoundError):
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))
        # A file that somebody has put there meanwhile is not ours to write to.
        replaced, self._file = self._file, _make(self.path)
        os.close(replaced)


def open_log_file(directory: Path, started: datetime) -> LogFile:
    """Begin the log of a worker that starts now, and remove those of workers that ended long ago.

    Raises:
        OutputError: No file can be made there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = _open_unused(directory, f"worker-{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}")
    except OSError as error:
        raise OutputError(f"the worker's log cannot be kept in {directory}: {error.strerror}") from error
    _remove_old(directory)
    return file


def _open_unused(directory: Path, name: str) -> LogFile:
    """Make a file under a name that nobody has: in containers workers may share their process's id."""
    for number in range(_MOST_NAMES):
        with suppress(FileExistsError):
            return LogFile(directory / (f"{name}-{number}.jsonl" if number else f"{name}.jsonl"))
    raise FileExistsError(None, "too many workers have the same name")


def _make(path: Path) -> int:
    """Make a file, and lock it, by which others see that its worker runs."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with suppress(OSError):
        # Some file systems have no locks; then it may be taken for an ended worker's.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _remove_old(directory: Path) -> None:
    """Remove the logs of all ended workers but the last ones; what cannot be removed stays."""
    with suppress(OSError):
        logs = sorted(path for path in directory.iterdir() if _OURS.fullmatch(path.name))
        ended = list(filter(_is_ended, logs))
        for path in ended[:-ENDED_WORKERS]:
            for older in directory.glob(f"{path.name}.*"):
                older.unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def _is_ended(path: Path) -> bool:
    """Tell whether no worker writes to this log."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
