"""The sessions on this machine: bundles in one directory, of which only the ends of each journal are read."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from meetctl.domain.events import Event, parse_event
from meetctl.domain.session_bundle import (
    JOURNAL,
    RECORDING,
    SEGMENTS,
    SESSION,
    RunState,
    SessionBundle,
    sort_newest_first,
)
from meetctl.errors import MediaError

_END_BYTES = 1 << 16
"""So much of a journal's end is read first; lines are seldom longer than a few thousand bytes."""
_LONGEST_LINE = 1 << 24

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF})
"""What a file system says that knows no locks."""


class DirectoryCatalogue:
    """The SessionCatalogue port on a directory of bundles."""

    def __init__(self, sessions: Path, *, usage_waits: Callable[[Path], bool]) -> None:
        """List the bundles in `sessions`; `usage_waits` tells whether a bundle's usage is to be delivered."""
        self._sessions = sessions
        self._usage_waits = usage_waits

    def list_sessions(self) -> Sequence[SessionBundle]:
        """Return all bundles, newest first; other directories and files are passed over.

        Raises:
            MediaError: The directory cannot be read; one that is missing has no sessions.
        """
        try:
            with os.scandir(self._sessions) as entries:
                paths = [
                    Path(entry) for entry in entries if not entry.name.startswith(".") and entry.is_dir()
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MediaError(f"the sessions in {self._sessions} cannot be read: {error.strerror}") from error
        return sort_newest_first([bundle for path in paths if (bundle := self._read(path)) is not None])

    def look_up(self, path: Path) -> SessionBundle:
        """Return the bundle in a directory.

        Raises:
            MediaError: There is no bundle.
        """
        bundle = self._read(path) if path.is_dir() else None
        if bundle is None:
            raise MediaError(
                f"{path} is no bundle", hint=f"a bundle is a directory that holds {JOURNAL} or {SESSION}"
            )
        return bundle

    def read_events(self, bundle: SessionBundle) -> Iterator[Event | None]:
        """Yield what its journal has, line by line, up to where it was when the bundle was looked at.

        Raises:
            MediaError: The journal cannot be read.
        """
        if bundle.journal is None:
            return
        try:
            with bundle.journal.open("rb") as file:
                read = 0
                for line in file:
                    read += len(line)
                    if read > bundle.journal_bytes:
                        return
                    if line.strip():
                        yield _parse(line)
        except OSError as error:
            raise MediaError(f"the journal {bundle.journal} cannot be read: {error.strerror}") from error

    def _read(self, path: Path) -> SessionBundle | None:
        """Return a directory's bundle; None for a directory that is none, or that has just gone."""
        journal, document = path / JOURNAL, path / SESSION
        has_journal = journal.is_file()
        if not has_journal and not document.is_file():
            return None
        told, problems = _read_document(document)
        ends = _read_ends(journal) if has_journal else _Ends(state="unknown", problem=f"{JOURNAL} is missing")
        size_bytes, media_bytes = _measure(path)
        return replace(
            _describe(path, told, ends),
            changed_at=_changed_at(journal if has_journal else path),
            size_bytes=size_bytes,
            media_bytes=media_bytes,
            journal=journal if has_journal else None,
            journal_bytes=ends.length,
            usage_waits=self._usage_waits(path),
            problems=(*problems, *([ends.problem] if ends.problem else [])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """The first and the last event of a journal, and what they and its lock say."""

    state: RunState
    first: Event | None = None
    last: Event | None = None
    length: int = 0
    """Up to the last complete line."""
    problem: str | None = None


def is_written(journal: Path) -> bool | None:
    """Tell whether a process holds a journal open for writing; None where that cannot be known.

    Raises:
        OSError: The file cannot be opened.
    """
    descriptor = os.open(journal, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    else:
        return False
    finally:
        os.close(descriptor)


def _describe(path: Path, told: Mapping[str, Any], ends: _Ends) -> SessionBundle:
    """Put together what session.json says and, where it is silent, what the journal's ends say."""
    first, last = ends.first, ends.last
    tenant_id = _text(told.get("tenant_id")) or next(
        (_text(event.tenant_id) for event in (last, first) if event is not None and event.tenant_id), None
    )
    pruned = told.get("pruned")
    return SessionBundle(
        session_id=_text(told.get("session_id")) or (first.session_id if first else "") or path.name,
        path=path,
        state=ends.state,
        room=_text(told.get("room")) or (first.room if first else None) or None,
        tenant_id=tenant_id,
        started_at=_moment(told.get("started_at")) or _moment(first.ts if first else None),
        ended_at=None
        if ends.state == "running"
        else _moment(last.ts if last else None) or _moment(told.get("ended_at")),
        pruned_at=_moment(pruned.get("at")) if isinstance(pruned, Mapping) else None,
    )


def _read_document(path: Path) -> tuple[Mapping[str, Any], list[str]]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, [f"{SESSION} is missing"]
    except (OSError, ValueError):
        return {}, [f"{SESSION} cannot be read"]
    if not isinstance(told, dict):
        return {}, [f"{SESSION} cannot be read"]
    return told, []


def _read_ends(journal: Path) -> _Ends:
    try:
        # First whether it is written, then its end: a session that ends in between has its end by then.
        written = is_written(journal)
        with journal.open("rb") as file:
            first = _parse(file.readline(_LONGEST_LINE))
            line, length = _read_last_line(file)
            last = _parse(line)
    except OSError as error:
        return _Ends(state="unknown", problem=f"{JOURNAL} cannot be read: {error.strerror}")
    has_ended = last is not None and last.type == "session.ended"
    problem = None
    if first is None and not written:
        problem = f"{JOURNAL} does not begin with an event"
    elif last is None and not written:
        problem = f"{JOURNAL} does not end with an event"
    state: RunState
    if written:
        state = "running"
    elif has_ended:
        state = "ended"
    else:
        state = "unknown" if written is None else "killed"
    return _Ends(state=state, first=first, last=last, length=length, problem=problem)


def _read_last_line(file: BinaryIO) -> tuple[bytes, int]:
    """Return the last complete line and where it ends; an empty one where there is none."""
    size = file.seek(0, os.SEEK_END)
    wanted = _END_BYTES
    while True:
        start = max(0, size - wanted)
        file.seek(start)
        text = file.read(size - start)
        end = text.rfind(b"\n")
        before = text.rfind(b"\n", 0, max(0, end))
        if before >= 0 or start == 0 or wanted > _LONGEST_LINE:
            return text[before + 1 : max(0, end)], start + end + 1
        wanted *= 8


def _parse(line: bytes) -> Event | None:
    try:
        return parse_event(line)
    except ValueError:
        return None


def _measure(path: Path) -> tuple[int, int]:
    """Return the bytes of all files in a bundle, and of its recording; what goes meanwhile counts nothing."""
    total = media = 0
    waiting = [path]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry))
                        continue
                    size = entry.stat(follow_symlinks=False).st_size
                    total += size
                    if directory.name == SEGMENTS or entry.name == RECORDING:
                        media += size
        except OSError:
            continue
    return total, media


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if at is None else at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
