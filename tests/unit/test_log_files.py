"""Reading and following real files, however they are written, cut and rotated."""

from __future__ import annotations

import os
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from meetctl.adapters.log_files import FileSource, JournalFinder, NamedLogs, blocks, reading
from meetctl.adapters.log_files.blocks import LONGEST_LINE_BYTES, LineChooser, LineCutter
from meetctl.adapters.log_files.follower import LineFollower
from meetctl.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.ports import LogSource

OLDEST_GENERATION = 6


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_where_blocks_are_cut(data: bytes, cuts: list[int]) -> None:
    cutter = LineCutter()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    regions = [cutter.feed(data[start:end]) for start, end in pairwise(places)]
    assert b"".join(regions) + cutter.flush() == data


@pytest.mark.parametrize("size", [1000, 1 << 20, LONGEST_LINE_BYTES])
def test_a_very_long_line_comes_in_pieces_wherever_blocks_are_cut(size: int) -> None:
    line = b"x" * (2 * LONGEST_LINE_BYTES + 5)
    data = b"short\n" + line + b"\nshort\n"
    cutter = LineCutter()
    regions = [cutter.feed(data[at : at + size]) for at in range(0, len(data), size)]
    lines = b"".join(regions).split(b"\n")
    assert [len(piece) for piece in lines] == [5, LONGEST_LINE_BYTES, LONGEST_LINE_BYTES, 5, 5, 0]


LINES = st.lists(st.text("abc", max_size=4).map(str.encode), max_size=12)
GROUPS = st.lists(
    st.lists(st.text("abc", min_size=1, max_size=2).map(str.encode), min_size=1, max_size=5).map(tuple),
    max_size=3,
)


@given(LINES, GROUPS)
def test_chosen_lines_are_those_with_a_needle_of_each_group(
    lines: list[bytes], groups: list[tuple[bytes, ...]]
) -> None:
    region = b"".join(line + b"\n" for line in lines)
    expected = [line for line in lines if all(any(needle in line for needle in group) for group in groups)]
    assert LineChooser(tuple(groups)).choose(region) == expected


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30))
def test_backwards_gives_the_same_lines(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        # Blocks of a few bytes, so that lines are cut by them.
        patch.setattr(reading, "_FIRST_BACKWARDS_BYTES", 7)
        patch.setattr(reading, "BLOCK_BYTES", 11)
        path = Path(directory) / "log"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        source = FileSource(path)
        backwards = [line for batch in source.lines_backwards((), follows=False) for line in batch]
    assert backwards == lines[::-1]


def timed(second: int, filling: int) -> bytes:
    time = f"2026-11-24T09:{second // 60:02}:{second % 60:02}.000000Z"
    return b'{"ts": "%b", "message": "%b"}' % (time.encode(), b"x" * filling)


@settings(max_examples=30)
@given(st.integers(0, 3599), st.lists(st.integers(0, 400), min_size=8, max_size=8), st.booleans())
def test_reading_from_a_time_on_skips_nothing_and_reads_little(
    since: int, fillings: list[int], has_text: bool
) -> None:
    lines = [timed(second, fillings[second % 8]) for second in range(3600)]
    content = b"".join(line + (b"\nno time here\n" if has_text else b"\n") for line in lines)
    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_SMALL_BYTES", 3000)
        patch.setattr(reading, "BLOCK_BYTES", 64)
        file.write(content)
        file.flush()
        wanted = f"2026-11-24T09:{since // 60:02}:{since % 60:02}.000000Z"
        start = reading.find_time(file.fileno(), len(content), wanted)
    place = content.index(lines[since])
    assert start <= place
    assert place - start <= 3000 + 64 * 10
    assert start == 0 or content[start - 1 : start] == b"\n"


def test_a_file_without_times_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "plain.log"
    path.write_bytes(b"no time\n" * 400_000)
    lines = FileSource(path).lines((), since="2026-11-24T09:00:00.000000Z", follows=False)
    assert sum(len(batch) for batch in lines) == 400_000


class RotatedLog(RuleBasedStateMachine):
    """A log whose writer cuts its lines anywhere, and which is rotated and truncated in every way we know.

    Each line has a number, and each must come once and in order. What is truncated before anybody looked is
    lost by whoever truncates it, so there we look before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="meetctl-log-"))
        self.path = self.directory / "worker.jsonl"
        self.path.touch()
        self.follower = LineFollower(self.path, None)
        self.writer = self.path.open("ab", buffering=0)
        self.written = 0
        self.torn = b""
        self.unseen_generations = 0
        self.seen: list[bytes] = []

    def teardown(self) -> None:
        try:
            self.end_line()
            for _ in range(3):
                self.look()
        finally:
            self.follower.close()
            self.writer.close()
            shutil.rmtree(self.directory)
        assert self.seen == [self.line(number) for number in range(self.written)]

    def line(self, number: int) -> bytes:
        # As in a real log, no two stretches of some length are alike.
        return b"line " + b"%d," % number * (number % 7 * 12 + 1)

    @initialize()
    def begin(self) -> None:
        self.look()

    @rule()
    def look(self) -> None:
        self.seen += self.follower.poll()
        self.unseen_generations = 0

    @rule(count=st.integers(1, 30))
    def write_lines(self, count: int) -> None:
        self.end_line()
        numbers = range(self.written, self.written + count)
        self.writer.write(b"".join(self.line(number) + b"\n" for number in numbers))
        self.written += count

    @rule(part=st.floats(0, 1))
    def write_a_part(self, part: float) -> None:
        self.end_line()
        line = self.line(self.written) + b"\n"
        cut = max(1, int(part * len(line)))
        self.writer.write(line[:cut])
        self.torn = line[cut:]
        self.written += 1

    @rule()
    def end_line(self) -> None:
        self.writer.write(self.torn)
        self.torn = b""

    @rule()
    def rename(self) -> None:
        """Rotate as Python does, and meetctl's workers: NAME becomes NAME.1, and a new NAME begins."""
        self.end_line()
        self.writer.close()
        self.shift_generations()
        self.writer = self.path.open("ab", buffering=0)

    @rule(count=st.integers(1, 5))
    def rename_under_a_writer_that_goes_on(self, count: int) -> None:
        """Rotate as logrotate does: the writer is told only later, and writes to the old file until then."""
        self.look()
        self.shift_generations()
        self.write_lines(count)
        self.look()
        self.end_line()
        self.writer.close()
        self.writer = self.path.open("ab", buffering=0)

    @precondition(lambda self: not self.torn)
    @rule(keeps_copy=st.booleans())
    def truncate(self, keeps_copy: bool) -> None:
        """Rotate by copying and truncating."""
        self.look()
        if keeps_copy:
            shutil.copy(self.path, self.directory / "copy")
        os.truncate(self.path, 0)

    @precondition(lambda self: not self.torn)
    @rule(count=st.integers(1, 60))
    def truncate_and_outgrow(self, count: int) -> None:
        """Truncate, and write more than there was before anybody looks."""
        self.look()
        size = self.path.stat().st_size
        os.truncate(self.path, 0)
        self.write_lines(count)
        while self.path.stat().st_size <= size:
            self.write_lines(count)

    def shift_generations(self) -> None:
        # What has been removed before anybody looked nobody can read.
        self.unseen_generations += 1
        if self.unseen_generations >= OLDEST_GENERATION:
            self.look()
        for number in range(OLDEST_GENERATION, 0, -1):
            older = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))


TestRotatedLog = RotatedLog.TestCase
TestRotatedLog.settings = settings(max_examples=60, stateful_step_count=30)


def test_half_a_line_before_a_truncation_stays_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\nha")
    source = FileSource(path)
    assert source.poll() == [b"one"]
    path.write_bytes(b"two\n")
    assert source.poll() == [b"ha", b"two"]


def test_a_file_that_vanishes_and_comes_back_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    source = FileSource(path)
    assert source.poll() == [b"one"]
    path.unlink()
    assert source.poll() == []
    path.write_bytes(b"two\n")
    assert source.poll() == [b"two"]


def test_a_file_that_vanishes_between_being_found_and_being_read_is_empty(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "a.log")
    assert source.first_time() == ""
    assert list(source.lines((), since="", follows=True)) == []
    assert source.poll() == []
    (tmp_path / "a.log").write_bytes(b"one\n")
    assert source.poll() == [b"one"]
    source.close()


def test_an_older_generation_has_no_rest_to_wait_for(tmp_path: Path) -> None:
    (tmp_path / "a.log.1").write_bytes(b"one\ntwo")
    source = FileSource(tmp_path / "a.log.1", is_followed=False)
    assert list(source.lines((), since="", follows=True)) == [[b"one"], [b"two"]]
    assert (source.poll(), source.is_over()) == ([], True)


def test_a_log_that_was_rotated_before_it_was_found_is_polled_whole(tmp_path: Path) -> None:
    finder = JournalFinder(tmp_path / "sessions", "events.jsonl", tmp_path)
    assert finder.find() == []
    for name, content in (
        ("w.jsonl", b"five\n"),
        ("w.jsonl.1", b"three\nfour"),
        ("w.jsonl.2", b"one\ntwo\n"),
    ):
        (tmp_path / name).write_bytes(content)
    found = finder.find()
    polled = sorted(line for source in found for line in source.poll())
    assert polled == sorted([b"one", b"two", b"three", b"four", b"five"])
    assert [line for source in found for line in source.poll()] == []


def test_much_at_a_time_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meetctl.adapters.log_files.follower.MOST_BYTES_A_POLL", 1 << 18)
    path = tmp_path / "a.log"
    lines = [b"line %d" % number for number in range(200_000)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    source = FileSource(path)
    polled = [source.poll() for _ in range(20)]
    assert [line for part in polled for line in part] == lines
    assert len(polled[0]) < len(lines) / 2
    assert blocks.BLOCK_BYTES <= 1 << 18


def names(sources: Sequence[LogSource]) -> list[str]:
    return [Path(source.name).name for source in sources]


def test_new_sessions_and_new_logs_are_found(tmp_path: Path) -> None:
    sessions, logs = tmp_path / "sessions", tmp_path / "logs"
    finder = JournalFinder(sessions, "events.jsonl", logs)
    assert finder.find() == []
    (sessions / "one").mkdir(parents=True)
    logs.mkdir()
    (logs / "worker-1.jsonl").touch()
    (logs / "worker-1.jsonl.1").touch()
    (logs / "notes.txt").touch()
    assert names(finder.find()) == ["worker-1.jsonl.1", "worker-1.jsonl"]
    (sessions / "one" / "events.jsonl").touch()
    (logs / "worker-1.jsonl.2").touch()
    assert names(finder.find()) == ["events.jsonl"]
    assert finder.find() == []


def test_named_directories_and_bundles(tmp_path: Path) -> None:
    for name in ("bundle", "sessions/a"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "events.jsonl").touch()
    (tmp_path / "pod.log").touch()
    bundle = NamedLogs([tmp_path / "bundle"], "events.jsonl").find()
    assert names(bundle) == ["events.jsonl"]
    found = NamedLogs([tmp_path / "sessions", tmp_path / "pod.log"], "events.jsonl").find()
    assert names(found) == ["events.jsonl", "pod.log"]
    directory = NamedLogs([tmp_path], "events.jsonl")
    assert names(directory.find()) == ["events.jsonl", "pod.log"]
    assert directory.find() == []


def test_what_is_named_and_not_there_is_an_error_only_at_first(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"missing\.log cannot be read: No such file"):
        NamedLogs([tmp_path / "missing.log"], "events.jsonl").find()
    (tmp_path / "empty").mkdir()
    with pytest.raises(LogError, match="has no logs"):
        NamedLogs([tmp_path / "empty"], "events.jsonl").find()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").touch()
    finder = NamedLogs([tmp_path / "logs"], "events.jsonl")
    assert len(finder.find()) == 1
    shutil.rmtree(tmp_path / "logs")
    assert finder.find() == []
