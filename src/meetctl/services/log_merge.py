"""Lines of many logs in the order of their times, with only a few of the logs open at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.log_line import LogLine


@dataclass(slots=True)
class LineStream:
    """The lines of one log in the order of writing, in batches; nothing is read before it is needed."""

    first_time: str
    """No line is older; empty where that is not known."""
    batches: Iterator[Sequence[LogLine]]
    _lines: Sequence[LogLine] = field(default=(), init=False)
    _place: int = field(default=0, init=False)

    @property
    def time(self) -> str:
        """The time of the next line."""
        return self._lines[self._place].time

    def has_line(self) -> bool:
        """Tell whether there is a next line; read on where needed."""
        while self._place >= len(self._lines):
            batch = next(self.batches, None)
            if batch is None:
                return False
            self._lines, self._place = batch, 0
        return True

    def take(self, until: str | None) -> Sequence[LogLine]:
        """Return the lines that were read and come next: all, or those up to a time, but at least one."""
        start, end = self._place, len(self._lines)
        if until is not None:
            place = start + 1
            while place < end and self._lines[place].time <= until:
                place += 1
            end = place
        self._place = end
        return self._lines[start:end]


def merge(streams: Iterable[LineStream]) -> Iterator[Sequence[LogLine]]:
    """Yield the lines of all streams by time, in batches.

    Lines of one stream stay in its order, even where their times do not rise. Of equal times the stream that
    is named first comes first.
    """
    waiting = sorted(enumerate(streams), key=lambda item: item[1].first_time, reverse=True)
    running: list[tuple[str, int, LineStream]] = []
    while waiting or running:
        while waiting and (not running or waiting[-1][1].first_time <= running[0][0]):
            place, stream = waiting.pop()
            if stream.has_line():
                heapq.heappush(running, (stream.time, place, stream))
        if not running:
            continue
        _, place, stream = heapq.heappop(running)
        limits = [running[0][0]] if running else []
        limits += [waiting[-1][1].first_time] if waiting else []
        yield stream.take(min(limits, default=None))
        if stream.has_line():
            heapq.heappush(running, (stream.time, place, stream))
