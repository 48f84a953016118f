"""New lines of all journals into the ledger, batch by batch, each batch whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from meetctl.adapters.ledger_duckdb.careful import stage_rows, write_clean
from meetctl.adapters.ledger_duckdb.journals import (
    BATCH_BYTES,
    Batch,
    Cursor,
    count_new_bytes,
    find_journals,
    read_batches,
)
from meetctl.adapters.ledger_duckdb.merging import merge_staged, save_cursors
from meetctl.adapters.ledger_duckdb.staging import is_plain, stage_lines, stage_usage
from meetctl.domain.ledger import FoldReport

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meetctl.ports import Progress

_STEP = "reading journals"
_CHECKPOINT_EVERY = 8
"""Batches after which DuckDB's log is written into its file, for which nothing else may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    """A batch that waits in a connection's temporary tables."""

    connection: DuckDBPyConnection
    batch: Batch
    unreadable: int
    is_careful: bool


def fold_journals(
    connection: DuckDBPyConnection,
    sessions: Path,
    room: Path,
    progress: Progress,
    *,
    batch_bytes: int = BATCH_BYTES,
) -> FoldReport:
    """Fold in everything new; `room` is where batches are laid down.

    The next batch is read and staged while the last one is merged, each on a connection of its own.

    Raises:
        OSError: The sessions or the directory cannot be used.
        duckdb.Error: The ledger cannot be written.
    """
    cursors = _read_cursors(connection)
    journals = find_journals(sessions)
    total, done, events, unreadable, careful = count_new_bytes(journals, cursors), 0, 0, 0, 0
    failed: list[str] = []
    batches = read_batches(journals, cursors, failed, batch_bytes)
    connections = cycle([_connect(connection), _connect(connection)])
    with (
        _make_room(room),
        ThreadPoolExecutor(1, thread_name_prefix="stage-journals") as thread,
    ):
        upcoming = thread.submit(_stage_next, batches, next(connections), room)
        number = 0
        while (staged := upcoming.result()) is not None:
            number += 1
            is_alone = number % _CHECKPOINT_EVERY == 0
            if not is_alone:
                upcoming = thread.submit(_stage_next, batches, next(connections), room)
            events += _merge(staged)
            if is_alone:
                connection.execute("CHECKPOINT")
                upcoming = thread.submit(_stage_next, batches, next(connections), room)
            careful += staged.is_careful
            unreadable += staged.unreadable
            done += staged.batch.size
            progress(_STEP, done, max(total, done), "bytes")
    return FoldReport(
        journals=len(journals),
        events=events,
        unreadable_lines=unreadable,
        unread_journals=tuple(failed),
        careful_batches=careful,
    )


@contextmanager
def _make_room(room: Path) -> Iterator[None]:
    """Give a private directory for one fold; what a killed one left there is taken away first."""
    rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    try:
        yield
    finally:
        rmtree(room, ignore_errors=True)


def _connect(connection: DuckDBPyConnection) -> DuckDBPyConnection:
    other = connection.cursor()
    other.execute("SET TimeZone = 'UTC'")
    return other


def _stage_next(batches: Iterator[Batch], connection: DuckDBPyConnection, directory: Path) -> _Staged | None:
    """Read the next batch and stage it; None after the last."""
    import duckdb

    batch = next(batches, None)
    if batch is None:
        return None
    spool = directory / "lines.jsonl"
    with spool.open("wb") as file:
        for piece in batch.pieces:
            file.write(piece.data)
    try:
        stage_lines(connection, spool)
        if is_plain(connection, sum(piece.data.count(b"\n") for piece in batch.pieces)):
            stage_usage(connection)
            return _Staged(connection=connection, batch=batch, unreadable=0, is_careful=False)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        pass  # What DuckDB cannot parse, Python may, or says what it is.
    rows = directory / "usage.jsonl"
    unreadable = write_clean((piece.data for piece in batch.pieces), spool, rows)
    stage_lines(connection, spool)
    stage_rows(connection, rows)
    return _Staged(connection=connection, batch=batch, unreadable=unreadable, is_careful=True)


def _merge(staged: _Staged) -> int:
    """Take a staged batch and its cursors in, in one transaction; return how many events were new."""
    connection = staged.connection
    connection.begin()
    events = merge_staged(connection)
    if staged.unreadable:
        connection.execute("UPDATE store.meta SET unreadable = unreadable + ?", [staged.unreadable])
    save_cursors(connection, staged.batch.cursors)
    connection.commit()
    return events


def _read_cursors(connection: DuckDBPyConnection) -> dict[str, Cursor]:
    rows = connection.execute(
        "SELECT path, device, inode, modified_ns, folded_bytes, fingerprint FROM store.journals"
    ).fetchall()
    return {
        path: Cursor(
            path=path,
            device=device,
            inode=inode,
            modified_ns=modified_ns,
            folded_bytes=folded_bytes,
            fingerprint=fingerprint,
        )
        for path, device, inode, modified_ns, folded_bytes, fingerprint in rows
    }
