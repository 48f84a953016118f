"""How far a session's journal was delivered: a small file in its bundle, and a lock while somebody delivers.

A bundle without that file belongs to a session that had no backend; nothing of it is ever delivered.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.domain.delivery import STREAMS, LeftSession, Stream, find_owner, stream_of
from meetctl.domain.events import parse_journal
from meetctl.domain.session_bundle import BUNDLES, DELIVERED, DELIVERY_LOCK
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from meetctl.domain.events import Event

logger = logging.getLogger(__name__)

SCHEMA = "meetctl.delivered/1"
STATE = DELIVERED
LOCK = DELIVERY_LOCK
NOTHING = -1
"""The number before a journal's first."""


class FileOutbox:
    """The Outbox port on a bundle's files."""

    def __init__(self, directory: Path, journal: Path, lock: int | None, *, backend: str) -> None:
        """Continue where the bundle's file says; `lock` is the descriptor that holds the lock."""
        self._directory = directory
        self._backend = backend
        self._journal = journal
        self._lock = lock
        state = _read_state(directory) or {}
        seqs = state.get("seq")
        known = seqs if isinstance(seqs, dict) else {}
        self._seqs = {stream: _whole(known.get(stream)) for stream in STREAMS}
        self._tenant_id = state.get("tenant_id")
        self._offsets = dict.fromkeys(STREAMS, 0)
        """Where each stream's next events are looked for, in bytes."""
        self._ends: dict[Stream, dict[int, int]] = {stream: {} for stream in STREAMS}
        """Where the line of each event that was read last ends, by its number."""
        self._said: set[str] = set()

    async def read(self, stream: Stream, *, limit: int) -> Sequence[Event]:
        """Return the first events of a stream that are not confirmed, in the journal's order.

        What is still being written, or torn, is left out, and so are lines that are no events.

        Raises:
            MeetctlError: The journal cannot be read.
        """
        return await asyncio.to_thread(self._read, stream, limit)

    async def confirm(self, stream: Stream, seq: int, *, tenant_id: str) -> None:
        """Remember that the backend has a stream up to the event `seq`.

        Where it cannot be written down it is remembered as long as the outbox is open.
        """
        self._seqs[stream] = seq
        self._tenant_id = tenant_id
        self._offsets[stream] = self._ends[stream].get(seq, self._offsets[stream])
        await asyncio.to_thread(self.write_state, is_complete=False)

    async def find_owner(self) -> LeftSession | None:
        """Return whose session it is; None where nothing happened in it.

        Raises:
            MeetctlError: The journal cannot be read.
        """
        return await asyncio.to_thread(lambda: find_owner(event for event, _ in self._events(0)))

    async def complete(self) -> None:
        """Remember that the session has ended and nothing of it waits any more."""
        await asyncio.to_thread(self._complete)

    async def close(self) -> None:
        """Let go of it, so that somebody else may deliver what still waits."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_state(self, *, is_complete: bool) -> None:
        """Write down how far the journal was delivered, complete or not at all."""
        document = {
            "schema": SCHEMA,
            "backend": self._backend,
            "seq": self._seqs,
            "tenant_id": self._tenant_id,
            "complete": is_complete,
        }
        draft = self._directory / f".{STATE}.part"
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(document, file)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._directory / STATE)
        except OSError as error:
            self._say(f"{self._directory / STATE} cannot be written: {error.strerror}")

    def _complete(self) -> None:
        self.write_state(is_complete=True)
        # Who still opens the lock of a complete session sees in its state that nothing is left to do.
        with suppress(OSError):
            (self._directory / LOCK).unlink()

    def _read(self, stream: Stream, limit: int) -> tuple[Event, ...]:
        found: list[Event] = []
        end = offset = self._offsets[stream]
        ends: dict[int, int] = {}
        for event, end in self._events(offset):
            if event.seq > self._seqs[stream] and stream_of(event) == stream:
                found.append(event)
                ends[event.seq] = end
                if len(found) == limit:
                    break
        self._ends[stream] = ends
        if not found:
            self._offsets[stream] = end
        return tuple(found)

    def _events(self, offset: int) -> Iterator[tuple[Event, int]]:
        """Yield the journal's events from a place in it, each with where its line ends."""
        try:
            with self._journal.open("rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        # Still being written. To read on would take its rest for a line, and pass over it.
                        return
                    offset += len(line)
                    for event in parse_journal(line):
                        if event is None:
                            self._say(f"{self._journal} has lines that are no events; they are left out")
                        else:
                            yield event, offset
        except FileNotFoundError:
            return
        except OSError as error:
            raise MeetctlError(f"the journal {self._journal} cannot be read: {error.strerror}") from error

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            logger.warning("%s", text)


class FileOutboxes:
    """The Outboxes port on the directory of all sessions' bundles."""

    def __init__(self, sessions: Path, journal: str, *, backend: str) -> None:
        """Look for bundles in `sessions` whose usage is for the backend with this address.

        `journal` is the name of the journal in each.
        """
        self._sessions = sessions
        self._journal = journal
        self._backend = backend
        self._strangers: set[str] = set()

    async def list_waiting(self) -> Sequence[str]:
        """Return the ids of sessions of which something may wait, oldest first; they may still run."""
        return await asyncio.to_thread(self._list_waiting)

    async def open(self, session_id: str) -> FileOutbox | None:
        """Return a session's outbox; None if it still runs, is being delivered, or has nothing left."""
        return await asyncio.to_thread(self._open, session_id)

    def _list_waiting(self) -> list[str]:
        waiting = []
        for path in sorted(self._sessions.glob(f"{BUNDLES}/{STATE}")):
            if usage_waits(path.parent):
                backend = _backend_of(path.parent)
                if backend in (self._backend, None):
                    waiting.append(path.parent.name)
                else:
                    self._tell_of(backend)
        return waiting

    def _tell_of(self, backend: str) -> None:
        """Say once that something waits for another backend: a tenant's data is given to no other."""
        if backend not in self._strangers:
            self._strangers.add(backend)
            logger.warning(
                "usage of ended sessions waits for the backend %s; a worker that is given it delivers it",
                backend,
            )

    def _open(self, session_id: str) -> FileOutbox | None:
        directory = self._sessions / session_id
        try:
            lock = _take_lock(directory)
        except OSError as error:
            logger.warning("the bundle %s cannot be delivered: %s", directory, error.strerror)
            return None
        if lock is None:
            return None
        if not usage_waits(directory):
            # Somebody else completed it before the lock was free.
            with suppress(OSError):
                (directory / LOCK).unlink()
            os.close(lock)
            return None
        return FileOutbox(directory, directory / self._journal, lock, backend=self._backend)


def begin_outbox(directory: Path, journal: str, *, backend: str) -> FileOutbox:
    """Make the outbox of a session that begins, before its journal, and hold it.

    What it holds is for the backend with this address, and for no other.

    A disk that takes no more costs what would be remembered there, which is said in the log, and not the
    meeting.
    """
    try:
        lock = _take_lock(directory)
    except OSError as error:
        logger.warning("the bundle %s cannot be locked: %s", directory, error.strerror)
        lock = None
    outbox = FileOutbox(directory, directory / journal, lock, backend=backend)
    outbox.write_state(is_complete=False)
    return outbox


def _take_lock(directory: Path) -> int | None:
    """Return the descriptor that holds a bundle's lock; None where another process holds it.

    The operating system lets go of it when the process ends, however it ends.
    """
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise
    return lock


def usage_waits(directory: Path) -> bool:
    """Tell whether anything of a bundle is still to be delivered to its backend."""
    state = _read_state(directory)
    return state is not None and state.get("complete") is not True


def _backend_of(directory: Path) -> str | None:
    """Return the address of the backend that a bundle's usage is for; None where that cannot be read."""
    backend = (_read_state(directory) or {}).get("backend")
    return backend if isinstance(backend, str) else None


def _read_state(directory: Path) -> dict[str, object] | None:
    """Return what a bundle's file says; None without one, nothing of one that cannot be understood.

    Then everything is delivered again, which the backend does not count again.
    """
    try:
        state = json.loads((directory / STATE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) and state.get("schema") == SCHEMA else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else NOTHING
