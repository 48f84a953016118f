"""A session's journal, read in pieces while it is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path


class JournalReader:
    """The bytes of a journal's file, read off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        """Return how many bytes the journal has.

        Raises:
            MediaError: It cannot be found.
        """
        try:
            return self._path.stat().st_size
        except OSError as error:
            raise self._translate(error) from error

    async def read(self, offset: int, limit: int) -> bytes:
        """Return at most `limit` bytes from `offset` on; fewer where the file ends.

        Raises:
            MediaError: It cannot be read.
        """
        return await asyncio.to_thread(self._read, offset, limit)

    def _read(self, offset: int, limit: int) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except OSError as error:
            raise self._translate(error) from error

    def _translate(self, error: OSError) -> MediaError:
        return MediaError(f"the journal {self._path} cannot be read: {error.strerror}")
