"""A log or a journal in a file, as the LogSource port."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.adapters.log_files.blocks import LineChooser
from meetctl.adapters.log_files.follower import MOST_BYTES_A_POLL, LineFollower, OpenFile
from meetctl.adapters.log_files.reading import find_last_newline, find_time, read_backwards, read_blocks
from meetctl.domain.log_line import DISORDER, format_time, parse_object, peek_time
from meetctl.errors import LogError

if TYPE_CHECKING:
    from meetctl.domain.log_where import Needles

_PEEKED_BYTES = 1 << 16


class FileSource:
    """A file's lines; it is opened when it is first read."""

    can_read_backwards = True

    def __init__(self, path: Path, *, is_followed: bool = True, is_journal: bool = False) -> None:
        """Name a file.

        One that is not followed, as an old generation, only has the lines that are there; a session's journal
        has an end.
        """
        self._path = path
        self._is_journal = is_journal
        self._is_followed = is_followed
        self._file: OpenFile | None = None
        self._follower: LineFollower | None = None

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self._path)

    def open(self) -> None:
        """Open the file now, so that it may be renamed before it is read; one that has vanished is empty.

        Raises:
            LogError: It cannot be opened.
        """
        if self._file is not None or self._follower is not None:
            return
        with self._translating():
            try:
                self._file = OpenFile.open(self._path)
            except FileNotFoundError:
                # Somebody has removed it since it was found: it has no lines, and may come back.
                self._file = OpenFile.open(Path(os.devnull))

    def is_same_file(self, other: FileSource) -> bool:
        """Tell whether both, which are open, are one file under two names."""
        return self._opened().identity == other._opened().identity

    def first_time(self) -> str:
        """Return the time of the first line that has one; empty where none is found near the beginning.

        Raises:
            LogError: The file cannot be read.
        """
        was_open = self._file is not None
        descriptor = self._opened().descriptor
        with self._translating():
            beginning = os.pread(descriptor, _PEEKED_BYTES, 0)
        if not was_open:
            self.close()
        return next((time for line in beginning.split(b"\n") if (time := peek_time(line))), "")

    def lines(self, needles: Needles, *, since: str, follows: bool) -> Iterator[list[bytes]]:
        """Yield the lines that are there, in batches; see the port.

        Raises:
            LogError: The file cannot be read.
        """
        file, chooser = self._opened(), LineChooser(needles)
        with self._reading(follows):
            size = os.fstat(file.descriptor).st_size
            start = self._find_start(file, size, since)
            for block in read_blocks(file.descriptor, start, size):
                region = file.cutter.feed(block)
                start += len(block)
                if region:
                    yield chooser.choose(region)
            file.note_read(start)
            if not self._goes_on(follows) and (rest := file.cutter.flush()) and not _is_torn(rest):
                yield [rest]

    def lines_backwards(self, needles: Needles, *, follows: bool) -> Iterator[list[bytes]]:
        """Yield the lines that are there, the last one first, in batches; see the port.

        Raises:
            LogError: The file cannot be read.
        """
        file, chooser = self._opened(), LineChooser(needles)
        with self._reading(follows):
            size = os.fstat(file.descriptor).st_size
            end = find_last_newline(file.descriptor, size)
            file.note_read(end)
            rest = b"" if self._goes_on(follows) else os.pread(file.descriptor, size - end, end)
            if rest and not _is_torn(rest):
                yield [rest]
            for region in read_backwards(file.descriptor, end):
                yield chooser.choose(region)[::-1]

    def is_over(self) -> bool:
        """Tell whether the last line of a journal is the end of its session."""
        if not (self._is_followed and self._is_journal):
            return not self._is_followed
        try:
            with self._path.open("rb") as journal:
                journal.seek(max(0, journal.seek(0, os.SEEK_END) - _PEEKED_BYTES))
                end = journal.read()
        except OSError:
            # It has vanished, with its bundle.
            return True
        last = parse_object(end.rstrip(b"\n").rpartition(b"\n")[2])
        return last is not None and last.get("type") == "session.ended"

    def poll(self) -> list[bytes]:
        """Return the lines that were completed since the last call.

        Raises:
            LogError: The file cannot be read.
        """
        with self._translating():
            if not self._is_followed:
                return self._read_on()
            if self._follower is None:
                self._follower, self._file = LineFollower(self._path, self._file), None
            return self._follower.poll()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        if self._follower is not None:
            self._follower.close()
        self._file = None

    def _read_on(self) -> list[bytes]:
        """Return more of an old generation that was found too late to be read before."""
        file = self._file
        if file is None:
            return []
        region = file.read_new(MOST_BYTES_A_POLL)
        if not file.has_more():
            rest = file.cutter.flush()
            region += rest + b"\n" if rest else b""
            self.close()
        return LineChooser(()).choose(region)

    def _opened(self) -> OpenFile:
        self.open()
        if self._file is None:
            raise LogError(f"{self._path} is followed already")
        return self._file

    @contextmanager
    def _reading(self, follows: bool) -> Iterator[None]:
        """Translate errors, and let go of the file at the end unless more of it will be asked for."""
        try:
            with self._translating():
                yield
        finally:
            if not self._goes_on(follows):
                self.close()

    def _goes_on(self, follows: bool) -> bool:
        """Tell whether `poll` will be asked for more of the file."""
        return follows and self._is_followed

    def _find_start(self, file: OpenFile, size: int, since: str) -> int:
        if not since:
            return 0
        early = format_time(datetime.fromisoformat(since) - DISORDER)
        written = datetime.fromtimestamp(os.fstat(file.descriptor).st_mtime, UTC)
        if format_time(written) < early:
            return find_last_newline(file.descriptor, size)
        return find_time(file.descriptor, size, early)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = None
            if error.errno == errno.EMFILE:
                hint = "too many files are open at a time: raise the limit (ulimit -n), or name fewer"
            raise LogError(f"{self._path} cannot be read: {error.strerror or error}", hint=hint) from error


def _is_torn(rest: bytes) -> bool:
    """Tell whether this is the beginning of an object that its writer has not finished."""
    return rest.lstrip().startswith(b"{") and parse_object(rest) is None
