"""What logs and journals say: the lines that are wanted, those that are there and those that come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from meetctl.domain.log_line import DISORDER, format_time, read_line
from meetctl.services.log_merge import LineStream, merge

if TYPE_CHECKING:
    from meetctl.domain.log_filter import LogFilter
    from meetctl.domain.log_line import LogLine
    from meetctl.domain.log_where import Needles
    from meetctl.ports import LogFinder, LogSource

_POLLS_A_SEARCH = 10
"""New logs are looked for less often than for new lines."""


class LogReading:
    """The wanted lines of all logs that a finder finds; call `history` first, then `poll` again and again."""

    def __init__(self, finder: LogFinder, wanted: LogFilter, *, last: int | None, follows: bool) -> None:
        """Read what `wanted` admits: all of it, or the `last` lines; `follows` if more will be polled."""
        self._finder = finder
        self._wanted = wanted
        self._test = wanted.make_test()
        self._last = last
        self._follows = follows
        self.found = 0
        """How many logs there are, after `history`."""
        self._followed: list[LogSource] = []
        self._times: dict[str, str] = {}
        self._polls = 0

    def history(self) -> Iterator[Sequence[LogLine]]:
        """Yield the lines that are there, by time, in batches.

        Raises:
            LogError: What was named is not there, or cannot be read.
        """
        sources = self._finder.find()
        if self._last is not None:
            yield self._last_lines(sources, self._last)
        else:
            needles = self._wanted.needles
            yield from merge(
                LineStream(source.first_time() if len(sources) > 1 else "", self._read(source, needles))
                for source in sources
            )
        self.found = len(sources)
        if self._follows:
            yield from map(self._follow, sources)

    def poll(self) -> list[LogLine]:
        """Return the wanted lines that came since the last call, those of all logs by time.

        Raises:
            LogError: A log cannot be read.
        """
        if self._polls % _POLLS_A_SEARCH == 0:
            self._followed += self._finder.find()
        self._polls += 1
        streams = []
        for source in list(self._followed):
            lines = self._take(source)
            if any(line.event_type == "session.ended" for line in lines) and source.is_over():
                self._followed.remove(source)
                source.close()
            wanted = list(filter(self._test.admits, lines))
            if wanted:
                streams.append(LineStream("", iter([wanted])))
        return [line for batch in merge(streams) for line in batch]

    def close(self) -> None:
        """Let go of all logs."""
        for source in self._followed:
            source.close()

    def _take(self, source: LogSource) -> list[LogLine]:
        before = self._times.get(source.name, "")
        lines = []
        for raw in source.poll():
            if raw:
                lines.append(line := read_line(raw, source.name, before))
                before = line.time
        if lines:
            self._times[source.name] = before
        return lines

    def _follow(self, source: LogSource) -> Sequence[LogLine]:
        """Follow a log unless it is over; then return what was written after it had been read."""
        if not source.is_over():
            self._followed.append(source)
            return ()
        lines = list(filter(self._test.admits, self._take(source)))
        source.close()
        return lines

    def _read(self, source: LogSource, needles: Needles) -> Iterator[list[LogLine]]:
        name, before = source.name, ""
        may_pass, passes = self._test.may_pass, self._test.passes
        end = _shift(self._wanted.until, DISORDER)
        for batch in source.lines(needles, since=self._wanted.since, follows=self._follows):
            lines = []
            for raw in batch:
                if raw and may_pass(raw):
                    line = read_line(raw, name, before)
                    before = line.time
                    if passes(line):
                        lines.append(line)
            yield lines
            if end and before >= end:
                break
        self._times[name] = before

    def _last_lines(self, sources: Sequence[LogSource], count: int) -> list[LogLine]:
        """Return the last lines of all logs: of each its own last ones are enough."""
        needles = self._wanted.needles
        streams = []
        for source in sources:
            lines: list[LogLine] = []
            if source.can_read_backwards:
                lines = self._read_backwards(source, needles, count)[::-1]
            else:
                for batch in self._read(source, needles):
                    lines = [*lines, *batch][-count:] if count else []
            streams.append(LineStream("", iter([lines])))
        merged = [line for batch in merge(streams) for line in batch]
        return merged[-count:] if count else []

    def _read_backwards(self, source: LogSource, needles: Needles, count: int) -> list[LogLine]:
        begin = _shift(self._wanted.since, -DISORDER)
        lines: list[LogLine] = []
        for line in _timed(source.lines_backwards(needles, follows=self._follows), source.name):
            if len(lines) == count or (line.time and line.time < begin):
                break
            if self._test.admits(line):
                lines.append(line)
        return lines


def _timed(batches: Iterator[Sequence[bytes]], name: str) -> Iterator[LogLine]:
    """Yield lines that come last first; one without a time has that of the one that stands before it."""
    timeless: list[LogLine] = []
    for batch in batches:
        for raw in batch:
            if not raw:
                continue
            line = read_line(raw, name)
            if not line.time:
                timeless.append(line)
                continue
            yield from (replace(later, time=line.time) for later in timeless)
            timeless.clear()
            yield line
    yield from timeless


def _shift(time: str, span: timedelta) -> str:
    return format_time(datetime.fromisoformat(time) + span) if time else ""
