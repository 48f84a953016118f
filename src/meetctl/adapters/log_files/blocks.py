"""Lines in blocks of bytes: cut at newlines, and chosen without looking at each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.log_where import Needles

BLOCK_BYTES = 1 << 18
"""How much is read at a time: the calls cost nothing, and many files may be read at once."""

LONGEST_LINE_BYTES = 1 << 22
"""A longer line is told in pieces of this size, so that a file without newlines fills no memory."""


_FEW = 3
"""So many needles are looked for one by one, which is as fast as reading; more by one pattern."""


class LineCutter:
    """Cuts what is read, wherever the blocks begin and end, into whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """What stands after the last newline so far."""
        return self._rest

    def feed(self, block: bytes) -> bytes:
        """Take the next bytes, and return the lines that are complete now, each with its newline."""
        data = self._rest + block if self._rest else block
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(data) <= LONGEST_LINE_BYTES:
            return data[:end]
        lines = data[:end].split(b"\n")[:-1]
        pieces = [piece for line in lines for piece in _pieces(line)]
        *whole, self._rest = _pieces(self._rest)
        return b"".join(piece + b"\n" for piece in (*pieces, *whole))

    def flush(self) -> bytes:
        """Return what stands after the last newline as a line without one, and begin anew."""
        rest, self._rest = self._rest, b""
        return rest


class LineChooser:
    """Chooses the lines of a region that contain what is looked for, skipping the others unseen."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._ordered = False

    def choose(self, region: bytes) -> list[bytes]:
        """Return the lines, without their newlines, that have one needle of each group."""
        if not self._needles:
            return region.split(b"\n")[:-1]
        if not self._ordered:
            # What is rare in the first region most likely is so in the others.
            counts = {group: sum(map(region.count, group)) for group in self._needles}
            self._needles = tuple(sorted(self._needles, key=counts.__getitem__))
            self._ordered = True
        rarest, *others = self._needles
        lines = _lines_with(region, rarest)
        for group in others:
            lines = [line for line in lines if any(needle in line for needle in group)]
        return lines


def _lines_with(region: bytes, needles: Sequence[bytes]) -> list[bytes]:
    """Return the lines that contain any of the needles, by jumping from one to the next."""
    if len(needles) > _FEW:
        return _lines_matching(region, re.compile(b"|".join(map(re.escape, needles))))
    lines: list[bytes] = []
    places = {needle: place for needle in needles if (place := region.find(needle)) >= 0}
    while places:
        place = min(places.values())
        start = region.rfind(b"\n", 0, place) + 1
        end = region.index(b"\n", place)
        lines.append(region[start:end])
        for needle in [needle for needle, at in places.items() if at < end]:
            found = region.find(needle, end)
            if found < 0:
                del places[needle]
            else:
                places[needle] = found
    return lines


def _lines_matching(region: bytes, pattern: re.Pattern[bytes]) -> list[bytes]:
    lines: list[bytes] = []
    end = 0
    while (found := pattern.search(region, end)) is not None:
        start = region.rfind(b"\n", 0, found.start()) + 1
        end = region.index(b"\n", found.start())
        lines.append(region[start:end])
    return lines


def _pieces(line: bytes) -> list[bytes]:
    """Return a line in pieces that are not too long; an empty one is one empty piece."""
    return [line[at : at + LONGEST_LINE_BYTES] for at in range(0, max(1, len(line)), LONGEST_LINE_BYTES)]
