"""What every source of a session's events promises: the fake, a journal, and an observer in a real room."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from livekit import api
from tests.fakes.event_source import FakeEventSource
from tests.live_agent import until
from tests.local_stack import run_livekit_server
from tests.steered_agent import CLOCK, ROOM, join, take_part

from meetctl.adapters import room_observer
from meetctl.adapters.event_log import EventLog
from meetctl.adapters.journal_reader import JournalReader
from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.adapters.room_observer import RoomObserver
from meetctl.domain.events import Event, JournalOwner
from meetctl.errors import MediaError, NotFoundError
from meetctl.services.following import JournalFollower

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.steered_agent import Agent

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import EventSource

pytestmark = pytest.mark.live

SESSION = "s1"
KINDS = ["fake", "journal", "observer"]


class Session(Protocol):
    """A session that tells what happens."""

    def write(self, kind: str, **fields: Any) -> None: ...


class FakeSession:
    def __init__(self) -> None:
        self.source = FakeEventSource()
        self._next = 0

    def write(self, kind: str, **fields: Any) -> None:
        event = Event(
            seq=self._next,
            ts="",
            t=0.0,
            type=kind,
            session_id=SESSION,
            tenant_id=None,
            room=ROOM,
            fields=fields,
        )
        self._next += 1
        self.source.add(event)


class JournalSession:
    def __init__(self, log: EventLog) -> None:
        self._log = log

    def write(self, kind: str, **fields: Any) -> None:
        self._log.append(kind, fields)


class AgentSession:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def write(self, kind: str, **fields: Any) -> None:
        self._agent.journal.write(kind, fields)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


@asynccontextmanager
async def begin(
    kind: str, request: pytest.FixtureRequest, directory: Path
) -> AsyncIterator[tuple[Session, EventSource]]:
    """Begin a session, and yield it with its events' source."""
    if kind == "fake":
        session = FakeSession()
        yield session, session.source
    elif kind == "journal":
        path = directory / "events.jsonl"
        owner = JournalOwner(session_id=SESSION, tenant_id=None, room=ROOM)
        log = EventLog(path, owner, clock=CLOCK, media_us=lambda: 0)
        yield JournalSession(log), JournalFollower(JournalReader(path))
        log.close()
    else:
        access: LiveKitAccess = request.getfixturevalue("server")
        async with take_part(access, directory, session_id=SESSION) as agent:
            yield AgentSession(agent), RoomObserver(access, ROOM, SESSION, clock=CLOCK)


def logs(events: list[Event]) -> list[int]:
    """Return the numbers that were written; an agent's journal holds what it was told to do as well."""
    return [event.fields["number"] for event in events if event.type == "log"]


@pytest.mark.parametrize("kind", KINDS)
def test_events_come_from_the_first_on_each_once_until_the_end(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async def follow() -> None:
        async with begin(kind, request, tmp_path) as (session, source):
            for number in range(700):
                session.write("log", number=number, text="ü" * 200)
            seen: list[Event] = []
            async with aclosing(source.follow()) as events:
                async for event in events:
                    seen.append(event)
                    if event.fields.get("number") == 699:
                        for number in range(700, 720):
                            session.write("log", number=number)
                        session.write("session.ended", reason="over")
            assert logs(seen) == list(range(720))
            assert [event.seq for event in seen] == list(range(len(seen)))
            assert (seen[-1].type, seen[-1].fields["reason"]) == ("session.ended", "over")

    asyncio.run(follow())


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_closed_early_ends_nothing_else(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async def follow() -> None:
        async with begin(kind, request, tmp_path) as (session, source):
            session.write("log", number=0)
            for _ in range(2):
                async with aclosing(source.follow()) as events:
                    async for event in events:
                        assert (event.seq, event.type) == (0, "log")
                        break
            session.write("log", number=1)

    asyncio.run(follow())


def test_a_journal_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    async def follow() -> None:
        async with aclosing(JournalFollower(JournalReader(tmp_path / "none")).follow()) as events:
            with pytest.raises(MediaError, match="cannot be read"):
                await anext(events)

    asyncio.run(follow())


def test_a_torn_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    async def follow() -> None:
        path = tmp_path / "events.jsonl"
        line = '{"v":1,"seq":%d,"t":0,"type":"log"}\n'
        path.write_text(line % 0 + (line % 1)[:20], encoding="utf-8")
        async with aclosing(JournalFollower(JournalReader(path)).follow()) as events:
            assert (await anext(events)).seq == 0
            with path.open("a", encoding="utf-8") as file:
                file.write((line % 1)[20:])
            assert (await anext(events)).seq == 1

    asyncio.run(follow())


def test_an_observer_neither_makes_a_room_nor_joins_one_without_the_session(
    server: LiveKitAccess, tmp_path: Path
) -> None:
    async def follow() -> None:
        admin = LiveKitAdmin(server)
        async with take_part(server, tmp_path, session_id="other"):
            for room in ("nowhere", ROOM):
                async with aclosing(RoomObserver(server, room, SESSION, clock=CLOCK).follow()) as events:
                    with pytest.raises(NotFoundError, match=f"session 's1' is not in room '{room}'"):
                        await anext(events)
            assert [one.identity for one in await admin.list_participants(ROOM)] == ["agent-other"]
        assert await admin.find_room("nowhere") is None
        await admin.aclose()

    asyncio.run(follow())


def test_an_observer_leaves_with_its_agent(server: LiveKitAccess, tmp_path: Path) -> None:
    async def follow() -> None:
        admin = LiveKitAdmin(server)
        async with (
            join(server, "maya"),
            aclosing(RoomObserver(server, ROOM, SESSION, clock=CLOCK).follow()) as events,
        ):
            async with take_part(server, tmp_path, session_id=SESSION) as agent:
                agent.journal.write("log", {"number": 0})
                assert (await anext(events)).type == "log"
                people = [one for one in await admin.list_participants(ROOM) if one.is_hidden]
                assert len(people) == 1
                await agent.room.disconnect()
            # It was announced, which its journal tells, but no end was.
            assert [event.type async for event in events] in ([], ["control.performed"])
            assert [one.identity for one in await admin.list_participants(ROOM)] == ["maya"]
        await admin.aclose()

    asyncio.run(follow())


def test_an_observer_that_is_thrown_out_comes_back_and_misses_nothing(
    server: LiveKitAccess, tmp_path: Path
) -> None:
    async def follow() -> None:
        async with (
            take_part(server, tmp_path, session_id=SESSION) as agent,
            aclosing(RoomObserver(server, ROOM, SESSION, clock=CLOCK).follow()) as events,
            api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit,
        ):
            agent.journal.write("log", {"number": 0})
            seen = [await anext(events)]
            found = await livekit.room.list_participants(api.ListParticipantsRequest(room=ROOM))
            (observer,) = [one.identity for one in found.participants if one.permission.hidden]
            await livekit.room.remove_participant(api.RoomParticipantIdentity(room=ROOM, identity=observer))
            agent.journal.write("log", {"number": 1})
            agent.journal.write("session.ended", {"reason": "over"})
            seen += [event async for event in events]
            assert logs(seen) == [0, 1]
            assert [event.seq for event in seen] == list(range(len(seen)))

    asyncio.run(follow())


def test_an_observer_is_announced_again_before_it_is_forgotten(
    server: LiveKitAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_observer, "ANNOUNCE_EVERY_S", 0.1)

    async def follow() -> None:
        async with (
            take_part(server, tmp_path, session_id=SESSION) as agent,
            aclosing(RoomObserver(server, ROOM, SESSION, clock=CLOCK).follow()) as events,
        ):
            agent.journal.write("log", {"number": 0})
            await anext(events)

            def announced() -> list[dict[str, Any]]:
                return [one for one in agent.events("control.performed") if one["op"] == "announce"]

            await until(lambda: len(announced()) >= 3, "it is announced again and again")
            assert {one["args"]["identity"] for one in announced()} == agent.observers.identities
        assert agent.events("control.performed")[-1]["op"] == "goodbye"

    asyncio.run(follow())
