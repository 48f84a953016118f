"""Logs in memory, and a finder of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meetctl.domain.log_line import peek_time

if TYPE_CHECKING:
    from meetctl.domain.log_where import Needles
    from meetctl.ports import LogSource


class FakeLog:
    """A log that a test writes to; everything is in one batch."""

    can_read_backwards = True

    def __init__(self, name: str, content: bytes = b"", *, ends: bool = False) -> None:
        self.name = name
        self.is_open = True
        self._content = content
        self._read = 0
        self._ends = ends

    def write(self, data: bytes) -> None:
        """Add to the log."""
        self._content += data

    def first_time(self) -> str:
        return next((time for line in self._content.split(b"\n") if (time := peek_time(line))), "")

    def lines(self, needles: Needles, *, since: str, follows: bool) -> Iterator[list[bytes]]:  # noqa: ARG002
        end = len(self._content) if not follows else self._content.rfind(b"\n") + 1
        whole, rest = self._cut(end)
        yield [line for line in (*whole, *([rest] if rest else [])) if _has_all(line, needles)]

    def lines_backwards(self, needles: Needles, *, follows: bool) -> Iterator[list[bytes]]:
        for batch in self.lines(needles, since="", follows=follows):
            yield batch[::-1]

    def is_over(self) -> bool:
        return self._ends and b"session.ended" in self._content

    def poll(self) -> list[bytes]:
        return self._cut(self._content.rfind(b"\n") + 1)[0]

    def close(self) -> None:
        self.is_open = False

    def _cut(self, end: int) -> tuple[list[bytes], bytes]:
        *whole, rest = self._content[self._read : end].split(b"\n")
        self._read = max(self._read, end)
        return whole, rest


class FakeFinder:
    """Finds the logs that a test has put there."""

    def __init__(self, *logs: LogSource) -> None:
        self.new: list[LogSource] = list(logs)

    def find(self) -> Sequence[LogSource]:
        found, self.new = self.new, []
        return found


def _has_all(line: bytes, needles: Needles) -> bool:
    return all(any(needle in line for needle in group) for group in needles)
