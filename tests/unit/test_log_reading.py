from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.log_source import FakeFinder, FakeLog

from meetctl.domain.log_filter import LogFilter
from meetctl.domain.log_line import LogLine
from meetctl.services.log_merge import LineStream, merge
from meetctl.services.log_reading import LogReading

if TYPE_CHECKING:
    from collections.abc import Iterator


def line(second: int, text: str = "", *, session: str | None = None) -> bytes:
    time = f"2026-11-24T09:{second // 60:02}:{second % 60:02}.000000Z"
    document = {"ts": time, "level": "info", "message": text or str(second), "session_id": session}
    return json.dumps(document).encode() + b"\n"


def messages(lines: list[LogLine]) -> list[str]:
    return [item.document["message"] if item.document else item.text for item in lines]


def read(
    *logs: FakeLog, wanted: LogFilter | None = None, last: int | None = None, follows: bool = False
) -> list[str]:
    reading = LogReading(FakeFinder(*logs), wanted or LogFilter(), last=last, follows=follows)
    return messages([item for batch in reading.history() for item in batch])


def test_lines_of_several_logs_come_by_time() -> None:
    first = FakeLog("a", line(1) + line(4) + line(5))
    second = FakeLog("b", line(2) + line(3) + line(6))
    assert read(first, second) == ["1", "2", "3", "4", "5", "6"]


def test_a_line_without_a_time_stays_with_the_one_before_it() -> None:
    first = FakeLog("a", line(1) + b"Traceback\n  at once\n" + line(5))
    second = FakeLog("b", line(1, "other") + line(3))
    assert read(first, second) == ["1", "Traceback", "  at once", "other", "3", "5"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [(0, []), (1, ["5"]), (3, ["at once", "3", "5"]), (9, ["1", "at once", "3", "5"])],
)
def test_the_last_lines_are_those_of_all_logs(last: int, expected: list[str]) -> None:
    logs = (FakeLog("a", line(1) + b"at once\n" + line(5)), FakeLog("b", line(3)))
    assert read(*logs, last=last) == expected


@pytest.mark.parametrize("can_read_backwards", [True, False])
def test_the_last_lines_are_those_that_are_wanted(can_read_backwards: bool) -> None:
    log = FakeLog("a", b"".join(line(second) for second in range(60)))
    log.can_read_backwards = can_read_backwards
    wanted = LogFilter(patterns=(re.compile('"[0-9]*5"'),), until="2026-11-24T09:00:50.000000Z")
    assert read(log, wanted=wanted, last=2) == ["35", "45"]


def test_from_a_time_until_another() -> None:
    log = FakeLog("a", b"".join(line(second) for second in range(0, 600, 10)))
    wanted = LogFilter(since="2026-11-24T09:01:00.000000Z", until="2026-11-24T09:01:30.000000Z")
    assert read(log, wanted=wanted) == ["60", "70", "80"]


def test_blank_lines_are_none() -> None:
    assert read(FakeLog("a", b"\n" + line(1) + b"\n\n")) == ["1"]


def follow(*logs: FakeLog) -> tuple[LogReading, FakeFinder]:
    finder = FakeFinder(*logs)
    reading = LogReading(finder, LogFilter(), last=1, follows=True)
    assert len([item for batch in reading.history() for item in batch]) == min(1, len(logs))
    return reading, finder


def test_what_comes_is_polled_by_time_and_once() -> None:
    first, second = FakeLog("a", line(1)), FakeLog("b", line(2))
    reading, _ = follow(first, second)
    assert messages(reading.poll()) == []
    second.write(line(4) + b"torn")
    first.write(line(3) + line(5))
    assert messages(reading.poll()) == ["3", "4", "5"]
    second.write(b" no more\n")
    assert messages(reading.poll()) == ["torn no more"]
    assert messages(reading.poll()) == []


def test_logs_that_come_later_are_followed_from_their_beginning() -> None:
    reading, finder = follow(FakeLog("a", line(1)))
    finder.new.append(FakeLog("b", line(2) + line(3)))
    assert [message for _ in range(20) for message in messages(reading.poll())] == ["2", "3"]


def test_a_session_that_has_ended_is_let_go() -> None:
    end = json.dumps({"seq": 1, "type": "session.ended", "message": "end"}).encode() + b"\n"
    ended, running = FakeLog("a", line(1) + end, ends=True), FakeLog("b", line(2), ends=True)
    reading, _ = follow(ended, running)
    assert (ended.is_open, running.is_open) == (False, True)
    running.write(end)
    assert messages(reading.poll()) == ["end"]
    assert not running.is_open


def test_what_a_session_writes_last_while_others_are_read_is_not_lost() -> None:
    end = json.dumps({"seq": 1, "type": "session.ended", "message": "end"}).encode() + b"\n"
    log = FakeLog("a", line(1), ends=True)
    reading = LogReading(FakeFinder(log), LogFilter(), last=None, follows=True)
    history = reading.history()
    assert messages([*next(history)]) == ["1"]
    log.write(end)
    assert messages([item for batch in history for item in batch]) == ["end"]
    assert not log.is_open


def test_closing_lets_go_of_all() -> None:
    log = FakeLog("a", line(1))
    reading, _ = follow(log)
    reading.close()
    assert not log.is_open


def streams(times: list[list[list[int]]]) -> list[LineStream]:
    return [
        LineStream(
            min((f"{time:02}" for batch in batches for time in batch), default=""),
            iter(
                [
                    [
                        LogLine(b"", None, f"{time:02}", f"{place}:{number}:{index}")
                        for index, time in enumerate(batch)
                    ]
                    for number, batch in enumerate(batches)
                ]
            ),
        )
        for place, batches in enumerate(times)
    ]


@given(st.lists(st.lists(st.lists(st.integers(0, 20), max_size=4), max_size=3), max_size=4), st.booleans())
def test_merging_loses_nothing_and_keeps_each_order(times: list[list[list[int]]], are_sorted: bool) -> None:
    if are_sorted:
        for batches in times:
            ordered = iter(sorted(time for batch in batches for time in batch))
            batches[:] = [[next(ordered) for _ in batch] for batch in batches]
    merged = [item for batch in merge(streams(times)) for item in batch]
    of_each = [[item.source for batch in stream.batches for item in batch] for stream in streams(times)]
    for place, sources in enumerate(of_each):
        assert [item.source for item in merged if item.source.startswith(f"{place}:")] == sources
    assert len(merged) == sum(map(len, of_each))
    if are_sorted:
        assert [item.time for item in merged] == sorted(item.time for item in merged)


def test_a_log_is_not_read_before_its_time_has_come() -> None:
    begun: list[str] = []

    def batches(name: str, *times: str) -> Iterator[list[LogLine]]:
        begun.append(name)
        yield [LogLine(b"", None, time, name) for time in times]

    late = LineStream("5", batches("late", "5"))
    early = LineStream("1", batches("early", "1", "2"))
    merged = merge([late, early])
    assert [item.source for item in next(merged)] == ["early", "early"]
    assert begun == ["early"]
    assert [item.source for batch in merged for item in batch] == ["late"]
