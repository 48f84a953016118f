"""A worker's own log in a file."""

from __future__ import annotations

import errno
import json
import logging
import os
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from meetctl.core.log_file import ENDED_WORKERS, OLDER_FILES, LogFile, open_log_file
from meetctl.core.log_format import TextFormatter
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTED = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def heard() -> Iterator[StringIO]:
    """What the log says elsewhere, as on stderr."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path / "worker.jsonl", largest_bytes=2000)
    root = logging.getLogger()
    root.addHandler(file)
    yield file
    root.removeHandler(file)
    file.close()


def lines_in(*paths: Path) -> list[str]:
    return [json.loads(line)["message"] for path in paths for line in path.read_text().splitlines()]


def test_each_record_is_a_line_for_this_user_alone(log: LogFile) -> None:
    logging.getLogger("meetctl").warning("first")
    log.note("second")
    assert lines_in(log.path) == ["first", "second"]
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_the_file_is_rotated_and_only_so_many_are_kept(log: LogFile) -> None:
    written = [f"line {number}" for number in range(200)]
    for message in written:
        logging.getLogger("meetctl").warning(message)
    generations = [log.path.with_name(f"{log.path.name}.{number}") for number in range(OLDER_FILES, 0, -1)]
    kept = lines_in(*generations, log.path)
    assert kept == written[-len(kept) :]
    assert len(kept) > 30
    assert all(path.stat().st_size <= 2000 for path in (*generations, log.path))
    assert sorted(log.path.parent.iterdir()) == sorted([*generations, log.path])


def test_a_line_larger_than_a_file_is_written_all_the_same(log: LogFile) -> None:
    for message in ("small", "large" * 1000, "small again"):
        logging.getLogger("meetctl").warning(message)
    assert lines_in(log.path.with_name("worker.jsonl.1")) == ["large" * 1000]


def test_a_full_disk_is_told_once_and_leaves_no_torn_line(
    log: LogFile, heard: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("meetctl")
    logger.warning("before")
    write, is_full = os.write, True

    def write_a_part(descriptor: int, data: bytes) -> int:
        if not is_full:
            return write(descriptor, data)
        if len(data) > 150:
            return write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write_a_part)
    for number in range(5):
        logger.warning("lost %d", number)
    assert lines_in(log.path) == ["before"]
    is_full = False
    logger.warning("after")
    assert lines_in(log.path) == ["before", "after", "6 lines could not be written to the log file"]
    assert heard.getvalue().count("the log worker.jsonl cannot be written") == 1


def test_records_after_the_end_do_no_harm(log: LogFile, heard: StringIO) -> None:
    log.close()
    logging.getLogger("meetctl").warning("late")
    log.close()
    assert heard.getvalue().count("\n") == 1


def test_workers_have_files_of_their_own(tmp_path: Path) -> None:
    first, second = (open_log_file(tmp_path / "logs", STARTED) for _ in range(2))
    name = f"worker-20261124T093000Z-{os.getpid()}"
    assert [first.path.name, second.path.name] == [f"{name}.jsonl", f"{name}-1.jsonl"]
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    first.close()
    second.close()


def test_logs_of_workers_that_ended_long_ago_are_removed_and_no_others(tmp_path: Path) -> None:
    running = open_log_file(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    for day in range(1, 21):
        open_log_file(tmp_path, datetime(2026, 2, day, tzinfo=UTC)).close()
    oldest = min(path for path in tmp_path.iterdir() if "202602" in path.name)
    oldest.with_name(f"{oldest.name}.1").touch()
    (tmp_path / "worker-notes.jsonl").touch()
    newest = open_log_file(tmp_path, datetime(2026, 3, 1, tzinfo=UTC))
    names = {path.name for path in tmp_path.iterdir()}
    assert {running.path.name, newest.path.name, "worker-notes.jsonl"} <= names
    assert len(names) == 3 + ENDED_WORKERS
    assert not [name for name in names if name.startswith(oldest.name)]
    running.close()
    newest.close()


def test_where_no_file_can_be_made_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="the worker's log cannot be kept in"):
        open_log_file(tmp_path / "taken", STARTED)
