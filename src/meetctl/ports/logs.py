"""Lines of logs, and where they are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.log_where import Needles


class LogSource(Protocol):
    """The lines of one file, from a time on, and those that are written later; each exactly once.

    A line is what stands before a newline, without it. A very long one comes in pieces.
    """

    @property
    def name(self) -> str:
        """What the source is called, such as a path."""

    @property
    def can_read_backwards(self) -> bool:
        """Whether its end can be read before its beginning, which a pipe's cannot."""

    def first_time(self) -> str:
        """Return the time of its first line that has one; empty where none is found near the beginning.

        Raises:
            LogError: It cannot be read.
        """

    def lines(self, needles: Needles, *, since: str, follows: bool) -> Iterator[Sequence[bytes]]:
        """Yield the lines that are there, in the order of writing and in batches as they are read.

        Lines that lack one of `needles` may be left out, and so may those from before `since`. What follows
        the last newline is a line too, unless the source is followed and may yet be told the rest.

        Raises:
            LogError: It cannot be read.
        """

    def lines_backwards(self, needles: Needles, *, follows: bool) -> Iterator[Sequence[bytes]]:
        """Yield the lines that are there, the last one first; `poll` goes on after it.

        Lines that lack one of `needles` may be left out.

        Raises:
            LogError: It cannot be read.
        """

    def is_over(self) -> bool:
        """Tell whether nothing will be written any more, as after a session's end."""

    def poll(self) -> Sequence[bytes]:
        """Return the lines that were completed since the last call, however the file was rotated meanwhile.

        Raises:
            LogError: It cannot be read.
        """

    def close(self) -> None:
        """Let go of it; a second call does nothing."""


class LogFinder(Protocol):
    """Which logs and journals there are."""

    def find(self) -> Sequence[LogSource]:
        """Return the sources that no call has returned before.

        Raises:
            LogError: What was named is not there.
        """
