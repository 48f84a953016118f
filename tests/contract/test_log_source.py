"""What every log promises, held against the fake and the real one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.fakes.log_source import FakeLog

from meetctl.adapters.log_files import FileSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from meetctl.domain.log_where import Needles
    from meetctl.ports import LogSource


class Desk:
    """A log, and a writer of it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._fake = FakeLog("a.jsonl", ends=True)
        if path is not None:
            path.touch()
        self.source: LogSource = self._fake if path is None else FileSource(path, is_journal=True)

    def write(self, data: bytes) -> None:
        if self._path is None:
            self._fake.write(data)
        else:
            with self._path.open("ab") as file:
                file.write(data)

    def batches(
        self, needles: Needles = (), *, since: str = "", follows: bool = False
    ) -> Iterator[Sequence[bytes]]:
        return self.source.lines(needles, since=since, follows=follows)

    def lines(self, needles: Needles = (), *, since: str = "", follows: bool = False) -> list[bytes]:
        return [line for batch in self.batches(needles, since=since, follows=follows) for line in batch]

    def backwards(self, needles: Needles = (), *, follows: bool = False) -> list[bytes]:
        batches = self.source.lines_backwards(needles, follows=follows)
        return [line for batch in batches for line in batch]


@pytest.fixture(params=["fake", "file"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(None if request.param == "fake" else tmp_path / "a.jsonl")
    yield made
    made.source.close()


def test_lines_come_in_order_without_their_ends(desk: Desk) -> None:
    desk.write(b"one\ntwo\r\n\nthree\n")
    assert desk.lines() == [b"one", b"two\r", b"", b"three"]


def test_the_last_line_needs_no_end(desk: Desk) -> None:
    desk.write(b"one\ntwo")
    assert desk.lines() == [b"one", b"two"]


def test_backwards_is_the_other_way_round(desk: Desk) -> None:
    desk.write(b"one\ntwo\nthree\n")
    assert desk.backwards() == [b"three", b"two", b"one"]


def test_an_empty_log_has_no_lines(desk: Desk) -> None:
    assert desk.source.first_time() == ""
    assert desk.lines(follows=True) == []
    assert desk.source.poll() == []


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_written_later_is_polled_once(desk: Desk, backwards: bool) -> None:
    desk.write(b"one\ntw")
    read = desk.backwards if backwards else desk.lines
    assert read(follows=True) == [b"one"]
    assert desk.source.poll() == []
    desk.write(b"o\nthree\nfo")
    assert desk.source.poll() == [b"two", b"three"]
    desk.write(b"ur\n")
    assert desk.source.poll() == [b"four"]
    assert desk.source.poll() == []


def test_a_log_may_be_polled_without_having_been_read(desk: Desk) -> None:
    desk.write(b"one\n")
    assert desk.source.poll() == [b"one"]


@pytest.mark.parametrize("backwards", [False, True])
def test_no_line_is_left_out_that_has_one_needle_of_each_group(desk: Desk, backwards: bool) -> None:
    desk.write(b"a x\nb y\na y\nb x\nc z\na\n")
    needles = ((b"a", b"b"), (b"y",))
    found = desk.backwards(needles) if backwards else desk.lines(needles)
    assert set(found) >= {b"b y", b"a y"}


def test_no_line_is_left_out_from_a_time_on(desk: Desk) -> None:
    times = [f"2026-11-24T09:{minute:02}:00.000000Z" for minute in range(60)]
    written = [json.dumps({"ts": time, "level": "info"}).encode() for time in times]
    desk.write(b"\n".join(written) + b"\n")
    assert set(desk.lines(since=times[30])) >= set(written[30:])


def test_the_first_time_is_that_of_the_first_line_with_one(desk: Desk) -> None:
    desk.write(b'starting\n{"ts": "2026-11-24T09:00:00.000000Z"}\n')
    assert desk.source.first_time() == "2026-11-24T09:00:00.000000Z"


def test_a_journal_is_over_with_its_session(desk: Desk) -> None:
    desk.write(b'{"v":1,"seq":0,"type":"session.started"}\n')
    assert not desk.source.is_over()
    desk.write(b'{"v":1,"seq":1,"type":"session.ended"}\n')
    assert desk.source.is_over()


def test_closing_twice_does_no_harm(desk: Desk) -> None:
    desk.write(b"one\n")
    process = psutil.Process()
    before = process.open_files()
    assert desk.lines(follows=True) == [b"one"]
    desk.source.close()
    desk.source.close()
    assert process.open_files() == before


def test_a_file_that_was_read_is_let_go(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a.jsonl")
    desk.write(b"one\ntwo\n")
    process = psutil.Process()
    for read in (desk.lines, desk.backwards, desk.source.first_time, lambda: next(iter(desk.batches()))):
        read()
        assert [file.path for file in process.open_files() if file.path.endswith("a.jsonl")] == []
