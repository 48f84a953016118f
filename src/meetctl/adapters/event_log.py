"""A session's journal as a file: one JSON object a line, written by one process, read by anybody."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.domain.events import Event, JournalOwner, format_event
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from meetctl.ports import Clock

SYNC_INTERVAL_S = 1.0
"""At most this much of the journal is lost when the machine, not only the process, dies."""

LOCK_INTERVAL_S = 0.02
"""How long after a reader was in the way the lock is tried again."""

logger = logging.getLogger(__name__)


class EventLog:
    """The EventSink port on a file.

    Each line is handed to the operating system at once and complete, so a killed process loses nothing;
    a thread makes lines durable within a second, so a machine without power loses at most that. Safe to
    use from several threads.

    While it is open it holds a lock on the file (flock). The system lets go of it however the process
    ends, so anybody who can take the lock knows for certain that the session does not run.
    """

    def __init__(self, path: Path, owner: JournalOwner, *, clock: Clock, media_us: Callable[[], int]) -> None:
        """Open a new journal; `media_us` tells the time on the media clock.

        Raises:
            OutputError: The file is there already, or cannot be made.
        """
        self._owner = owner
        self._clock = clock
        self._media_us = media_us
        self._lock = threading.Lock()
        self._seq = 0
        self._unsynced = False
        self._closed = threading.Event()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise OutputError(f"the journal {path} cannot be made: {error.strerror}") from error
        self._path = path
        self._is_locked = self._lock_file()
        self._syncing = threading.Thread(target=self._sync_regularly, name="journal-sync", daemon=True)
        self._syncing.start()

    def append(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event:
        """Write one event at once, complete or not at all, and return it.

        Raises:
            OutputError: It cannot be written; the gap in `seq` that the next one leaves shows the loss.
        """
        with self._lock:
            if self._closed.is_set():
                raise OutputError(f"the journal {self._path} is closed")
            at_us = self._media_us() if t_us is None else t_us
            event = Event(
                seq=self._seq,
                ts=self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                t=at_us / 1_000_000,
                type=kind,
                session_id=self._owner.session_id,
                tenant_id=self._owner.tenant_id,
                room=self._owner.room,
                fields=dict(fields),
            )
            self._seq += 1
            line = json.dumps(format_event(event), separators=(",", ":"), ensure_ascii=False)
            # A streamed text may hold half a character; written as an escape it is JSON all the same.
            self._write(line.encode("utf-8", "backslashreplace"))
            self._unsynced = True
            return event

    def assign_tenant(self, tenant_id: str) -> None:
        """Let every event from now on say that it is this tenant's."""
        with self._lock:
            self._owner = replace(self._owner, tenant_id=tenant_id)

    def close(self) -> None:
        """Make everything durable; a second call does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        self._syncing.join()
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        """Write a line whole; what a full disk took of it is cut off again, so no torn line stays."""
        data = line + b"\n"
        start = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, data)
            if written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            os.ftruncate(self._file, start)
            raise OutputError(f"the journal {self._path} cannot be written: {error.strerror}") from error
        if written < len(data):
            os.ftruncate(self._file, start)
            raise OutputError(f"the journal {self._path} cannot be written: no space is left")

    def _lock_file(self) -> bool:
        """Show that the journal is being written; False where a reader is just looking whether it is.

        A file system without locks costs that certainty, and not the meeting.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            logger.info("the journal %s cannot be locked: %s", self._path, error.strerror)
        return True

    def _sync_regularly(self) -> None:
        while True:
            last = self._closed.wait(SYNC_INTERVAL_S if self._is_locked else LOCK_INTERVAL_S)
            self._is_locked = self._is_locked or self._lock_file()
            with self._lock:
                unsynced, self._unsynced = self._unsynced, False
            if unsynced:
                # What the disk refuses now, the next line reports; the thread must live to try again.
                with suppress(OSError):
                    os.fsync(self._file)
            if last:
                return
