"""One file followed under its name: what is written to it, while it is rotated, truncated or removed."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from meetctl.adapters.log_files.blocks import BLOCK_BYTES, LineChooser, LineCutter

MOST_BYTES_A_POLL = 1 << 24
"""More than this waits for the next call, so that memory stays flat however far behind we are."""

_GUARD_BYTES = 256
"""How much of what was read last must still stand where it stood, or the file was written anew."""

_PATIENCE_POLLS = 100
"""How often a file that lost its name is looked at in vain, before nobody is thought to write to it."""

_MOST_GENERATIONS = 1000

Identity = tuple[int, int]
"""Device and inode: which file it is, whatever it is called."""


@dataclass(slots=True)
class OpenFile:
    """A file, how far it has been read, and what of its last line."""

    descriptor: int
    offset: int = 0
    cutter: LineCutter = field(default_factory=LineCutter)
    quiet_polls: int = 0
    _guard: bytes = b""
    _looked: tuple[int, int] = (-1, -1)

    @classmethod
    def open(cls, path: Path) -> OpenFile:
        """Open a file to read it from its beginning.

        Raises:
            OSError: It cannot be opened.
        """
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    @property
    def identity(self) -> Identity:
        """Which file it is."""
        status = os.fstat(self.descriptor)
        return (status.st_dev, status.st_ino)

    def note_read(self, offset: int) -> None:
        """Take everything before `offset` for read, and what the cutter holds for its end."""
        self.offset = offset
        guarded = min(offset, _GUARD_BYTES)
        self._guard = os.pread(self.descriptor, guarded, offset - guarded)

    def read_new(self, limit: int) -> bytes:
        """Return the lines completed since the last call, each with its newline; about `limit` bytes."""
        status = os.fstat(self.descriptor)
        look = (status.st_size, status.st_mtime_ns)
        if look == self._looked and status.st_size == self.offset:
            self.quiet_polls += 1
            return b""
        self._looked = look
        before, regions = self.offset, []
        while self.offset - before < limit:
            guarded = len(self._guard)
            data = os.pread(self.descriptor, guarded + BLOCK_BYTES, self.offset - guarded)
            if data[:guarded] != self._guard:
                # The writer begins anew; what it had begun to write stays a line of its own.
                regions.append(_closed(self.cutter.flush()))
                self.note_read(0)
                before = 0
                continue
            if len(data) == guarded:
                break
            self.offset += len(data) - guarded
            self._guard = data[-_GUARD_BYTES:]
            regions.append(self.cutter.feed(data[guarded:]))
        self.quiet_polls = 0 if regions else self.quiet_polls + 1
        return b"".join(regions)

    def has_more(self) -> bool:
        """Tell whether there is something left to read."""
        return os.fstat(self.descriptor).st_size > self.offset

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


class LineFollower:
    """Follows a file's name, as `tail -F` does, by looking at it again and again.

    A file that is renamed is read to its end, also where its writer goes on in it for a while, and so are the
    generations between it and the one that has its name now (`NAME.1`, `NAME.2` …), unless the one that was
    being read has been removed meanwhile. A file that is truncated is read from its beginning, also where it
    has grown beyond its old size before anybody looked.
    """

    def __init__(self, path: Path, current: OpenFile | None) -> None:
        """Follow `path`; `current` is the file that has the name now, None where there is none yet."""
        self._path = path
        self._current = current
        self._leaving: list[OpenFile] = []
        self._all = LineChooser(())

    def poll(self) -> list[bytes]:
        """Return the lines that were completed since the last call.

        Raises:
            OSError: The file cannot be read.
        """
        regions = [self._read_leaving()]
        if self._current is not None:
            regions.append(self._current.read_new(MOST_BYTES_A_POLL))
        if self._current is None or not self._current.has_more():
            regions.append(self._take_successor())
        return self._all.choose(b"".join(regions))

    def close(self) -> None:
        """Let go of all files."""
        for file in (*self._leaving, *([self._current] if self._current else ())):
            file.close()
        self._leaving, self._current = [], None

    def _read_leaving(self) -> bytes:
        """Read on in files that have lost their name, until nobody writes to them any more."""
        regions = []
        for file in list(self._leaving):
            regions.append(file.read_new(MOST_BYTES_A_POLL))
            if file.quiet_polls >= _PATIENCE_POLLS:
                regions.append(_closed(file.cutter.flush()))
                file.close()
                self._leaving.remove(file)
        return b"".join(regions)

    def _take_successor(self) -> bytes:
        """Go on with the file that has the name now, if it is another one, and with what came between."""
        try:
            status = self._path.stat()
            if self._current is not None and (status.st_dev, status.st_ino) == self._current.identity:
                return b""
            successor = OpenFile.open(self._path)
        except OSError:
            # Between two generations there may be none; it comes, or it never does.
            return b""
        regions = []
        if self._current is not None:
            # Between our last look and the renaming more may have been written.
            regions.append(self._current.read_new(MOST_BYTES_A_POLL))
            for between in self._generations_since(self._current.identity, successor.identity):
                regions += [between.read_new(MOST_BYTES_A_POLL)]
                self._leaving.append(between)
            self._leaving.insert(0, self._current)
        self._current = successor
        regions.append(successor.read_new(MOST_BYTES_A_POLL))
        return b"".join(regions)

    def _generations_since(self, known: Identity, newest: Identity) -> list[OpenFile]:
        """Return the generations that came and went unseen, the oldest first."""
        between: list[OpenFile] = []
        missing = 0
        for number in range(1, _MOST_GENERATIONS):
            try:
                file = OpenFile.open(self._path.with_name(f"{self._path.name}.{number}"))
            except OSError:
                # While they are renamed one after the other, one name is free.
                missing += 1
                if missing > 1:
                    break
                continue
            if file.identity == known:
                file.close()
                return between[::-1]
            if file.identity == newest:
                file.close()
                continue
            between.append(file)
        # Ours has another name, or none any more: what the others hold may be older than it.
        for file in between:
            with suppress(OSError):
                file.close()
        return []


def _closed(rest: bytes) -> bytes:
    return rest + b"\n" if rest else b""
