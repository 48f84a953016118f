"""An open file read forwards from a time on, or backwards from its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

from meetctl.adapters.log_files.blocks import BLOCK_BYTES, LONGEST_LINE_BYTES
from meetctl.domain.log_line import peek_time

_FIRST_BACKWARDS_BYTES = 1 << 14
_SMALL_BYTES = 1 << 20
"""What is searched no further, but read."""


def read_blocks(file: int, start: int, end: int) -> Iterator[bytes]:
    """Yield a file's bytes from `start` to `end`; fewer where it has become shorter."""
    while start < end:
        block = os.pread(file, min(BLOCK_BYTES, end - start), start)
        if not block:
            return
        start += len(block)
        yield block


def find_last_newline(file: int, end: int) -> int:
    """Return where the last line of the first `end` bytes begins that has no newline yet."""
    while end > 0:
        start = max(0, end - _FIRST_BACKWARDS_BYTES)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def read_backwards(file: int, end: int) -> Iterator[bytes]:
    """Yield regions of whole lines of the first `end` bytes, which end with a newline, the last one first."""
    beginning = b""
    size = _FIRST_BACKWARDS_BYTES
    while end > 0:
        start = max(0, end - size)
        data = os.pread(file, end - start, start) + beginning
        # What stands before the first newline may have begun earlier.
        first = data.find(b"\n") + 1 if start > 0 and len(data) <= LONGEST_LINE_BYTES else 0
        beginning, whole = data[:first], data[first:]
        if first == 0 and start > 0 and len(data) <= LONGEST_LINE_BYTES:
            beginning, whole = data, b""
        end, size = start, min(2 * size, BLOCK_BYTES)
        if whole:
            yield whole if whole.endswith(b"\n") else whole + b"\n"


def find_time(file: int, size: int, since: str) -> int:
    """Return where a line begins that no line from `since` on stands before, near the first such line.

    The file's lines are taken to be in the order of their times, as far as they have any.
    """
    low, high = 0, size
    while high - low > _SMALL_BYTES:
        middle = (low + high) // 2
        found = _first_timed_line(file, middle, high)
        if found is None or found[1] >= since:
            high = middle
        else:
            low = found[0]
    return low


def _first_timed_line(file: int, start: int, end: int) -> tuple[int, str] | None:
    """Return where the first whole line after `start` with a time begins, and the time; None before `end`."""
    position, data = start, b""
    for block in read_blocks(file, start, end):
        data += block
        # The first one began before `start`.
        lines = data.split(b"\n")
        position_of_line = position + len(lines[0]) + 1
        for line in lines[1:-1]:
            if time := peek_time(line):
                return position_of_line, time
            position_of_line += len(line) + 1
        if len(lines) > 1:
            # The last line goes on in the next block; a newline in front keeps it from being left out.
            position, data = position_of_line - 1, b"\n" + lines[-1]
    return None
