"""The ledger on DuckDB: one file, derived from all journals, opened for a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.adapters.ledger_duckdb import questions, spending
from meetctl.adapters.ledger_duckdb.database import open_ledger, translate_errors
from meetctl.adapters.ledger_duckdb.folding import fold_journals
from meetctl.adapters.ledger_duckdb.free_query import answer_query
from meetctl.adapters.ledger_duckdb.journals import BATCH_BYTES
from meetctl.adapters.ledger_duckdb.lock import WAIT_S, hold_lock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meetctl.domain.ledger import (
        Completeness,
        Dimension,
        FoldReport,
        ImageRequest,
        Interrupted,
        KeptFrames,
        RequestTokens,
        Selection,
        SentImages,
        Spending,
    )
    from meetctl.ports import Clock, Progress

__all__ = ["DuckLedger"]


class DuckLedger:
    """The Ledger port on a DuckDB file that one process writes at a time."""

    def __init__(
        self,
        path: Path,
        sessions: Path,
        *,
        clock: Clock,
        on_waiting: Callable[[str], None],
        wait_s: float = WAIT_S,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        """Name the file and the directory of the sessions; nothing is opened yet."""
        self._path = path
        self._sessions = sessions
        self._clock = clock
        self._on_waiting = on_waiting
        self._wait_s = wait_s
        self._batch_bytes = batch_bytes

    def fold(self, progress: Progress) -> FoldReport:
        """Take in what journals have that is not in the ledger yet.

        Raises:
            ServiceError: Another process has the ledger for too long.
            MeetctlError: It is damaged, or not ours.
            OutputError: It cannot be written.
        """
        with translate_errors(self._path):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._open(read_only=False) as connection:
            return fold_journals(
                connection,
                self._sessions,
                self._path.with_suffix(".folding"),
                progress,
                batch_bytes=self._batch_bytes,
            )

    def sum_spending(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[Spending]:
        """Return sums of usage, by the dimensions and by provider, model, unit and basis."""
        with self._open(read_only=True) as connection:
            return spending.sum_spending(connection, selection, by)

    def count_completeness(self, selection: Selection) -> Completeness:
        """Return what may be missing in the sums of a selection."""
        with self._open(read_only=True) as connection:
            return spending.count_completeness(connection, selection)

    def sum_tokens(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[RequestTokens]:
        """Return the tokens of billed requests, by the dimensions and by day, provider, model and basis."""
        with self._open(read_only=True) as connection:
            return questions.sum_tokens(connection, selection, by)

    def count_images(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[SentImages]:
        """Return how many images of each size billed requests sent."""
        with self._open(read_only=True) as connection:
            return questions.count_images(connection, selection, by)

    def list_image_requests(
        self, selection: Selection, by: Sequence[Dimension] = ()
    ) -> Iterator[ImageRequest]:
        """Yield billed requests, each session's in its order; the ledger is open until the last one."""
        with self._open(read_only=True) as connection:
            yield from questions.list_image_requests(connection, selection, by)

    def count_kept(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[KeptFrames]:
        """Return how many frames of each size were kept under which policy."""
        with self._open(read_only=True) as connection:
            return questions.count_kept(connection, selection, by)

    def sum_interrupted(self, selection: Selection) -> list[Interrupted]:
        """Return what requests cost that were cut off, by provider."""
        with self._open(read_only=True) as connection:
            return questions.sum_interrupted(connection, selection)

    def query(self, sql: str, *, write: bool = False) -> Iterator[tuple[object, ...]]:
        """Yield the columns' names of a query of the user's, then its rows; it reads nothing but the ledger.

        Raises:
            UsageError: It is wrong; the message says where.
        """
        with self._open(read_only=not write) as connection:
            yield from answer_query(connection, sql)

    @contextmanager
    def _open(self, *, read_only: bool) -> Iterator[DuckDBPyConnection]:
        lock = self._path.with_name(f"{self._path.name}.lock")
        with (
            hold_lock(lock, self._clock, shared=read_only, wait_s=self._wait_s, on_waiting=self._on_waiting),
            open_ledger(self._path, read_only=read_only) as connection,
        ):
            yield connection
