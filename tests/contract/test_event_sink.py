"""What every journal promises, held against the fake and the real one."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import OWNER, InMemoryEventSink

from meetctl.adapters.event_log import EventLog
from meetctl.agent.media_clock import MediaClock
from meetctl.domain.events import parse_journal
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meetctl.domain.events import Event
    from meetctl.ports import EventSink


class Desk:
    """A journal, the clocks it looks at, and what a reader finds in it."""

    def __init__(self, path: Path | None) -> None:
        self.clock = ManualClock()
        self.media = MediaClock(self.clock)
        self.path = path
        self._fake = InMemoryEventSink(clock=self.clock, media_us=self.media.now_us)
        self.sink: EventSink = (
            self._fake
            if path is None
            else EventLog(path, OWNER, clock=self.clock, media_us=self.media.now_us)
        )

    @property
    def text(self) -> bytes:
        if self.path is None:
            return "".join(f"{line}\n" for line in self._fake.lines).encode()
        return self.path.read_bytes()

    @property
    def events(self) -> list[Event]:
        events = list(parse_journal(self.text))
        assert None not in events
        return [event for event in events if event is not None]


@pytest.fixture(params=["fake", "file"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(None if request.param == "fake" else tmp_path / "events.jsonl")
    yield made
    made.sink.close()


def test_an_event_can_be_read_as_soon_as_it_is_written(desk: Desk) -> None:
    event = desk.sink.append("turn.started", {"turn": 1, "participant": None})
    assert desk.events == [event]
    assert (event.type, event.fields) == ("turn.started", {"turn": 1, "participant": None})


def test_every_event_says_whose_it_is(desk: Desk) -> None:
    desk.sink.append("log", {})
    (line,) = desk.text.splitlines()
    document = json.loads(line)
    assert document["v"] == 1
    assert (document["session_id"], document["tenant_id"], document["room"]) == (
        OWNER.session_id,
        OWNER.tenant_id,
        OWNER.room,
    )


def test_a_tenant_who_becomes_known_owns_the_events_from_then_on(desk: Desk) -> None:
    desk.sink.append("session.started", {})
    desk.sink.assign_tenant("globex")
    event = desk.sink.append("tenant.resolved", {})
    assert event.tenant_id == "globex"
    assert [event.tenant_id for event in desk.events] == [OWNER.tenant_id, "globex"]
    assert {(event.session_id, event.room) for event in desk.events} == {(OWNER.session_id, OWNER.room)}


def test_events_are_numbered_from_zero_without_gaps(desk: Desk) -> None:
    for number in range(20):
        desk.sink.append("log", {"number": number})
    assert [(event.seq, event.fields["number"]) for event in desk.events] == [(n, n) for n in range(20)]


def test_time_is_that_of_the_media_and_stands_until_there_is_any(desk: Desk) -> None:
    desk.clock.advance(4_000_000)
    desk.sink.append("session.started", {})
    desk.media.begin()
    desk.clock.advance(1_500_000)
    desk.sink.append("log", {})
    desk.sink.append("frame.kept", {}, t_us=1_234_000)
    assert [event.t for event in desk.events] == [0, 1.5, 1.234]


def test_the_wall_clocks_time_is_utc_with_microseconds(desk: Desk) -> None:
    desk.clock.advance(1_000_007)
    desk.sink.append("log", {})
    assert desk.events[0].ts == "2026-11-16T09:00:01.000007Z"


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\r\n",
        "\u2028\u2029\x85\x0b\x0c",
        '"quoted\\"',
        "日本語 🎉",
        "",
        "\x00",
        "half \ud83d",
        "\ud83d\ude00",
    ],
)
def test_any_text_is_one_line_and_comes_back(desk: Desk, text: str) -> None:
    desk.sink.append("transcript", {"text": text})
    desk.sink.append("log", {})
    assert desk.text.count(b"\n") == 2
    desk.text.decode("utf-8")
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert desk.events[0].fields["text"] == joined


def test_what_was_given_may_change_afterwards(desk: Desk) -> None:
    fields = {"turn": 1}
    event = desk.sink.append("log", fields)
    fields["turn"] = 2
    assert event.fields == {"turn": 1}


def test_closing_twice_is_closing_once_and_ends_it(desk: Desk) -> None:
    desk.sink.append("session.ended", {})
    desk.sink.close()
    desk.sink.close()
    with pytest.raises(OutputError, match="closed"):
        desk.sink.append("log", {})
    assert [event.type for event in desk.events] == ["session.ended"]


def test_threads_that_write_at_once_get_lines_of_their_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "events.jsonl")
    begin = threading.Barrier(4)

    def write(writer: int) -> None:
        begin.wait()
        for number in range(200):
            desk.sink.append("log", {"writer": writer, "number": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    desk.sink.close()
    assert [event.seq for event in desk.events] == list(range(800))
    for writer in range(4):
        mine = [event.fields["number"] for event in desk.events if event.fields["writer"] == writer]
        assert mine == list(range(200))


def test_a_journal_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"precious\n")
    with pytest.raises(OutputError, match=r"events\.jsonl cannot be made: File exists"):
        Desk(path)
    assert path.read_bytes() == b"precious\n"


def test_a_journal_is_for_its_user_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "events.jsonl")
    desk.sink.close()
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o077 == 0


def test_a_journal_without_a_directory_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        Desk(tmp_path / "nowhere" / "events.jsonl")
