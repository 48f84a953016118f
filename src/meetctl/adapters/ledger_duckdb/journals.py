"""What journals have that the ledger has not folded yet: whole lines, in batches of bounded size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO

JOURNAL = "events.jsonl"

BATCH_BYTES = 32 * 1024 * 1024
"""A batch is one transaction; so much of it is in memory, and as much again where the next one is read."""

_SEEN_BYTES = 256
"""So much before its place in a journal tells a cursor that the journal is still the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far one journal is folded, and by what it is known again."""

    path: str
    device: int
    inode: int
    modified_ns: int
    folded_bytes: int
    fingerprint: str
    """Of the bytes just before `folded_bytes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Whole lines of one journal, and where they end."""

    data: bytes
    cursor: Cursor


@dataclass(slots=True, kw_only=True)
class Batch:
    """Pieces of one or more journals that are folded together."""

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0

    def add(self, piece: Piece) -> None:
        """Take another piece."""
        self.pieces.append(piece)
        self.size += len(piece.data)

    @property
    def cursors(self) -> list[Cursor]:
        """How far each journal is folded once this batch is."""
        return list({piece.cursor.path: piece.cursor for piece in self.pieces}.values())


def find_journals(sessions: Path) -> list[Path]:
    """Return the journals of all bundles there, sorted by name; none where there is no such place.

    Raises:
        OSError: The place cannot be read.
    """
    if not sessions.is_dir():
        return []
    return sorted(Path(one.path) / JOURNAL for one in os.scandir(sessions) if _is_bundle(one))


def _is_bundle(entry: os.DirEntry[str]) -> bool:
    # A hidden one is being imported or removed.
    return not entry.name.startswith(".") and Path(entry.path, JOURNAL).is_file()


def count_new_bytes(journals: Iterable[Path], cursors: Mapping[str, Cursor]) -> int:
    """Return about how many bytes there are to fold."""
    total = 0
    for path in journals:
        try:
            status = path.stat()
        except OSError:
            continue
        cursor = cursors.get(str(path))
        is_known = cursor is not None and cursor.inode == status.st_ino
        total += max(0, status.st_size - (cursor.folded_bytes if cursor and is_known else 0))
    return total


def read_batches(
    journals: Iterable[Path], cursors: Mapping[str, Cursor], failed: list[str], limit: int = BATCH_BYTES
) -> Iterator[Batch]:
    """Read what is new in batches of about `limit` bytes; a journal that cannot be read goes to `failed`."""
    batch = Batch()
    for path in journals:
        try:
            for piece in _read_new(path, cursors.get(str(path)), limit):
                batch.add(piece)
                if batch.size >= limit:
                    yield batch
                    batch = Batch()
        except FileNotFoundError:
            continue  # pruned while we looked
        except OSError as error:
            failed.append(f"{path}: {error.strerror or error}")
    if batch.pieces:
        yield batch


def _read_new(path: Path, cursor: Cursor | None, limit: int) -> Iterator[Piece]:
    """Read whole lines from where the cursor stands; from the start where it is not the same journal."""
    status = path.stat()
    if cursor and (cursor.inode, cursor.device, cursor.folded_bytes, cursor.modified_ns) == (
        status.st_ino,
        status.st_dev,
        status.st_size,
        status.st_mtime_ns,
    ):
        return
    with path.open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        start = cursor.folded_bytes if cursor and _is_same(cursor, status, file) else 0
        file.seek(start)
        # Only what it has now: a journal that is written all the while would never end.
        left, rest, end = status.st_size - start, b"", start
        while left > 0 and (block := file.read(min(left, limit))):
            left -= len(block)
            newline = block.rfind(b"\n") + 1
            if not newline:
                rest += block
                continue
            data, rest = rest + block[:newline], block[newline:]
            end += len(data)
            yield Piece(data=data, cursor=_cursor(path, status, file, end))
            file.seek(end + len(rest))


def _cursor(path: Path, status: os.stat_result, file: IO[bytes], end: int) -> Cursor:
    return Cursor(
        path=str(path),
        device=status.st_dev,
        inode=status.st_ino,
        modified_ns=status.st_mtime_ns,
        folded_bytes=end,
        fingerprint=_fingerprint(file, end),
    )


def _is_same(cursor: Cursor, status: os.stat_result, file: IO[bytes]) -> bool:
    """Tell whether the file goes on after what is folded: not if it was replaced, cut or written anew."""
    return (
        (cursor.device, cursor.inode) == (status.st_dev, status.st_ino)
        and cursor.folded_bytes <= status.st_size
        and cursor.fingerprint == _fingerprint(file, cursor.folded_bytes)
    )


def _fingerprint(file: IO[bytes], end: int) -> str:
    start = max(0, end - _SEEN_BYTES)
    return sha256(os.pread(file.fileno(), end - start, start)).hexdigest()
