"""Which logs and journals there are: on this machine, or where the user says."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.adapters.log_files.file import FileSource
from meetctl.adapters.log_files.stream import StreamSource
from meetctl.errors import LogError

if TYPE_CHECKING:
    from meetctl.ports import LogSource

STDIN = "-"
_GENERATION = re.compile(r"(?P<base>.+)\.(?P<number>\d+)")
_LOGS = (".jsonl", ".log", ".json")


class JournalFinder:
    """The journals of a directory of sessions, and the logs of this machine's workers."""

    def __init__(self, sessions: Path, journal: str, logs: Path | None) -> None:
        """Look for `journal` in each directory of `sessions`, and for logs in `logs`."""
        self._sessions = sessions
        self._journal = journal
        self._logs = logs
        self._known: set[str] = set()

    def find(self) -> list[LogSource]:
        """Return what has come since the last call; a directory that is not there is empty."""
        found: list[LogSource] = []
        for name in _names(self._sessions):
            path = self._sessions / name / self._journal
            if str(path) not in self._known and _is_file(path):
                found.append(FileSource(path, is_journal=True))
        if self._logs is not None:
            found += _open_logs(self._logs, self._known)
        self._known |= {source.name for source in found}
        return found


class NamedLogs:
    """Files, bundles and directories of logs that a user names; what comes into a directory later, too."""

    def __init__(self, paths: Sequence[Path], journal: str) -> None:
        self._paths = paths
        self._journal = journal
        self._has_begun = False
        self._known: set[str] = set()

    def find(self) -> list[LogSource]:
        """Return what no call has returned before.

        Raises:
            LogError: One of them is not there, or a directory has no logs.
        """
        found: dict[str, LogSource] = {}
        for path in self._paths:
            try:
                sources = self._sources_of(path)
            except LogError:
                if self._has_begun:
                    # It was there before, and may come back.
                    continue
                raise
            if not sources and not self._has_begun:
                raise LogError(f"{path} has no logs", hint="a log ends in .jsonl or .log; name other files")
            for source in sources:
                if source.name not in self._known:
                    found.setdefault(source.name, source)
        self._has_begun = True
        self._known |= found.keys()
        return list(found.values())

    def _sources_of(self, path: Path) -> list[LogSource]:
        if str(path) == STDIN:
            return [StreamSource("stdin", 0)]
        if str(path) in self._known:
            return []
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise LogError(f"{path} cannot be read: {error.strerror}") from error
        if not stat.S_ISDIR(mode):
            return [_source_of_file(path, mode)]
        journal = path / self._journal
        if _is_file(journal):
            return [FileSource(journal, is_journal=True)]
        inner = [path / name / self._journal for name in _names(path)]
        journals: list[LogSource] = [
            FileSource(found, is_journal=True)
            for found in inner
            if str(found) not in self._known and _is_file(found)
        ]
        return [*journals, *_open_logs(path, self._known)]


def _source_of_file(path: Path, mode: int) -> LogSource:
    if stat.S_ISREG(mode):
        source = FileSource(path)
        source.open()
        return source
    try:
        return StreamSource(str(path), os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}") from error


def _open_logs(directory: Path, known: set[str]) -> list[LogSource]:
    """Return a directory's logs and, where they are new, their older generations.

    A log is opened before its generations are listed: one that is rotated meanwhile is then the file that is
    open already, and no generation is missed or met twice.
    """
    found: list[LogSource] = []
    bases = [name for name in _names(directory) if name.endswith(_LOGS)]
    for base in bases:
        if str(directory / base) in known:
            continue
        source = FileSource(directory / base)
        try:
            source.open()
            generations = _open_generations(directory, base, source)
        except LogError:
            # Removed between listing and opening, or not ours to read.
            continue
        found += [*generations, source]
    return found


def _open_generations(directory: Path, base: str, newest: FileSource) -> list[FileSource]:
    generations = []
    for name in _names(directory):
        match = _GENERATION.fullmatch(name)
        if match and match["base"] == base:
            older = FileSource(directory / name, is_followed=False)
            older.open()
            if older.is_same_file(newest):
                older.close()
            else:
                generations.append(older)
    return generations


def _is_file(path: Path) -> bool:
    """Tell whether there is a file that we may look at; what is another user's is none of ours."""
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except OSError:
        return False


def _names(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir())
    except OSError:
        return []
