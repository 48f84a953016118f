"""The sessions of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.state import SessionState


class SessionCatalogue(Protocol):
    """The sessions' bundles on this machine."""

    def list_sessions(self) -> Sequence[SessionBundle]:
        """Return all bundles, newest first; one that is broken says how.

        Raises:
            MediaError: The place where they are kept cannot be read.
        """

    def look_up(self, path: Path) -> SessionBundle:
        """Return the bundle in a directory, which may lie elsewhere.

        Raises:
            MediaError: There is no bundle.
        """

    def read_events(self, bundle: SessionBundle) -> Iterator[Event | None]:
        """Yield its journal's events, up to where it was when the bundle was looked at; None for a bad line.

        Raises:
            MediaError: The journal cannot be read.
        """


class RunningSessions(Protocol):
    """The sessions of this machine that run; made to be asked again and again."""

    async def look(self) -> Sequence[SessionBundle]:
        """Return those that run, or may run, and those that have ended since the last look, newest first.

        The first look returns none that had ended before.

        Raises:
            MediaError: The place where they are kept cannot be read.
        """


class SessionPruner(Protocol):
    """Removes sessions from this machine; whatever interrupts it, each is whole, reduced or gone."""

    def clear_leftovers(self, tell: Callable[[str], None]) -> int:
        """Remove what an interrupted prune left, and return of how many sessions nothing is left now.

        Of those that cannot be removed `tell` is told.
        """

    def remove(self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool]) -> bool:
        """Remove a session; False where it is in use, has gone, or is no longer wanted as it is by then.

        Raises:
            OutputError: It cannot be removed.
        """

    def reduce(
        self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool], *, now: datetime
    ) -> bool:
        """Remove its recording and what people said, and keep what it cost; False as `remove` says.

        Raises:
            OutputError: It cannot be written or removed.
        """


class SessionStates(Protocol):
    """What sessions have come to so far, as far as this machine knows."""

    async def read(self, session_id: str) -> SessionState | None:
        """Return a session's state now; None where its journal is not on this machine."""
