"""The sessions that run on this machine, found without reading again what was over at the last look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.domain.session_bundle import JOURNAL, sort_newest_first
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle


class DirectoryRuns:
    """The RunningSessions port on a directory of bundles; a bundle that is over is read once."""

    def __init__(
        self,
        sessions: Path,
        look_up: Callable[[Path], SessionBundle],
        is_written: Callable[[Path], bool | None],
    ) -> None:
        """Look at the bundles in `sessions`.

        `look_up` reads one, and raises MediaError where it cannot. `is_written` tells whether a journal is
        held open for writing, or raises OSError; a bundle that was running and still is, is not read again.
        """
        self._sessions = sessions
        self._look_up = look_up
        self._is_written = is_written
        self._over: set[str] = set()
        self._ran: dict[str, SessionBundle] = {}

    async def look(self) -> Sequence[SessionBundle]:
        """Return those that run, and those that have ended since the last look.

        Raises:
            MediaError: The directory cannot be read; one that is missing has no sessions.
        """
        return await asyncio.to_thread(self._look)

    def _look(self) -> Sequence[SessionBundle]:
        names = self._list()
        # What was removed may come back under its name, as an archive does.
        self._over &= names
        found = [bundle for name in names - self._over if (bundle := self._read(name)) is not None]
        self._ran = {name: bundle for name, bundle in self._ran.items() if name in names}
        return sort_newest_first(found)

    def _list(self) -> set[str]:
        try:
            with os.scandir(self._sessions) as entries:
                return {entry.name for entry in entries if not entry.name.startswith(".")}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise MediaError(f"the sessions in {self._sessions} cannot be read: {error.strerror}") from error

    def _read(self, name: str) -> SessionBundle | None:
        """Return a bundle that runs, or that ran at the last look."""
        path = self._sessions / name
        known = self._ran.get(name)
        try:
            if known is not None and known.state == "running" and self._is_written(path / JOURNAL):
                return known
            if not (path / JOURNAL).is_file():
                return None
            bundle = self._look_up(path)
        except (MediaError, OSError):
            # It has just gone.
            return None
        if bundle.is_running:
            self._ran[name] = bundle
            return bundle
        self._over.add(name)
        return bundle if name in self._ran else None
