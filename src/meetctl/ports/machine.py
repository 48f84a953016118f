"""What the doctor asks of this machine, a server's clock, and the ways of media."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.diagnosis import MediaPaths


class MediaProbe(Protocol):
    """Finds out which ways media can go between here and a LiveKit server."""

    async def find_paths(self, room: str) -> MediaPaths:
        """Join a room for a moment, hidden and without publishing anything, and return the ways there.

        Raises:
            ServiceError: The server cannot be reached, or refuses us.
        """


class RemoteClock(Protocol):
    """The time of another machine."""

    async def now(self) -> datetime | None:
        """Return its time to the second, aware and in UTC; None where it does not tell.

        Raises:
            ServiceError: It cannot be reached.
        """


class Machine(Protocol):
    """What this machine has."""

    def free_bytes(self, directory: Path) -> int:
        """Return how much space there is for a directory, which need not exist yet.

        Raises:
            OutputError: It cannot be written to.
        """

    def missing_codecs(self) -> tuple[str, ...]:
        """Return what PyAV lacks of what recordings are written with and read by, in words."""
