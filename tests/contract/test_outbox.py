"""What every outbox promises, held against the fake and the real one, and what only files do."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import OWNER, InMemoryEventSink
from tests.fakes.outbox import InMemoryOutbox

from meetctl.adapters.delivery_state import LOCK, STATE, FileOutbox, FileOutboxes, begin_outbox
from meetctl.adapters.event_log import EventLog
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meetctl.domain.delivery import Stream
    from meetctl.domain.events import Event
    from meetctl.services.delivery import Outbox

JOURNAL = "events.jsonl"
BACKEND = "https://platform.test"
USE = {"audio_s": 60, "provider": "deepgram", "model": "nova-3", "usd": "0.0043", "basis": "reported"}


class Session:
    """A session's journal and its outbox; read and confirmed without a running loop."""

    def __init__(self, directory: Path | None) -> None:
        clock = ManualClock()
        self.directory = directory
        self.outbox: Outbox
        self.sink: InMemoryEventSink | EventLog
        if directory is None:
            self.sink = InMemoryEventSink(clock=clock)
            self.outbox = InMemoryOutbox(self.sink)
        else:
            directory.mkdir()
            self.outbox = begin_outbox(directory, JOURNAL, backend=BACKEND)
            self.sink = EventLog(directory / JOURNAL, OWNER, clock=clock, media_us=lambda: 0)

    def write(self, *kinds: str) -> list[int]:
        return [self.sink.append(kind, USE if kind.endswith("usage") else {}).seq for kind in kinds]

    def read(self, stream: Stream, limit: int = 100) -> list[int]:
        async def read() -> list[Event]:
            return list(await self.outbox.read(stream, limit=limit))

        return [event.seq for event in asyncio.run(read())]

    def confirm(self, stream: Stream, seq: int) -> None:
        asyncio.run(_confirm(self.outbox, stream, seq))


async def _confirm(outbox: Outbox, stream: Stream, seq: int) -> None:
    await outbox.confirm(stream, seq, tenant_id="acme")


@pytest.fixture(params=["fake", "file"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    made = Session(None if request.param == "fake" else tmp_path / OWNER.session_id)
    yield made
    made.sink.close()
    asyncio.run(made.outbox.close())


def test_each_stream_has_its_own_events_in_order(session: Session) -> None:
    session.write("session.started", "stt.usage", "transcript", "tts.usage", "llm.request", "session.ended")
    assert session.read("session") == [0, 5]
    # Nothing was said to be synthesised or asked, so nothing of that is billed.
    assert session.read("usage") == [1]


def test_what_is_not_confirmed_is_read_again(session: Session) -> None:
    session.write(*["stt.usage"] * 3)
    assert session.read("usage", 2) == [0, 1]
    assert session.read("usage", 2) == [0, 1]
    session.confirm("usage", 0)
    assert session.read("usage", 2) == [1, 2]


def test_one_streams_confirmation_says_nothing_of_the_other(session: Session) -> None:
    session.write("stt.usage", "participant.left")
    assert session.read("session") == [1]
    session.confirm("session", 1)
    assert session.read("usage") == [0]


def test_what_is_written_later_is_found(session: Session) -> None:
    assert session.read("usage") == []
    session.write("transcript")
    assert session.read("usage") == []
    (seq,) = session.write("stt.usage")
    assert session.read("usage") == [seq]
    session.confirm("usage", seq)
    assert session.read("usage") == []


def test_the_owner_is_the_tenant_who_was_named_last(session: Session) -> None:
    async def find() -> Any:
        return await session.outbox.find_owner()

    assert asyncio.run(find()) is None
    session.write("session.started")
    session.sink.assign_tenant("globex")
    session.write("transcript")
    owner = asyncio.run(find())
    assert (owner.session_id, owner.room, owner.tenant_id) == (OWNER.session_id, OWNER.room, "globex")
    assert owner.began_at.isoformat() == "2026-11-16T09:00:00+00:00"


def opened(sessions: Path) -> FileOutbox | None:
    return asyncio.run(FileOutboxes(sessions, JOURNAL, backend=BACKEND).open(OWNER.session_id))


def waiting(sessions: Path) -> list[str]:
    return list(asyncio.run(FileOutboxes(sessions, JOURNAL, backend=BACKEND).list_waiting()))


def test_a_session_that_runs_is_nobody_elses(tmp_path: Path) -> None:
    session = Session(tmp_path / OWNER.session_id)
    assert waiting(tmp_path) == [OWNER.session_id]
    assert opened(tmp_path) is None
    asyncio.run(session.outbox.close())
    outbox = opened(tmp_path)
    assert outbox is not None
    assert opened(tmp_path) is None
    asyncio.run(outbox.close())
    session.sink.close()


def test_another_process_goes_on_where_the_first_was_confirmed(tmp_path: Path) -> None:
    session = Session(tmp_path / OWNER.session_id)
    session.write("session.started", "stt.usage", "stt.usage")
    session.read("usage")
    session.confirm("usage", 1)
    session.sink.close()
    asyncio.run(session.outbox.close())
    document = json.loads((tmp_path / OWNER.session_id / STATE).read_bytes())
    assert document == {
        "schema": "meetctl.delivered/1",
        "backend": BACKEND,
        "seq": {"usage": 1, "session": -1},
        "tenant_id": "acme",
        "complete": False,
    }
    outbox = opened(tmp_path)
    assert outbox is not None
    session.outbox = outbox
    assert (session.read("usage"), session.read("session")) == ([2], [0])
    asyncio.run(outbox.close())


def test_a_complete_session_is_not_opened_again_and_keeps_no_lock(tmp_path: Path) -> None:
    session = Session(tmp_path / OWNER.session_id)
    asyncio.run(session.outbox.complete())
    asyncio.run(session.outbox.close())
    session.sink.close()
    assert waiting(tmp_path) == []
    assert opened(tmp_path) is None
    assert sorted(path.name for path in (tmp_path / OWNER.session_id).iterdir()) == [STATE, JOURNAL]


def test_a_bundle_that_had_no_backend_is_never_delivered(tmp_path: Path) -> None:
    directory = tmp_path / OWNER.session_id
    directory.mkdir()
    (directory / JOURNAL).write_text('{"v":1,"seq":0,"t":0,"type":"stt.usage","audio_s":60}\n')
    assert waiting(tmp_path) == []
    assert opened(tmp_path) is None
    assert [path.name for path in directory.iterdir()] == [JOURNAL]


def test_a_torn_last_line_is_left_out_and_a_broken_one_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(tmp_path / OWNER.session_id)
    session.write("stt.usage")
    with (tmp_path / OWNER.session_id / JOURNAL).open("ab") as journal:
        journal.write(b'{"torn\n\n{"v":1,"seq":5,"t":0,"type":"stt.usage","audio_s":60}\n{"v":1,"seq":6,"t')
    assert session.read("usage") == [0, 5]
    session.read("usage")
    assert [record.message.partition(" has ")[2] for record in caplog.records] == [
        "lines that are no events; they are left out"
    ]
    session.sink.close()
    asyncio.run(session.outbox.close())


class WrittenWhileRead(io.RawIOBase):
    """A journal whose reader comes to its end within a line, the rest of which is there a moment later."""

    def __init__(self, *pieces: bytes) -> None:
        self._left = list(pieces)

    def open(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, _: int = 0) -> int:
        assert offset == 0
        return 0

    def readinto(self, buffer: Any) -> int:
        piece = self._left.pop(0) if self._left else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_line_that_is_being_written_is_not_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [f'{{"v":1,"seq":{seq},"t":0,"type":"stt.usage","audio_s":60}}\n'.encode() for seq in range(3)]
    journal: Any = WrittenWhileRead(lines[0] + lines[1][:20], b"", lines[1][20:] + lines[2])
    outbox = FileOutbox(tmp_path, journal, None, backend=BACKEND)
    assert [event.seq for event in asyncio.run(outbox.read("usage", limit=100))] == [0]
    assert caplog.messages == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "another/1", "seq": 7}', '{"seq": {"usage": 7}}']
)
def test_a_state_that_cannot_be_understood_delivers_everything_again(tmp_path: Path, text: str) -> None:
    session = Session(tmp_path / OWNER.session_id)
    session.write("stt.usage")
    session.sink.close()
    asyncio.run(session.outbox.close())
    (tmp_path / OWNER.session_id / STATE).write_text(text)
    assert waiting(tmp_path) == [OWNER.session_id]
    outbox = opened(tmp_path)
    assert outbox is not None
    session.outbox = outbox
    assert session.read("usage") == [0]
    asyncio.run(outbox.close())


def test_a_place_that_cannot_be_written_is_said_once_and_remembered_while_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(tmp_path / OWNER.session_id)
    session.write("stt.usage", "stt.usage")
    draft = tmp_path / OWNER.session_id / f".{STATE}.part"
    draft.mkdir()
    for seq in session.read("usage"):
        session.confirm("usage", seq)
    assert session.read("usage") == []
    (record,) = caplog.records
    assert "delivered.json cannot be written: Is a directory" in record.message
    session.sink.close()
    asyncio.run(session.outbox.close())


def test_a_session_without_a_directory_begins_all_the_same(tmp_path: Path) -> None:
    outbox = begin_outbox(tmp_path / "gone", JOURNAL, backend=BACKEND)
    assert asyncio.run(outbox.find_owner()) is None
    asyncio.run(outbox.close())


def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    outbox = begin_outbox(tmp_path, JOURNAL, backend=BACKEND)
    with pytest.raises(MeetctlError, match=r"events\.jsonl cannot be read: Is a directory"):
        asyncio.run(outbox.find_owner())
    asyncio.run(outbox.close())


def test_the_files_are_for_their_user_only(tmp_path: Path) -> None:
    outbox = begin_outbox(tmp_path, JOURNAL, backend=BACKEND)
    assert (tmp_path / LOCK).stat().st_mode & 0o077 == 0
    asyncio.run(outbox.close())


def test_what_waits_for_another_backend_is_given_to_none_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / OWNER.session_id
    session = Session(directory)
    session.write("stt.usage")
    asyncio.run(session.outbox.close())
    others = FileOutboxes(tmp_path, JOURNAL, backend="https://staging.test")
    assert [asyncio.run(others.list_waiting()) for _ in range(2)] == [[], []]
    assert caplog.text.count(BACKEND) == 1
    assert waiting(tmp_path) == [OWNER.session_id]
