"""Logs and journals in files: read from any time on, backwards, or while they are written and rotated."""

from __future__ import annotations

from meetctl.adapters.log_files.directories import JournalFinder, NamedLogs
from meetctl.adapters.log_files.file import FileSource
from meetctl.adapters.log_files.stream import StreamSource

__all__ = ["FileSource", "JournalFinder", "NamedLogs", "StreamSource"]
