"""The only place that names concrete adapters; each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.audit import Audit, RecordingAudit
    from meetctl.errors import MeetctlError
    from meetctl.ports import Clock, FrameSink, FrameSource, Progress
    from meetctl.services.prices import PriceCatalogue
    from meetctl.services.replay import AuditRequest


def system_clock() -> Clock:
    """Return the machine's clock."""
    from meetctl.adapters.system_clock import SystemClock

    return SystemClock()


def frame_source() -> FrameSource:
    """Return recordings through PyAV."""
    from meetctl.adapters.media_av import AvFrameSource

    return AvFrameSource()


def price_book(user_files: Sequence[Path]) -> PriceCatalogue:
    """Return the price book: the user's files, then the bundled ones, then genai-prices.

    Raises:
        UsageError: A file is missing or wrong.
    """
    from meetctl.adapters.price_book import load_price_book

    return load_price_book(user_files)


def frame_directory(directory: Path) -> FrameSink:
    """Return a directory that kept frames are written to."""
    from meetctl.adapters.frame_directory import FrameDirectory

    return FrameDirectory(directory)


def audit_recordings(
    paths: Sequence[Path],
    request: AuditRequest,
    *,
    price_files: Sequence[Path],
    frames_directory: Path | None,
    jobs: int,
    progress: Progress,
) -> Iterator[RecordingAudit | MeetctlError]:
    """Audit recordings in their order, several at a time; an error stands for the one that failed."""
    if jobs == 1 or len(paths) == 1:
        for path in paths:
            yield audit_one(path, request, price_files, frames_directory, progress)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: PyAV's and DuckDB's threads do not survive a fork.
    with ProcessPoolExecutor(min(jobs, len(paths)), mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(audit_one, path, request, price_files, frames_directory) for path in paths]
        try:
            for done, task in enumerate(tasks):
                progress("auditing", done, len(paths), "recordings")
                yield task.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def audit_one(
    path: Path,
    request: AuditRequest,
    price_files: Sequence[Path],
    frames_directory: Path | None,
    progress: Progress | None = None,
) -> RecordingAudit | MeetctlError:
    """Audit one recording; a failure is returned, so that the others are not lost."""
    from meetctl.errors import MeetctlError, UsageError
    from meetctl.services.replay import audit_recording

    try:
        return audit_recording(
            path,
            request,
            source=frame_source(),
            book=price_book(price_files),
            progress=progress or _ignore,
            sink=frame_directory(frames_directory) if frames_directory else None,
        )
    except UsageError:
        raise  # the request itself is wrong, for every recording
    except MeetctlError as error:
        return error


def _ignore(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def refuse_foreign_database(path: Path) -> None:
    """Check, before an audit is made, that it may be saved in this file.

    Raises:
        OutputError: Another file is there.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.refuse_foreign_file(path)


def save_audit(audit: Audit, path: Path) -> None:
    """Keep an audit's tables in a DuckDB file.

    Raises:
        OutputError: It cannot be written, or is a file that is not ours.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.save_audit(audit, path)


def export_audit(audit: Audit, directory: Path) -> None:
    """Write an audit's tables as Parquet files.

    Raises:
        OutputError: They cannot be written.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.export_parquet(audit, directory)
