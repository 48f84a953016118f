"""`meetctl rooms`, `participants` and `dispatch` against a real LiveKit server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from livekit import rtc
from tests.live_agent import RestartableServer, attend, until
from tests.local_stack import run_livekit_server
from tests.room_operator import Operator
from tests.steered_agent import join
from tests.terminal import on_terminal

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.core.places import sessions_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import MeetctlRunner

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.rooms import Room

SESSION = "20261124T090000Z-standup-0a1b2c"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


@pytest.fixture
def operator(meetctl: MeetctlRunner, server: LiveKitAccess) -> Iterator[Operator]:
    """An operator of a server without rooms."""
    asyncio.run(close_all(server))
    yield Operator(meetctl, server)
    asyncio.run(close_all(server))


async def close_all(access: LiveKitAccess) -> None:
    admin = LiveKitAdmin(access)
    for room in await admin.list_rooms():
        await admin.close_room(room.name)
    await admin.aclose()


async def find_rooms(access: LiveKitAccess) -> list[Room]:
    admin = LiveKitAdmin(access)
    rooms = await admin.list_rooms()
    await admin.aclose()
    return list(rooms)


@asynccontextmanager
async def agent_in_room(access: LiveKitAccess, session_id: str = SESSION) -> AsyncIterator[rtc.Room]:
    """Let an agent be in the room standup that says of itself what ours does."""
    async with join(access, "agent-AJ_1", kind="agent", agent=True, can_update_own_metadata=True) as guest:
        await guest.room.local_participant.set_attributes(
            {"lk.agent.name": "meetctl", "lk.agent.state": "listening", "meetctl.session_id": session_id}
        )
        yield guest.room


async def share(room: rtc.Room, source: rtc.TrackSource.ValueType, kind: str) -> str:
    """Publish a track without content, and return its id."""
    track: rtc.LocalAudioTrack | rtc.LocalVideoTrack
    if kind == "audio":
        track = rtc.LocalAudioTrack.create_audio_track("sound", rtc.AudioSource(16_000, 1))
    else:
        track = rtc.LocalVideoTrack.create_video_track("picture", rtc.VideoSource(320, 240))
    options = rtc.TrackPublishOptions(source=source)
    return (await room.local_participant.publish_track(track, options)).sid


def write_journal(*uses: dict[str, Any], session_id: str = SESSION) -> None:
    """Keep a session on this machine whose journal has these uses."""
    directory = sessions_directory() / session_id
    directory.mkdir(parents=True)
    owner = {"v": 1, "ts": "2026-11-24T09:00:00.000000Z", "t": 1.0, "session_id": session_id}
    started = {"type": "session.started", "agent": "meetctl", "job": "AJ_1"}
    lines = [
        {**owner, "seq": seq, "tenant_id": "acme", "room": "standup", **event}
        for seq, event in enumerate([started, *uses])
    ]
    (directory / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def speech(provider: str, usd: str | None) -> dict[str, Any]:
    return {
        "type": "tts.usage",
        "provider": provider,
        "model": "sonic-3",
        "characters": 120,
        "usd": usd,
        "basis": "reported",
    }


def test_no_rooms_are_a_note_and_an_empty_document(operator: Operator) -> None:
    done = operator.run("rooms", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "there are no rooms\n")
    document = json.loads(operator.run("rooms", "list", "--json").stdout)
    assert (document["schema"], document["rooms"]) == ("meetctl.rooms/1", [])


def test_a_room_is_made_as_it_was_ordered_and_not_made_again(operator: Operator) -> None:
    async def use() -> None:
        options = ("--metadata", "weekly\x1b[31m", "--max-participants", "3", "--empty-timeout", "90")
        made = await operator.ajson("rooms", "create", "standup", *options, "--departure-timeout", "30")
        assert (made["schema"], made["created"]) == ("meetctl.rooms.create/1", True)
        assert (made["metadata"], made["max_participants"]) == ("weekly\x1b[31m", 3)
        assert (made["empty_timeout_s"], made["departure_timeout_s"]) == (90, 30)
        (room,) = await find_rooms(operator.access)
        assert (room.sid, room.metadata) == (made["sid"], "weekly\x1b[31m")
        again = await operator.arun("rooms", "create", "standup", "--max-participants", "4")
        assert (again.returncode, again.stdout) == (0, "")
        assert again.stderr.splitlines() == [
            "standup is there already, and was left as it is",
            "warning: --max-participants is 3 in standup, not 4",
        ]
        shown = await operator.arun("rooms", "show", "standup")
        assert "metadata: weekly\\x1b[31m" in shown.stdout
        assert "participants at most: 3" in shown.stdout

    asyncio.run(use())


@pytest.mark.parametrize(
    ("uses", "cell", "cost"),
    [
        (
            [speech("cartesia", "0.0060")],
            "$0.006",
            {"usd": "0.006000", "complete": True, "offline": False},
        ),
        (
            [speech("cartesia", "0.0060"), speech("cartesia", None)],
            "≥ $0.006",
            {"usd": "0.006000", "complete": False, "offline": False},
        ),
        ([speech("cartesia", None)], "n/a", {"usd": None, "complete": False, "offline": False}),
        ([speech("offline", "0")], "$0.00 offline", {"usd": "0.000000", "complete": True, "offline": True}),
        ([], "$0.00", {"usd": "0.000000", "complete": True, "offline": False}),
        (None, "n/a", None),
    ],
)
def test_an_agent_is_listed_with_its_state_and_its_cost(
    operator: Operator, uses: list[dict[str, Any]] | None, cell: str, cost: dict[str, Any] | None
) -> None:
    if uses is not None:
        write_journal(*uses)

    async def use() -> None:
        async with attend(operator.access, "standup", "maya"), agent_in_room(operator.access):
            (room,) = (await operator.ajson("rooms", "list"))["rooms"]
            assert (room["name"], room["people"]) == ("standup", 1)
            (agent,) = room["agents"]
            assert (agent["agent_name"], agent["state"]) == ("meetctl", "listening")
            assert (agent["session_id"], agent["cost"]) == (SESSION, cost)
            assert agent["tenant_id"] == (None if uses is None else "acme")
            row = (await operator.arun("rooms", "list")).stdout.splitlines()[-2]
            assert row.split()[0] == "standup"
            assert row.rstrip().endswith(f" {cell}")

    asyncio.run(use())


def test_a_session_id_from_a_room_never_leads_to_another_file(operator: Operator) -> None:
    write_journal(speech("cartesia", "5"))
    (sessions_directory().parent / "events.jsonl").write_text(
        (sessions_directory() / SESSION / "events.jsonl").read_text("utf-8"), "utf-8"
    )

    async def use() -> None:
        for name in ("..", f"../sessions/{SESSION}", f"./{SESSION}", "\0", "x" * 300):
            async with agent_in_room(operator.access, name):
                (room,) = (await operator.ajson("rooms", "list"))["rooms"]
                assert room["agents"][0]["cost"] is None

    asyncio.run(use())


def test_a_room_is_shown_with_everybody_and_every_order(operator: Operator) -> None:
    async def use() -> None:
        async with (
            attend(operator.access, "standup", "maya") as maya,
            join(operator.access, "observer-1", hidden=True, can_publish=False),
            agent_in_room(operator.access),
        ):
            screen = await share(maya, rtc.TrackSource.SOURCE_SCREENSHARE, "video")
            admin = LiveKitAdmin(operator.access)
            sent = await admin.create_dispatch("standup", "nobody", metadata='{"tenant": "acme"}')
            await admin.aclose()
            document = await operator.ajson("rooms", "show", "standup")
            assert document["schema"] == "meetctl.room/1"
            who = {one["identity"]: one for one in document["participants"]}
            assert set(who) == {"maya", "observer-1", "agent-AJ_1"}
            assert [track["sid"] for track in who["maya"]["tracks"]] == [screen]
            assert (who["observer-1"]["hidden"], document["people"]) == (True, 1)
            assert [one["id"] for one in document["dispatches"] if one["agent_name"]] == [sent.id]
            shown = (await operator.arun("rooms", "show", "standup")).stdout
            for text in ("standup: 1 person", "observer, hidden", f"({screen})", "offered to workers"):
                assert text in shown
            assert f"session {SESSION}, whose journal is not on this machine" in shown

    asyncio.run(use())


def test_a_secret_that_is_too_short_is_refused_by_the_server_and_not_by_a_library(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    environment = {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": "secret",
    }
    done = meetctl("rooms", "list", env=environment)
    assert (done.returncode, done.stderr.splitlines()) == (
        3,
        [
            f"meetctl: the LiveKit server {server.url} refused the key {server.api_key!r}",
            "  hint: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be this server's",
        ],
    )


def test_names_that_are_not_there_are_told_with_names_like_them(operator: Operator) -> None:
    async def use() -> None:
        async with attend(operator.access, "standup", "maya"):
            assert await operator.refused("rooms", "show", "Standap") == (
                "3 meetctl: there is no room 'Standap'\n  hint: is it 'standup'?\n"
            )
            assert "is it 'standup'?" in await operator.refused("rooms", "show", "st")
            assert "there is no room 'zzz'" in await operator.refused(
                "rooms", "close", "standup", "zzz", "-y"
            )
            assert len(await find_rooms(operator.access)) == 1
            assert "is it 'maya'?" in await operator.refused("participants", "list", "standup", "mya")
            assert "'mya' in room 'standup'" in await operator.refused(
                "participants", "remove", "standup", "maya", "mya", "-y"
            )
            assert "'mya' in room" in await operator.refused(
                "participants", "mute", "standup", "mya", "--mic"
            )
            assert "there is no room 'retro'" in await operator.refused("dispatch", "list", "retro")
            assert "no agent was sent there" in await operator.refused(
                "dispatch", "delete", "standup", "AD_1", "-y"
            )
            assert (await operator.ajson("participants", "list", "standup"))["participants"]

    asyncio.run(use())


@pytest.mark.parametrize(
    "command", [("rooms", "create"), ("rooms", "show"), ("join",), ("leave",)], ids=" ".join
)
def test_a_room_has_a_name(meetctl: MeetctlRunner, command: tuple[str, ...]) -> None:
    done = meetctl(*command, " ")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ROOM" in done.stderr
    assert "it is empty" in done.stderr


def test_closing_asks_where_somebody_is_there(operator: Operator) -> None:
    async def use() -> None:
        async with attend(operator.access, "standup", "maya"):
            await operator.arun("rooms", "create", "empty")
            said = await operator.refused("rooms", "close", "standup", "empty")
            assert said.startswith("2 meetctl: 1 person is in standup. Close it for everybody?")
            assert {room.name for room in await find_rooms(operator.access)} == {"standup", "empty"}
            done = await operator.arun("rooms", "close", "empty")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "closed: empty\n")
            document = await operator.ajson("rooms", "close", "standup", "-y")
            assert document == {"schema": "meetctl.rooms.close/1", "closed": ["standup"]}
            assert await find_rooms(operator.access) == []

    asyncio.run(use())


def test_a_no_on_the_terminal_closes_nothing(operator: Operator) -> None:
    def answer(text: str) -> int:
        with on_terminal("rooms", "close", "standup", environment=operator.environment) as terminal:
            terminal.wait_for("Close it for everybody? [y/N] ")
            terminal.type(f"{text}\n")
            return terminal.exit_status()

    async def use() -> None:
        async with attend(operator.access, "standup", "maya"):
            for text in ("", "n"):
                assert await asyncio.to_thread(answer, text) == 1
                assert len(await find_rooms(operator.access)) == 1
            assert await asyncio.to_thread(answer, "y") == 0
            assert await find_rooms(operator.access) == []

    asyncio.run(use())


def test_participants_are_listed_muted_and_put_out(operator: Operator) -> None:
    async def use() -> None:
        async with attend(operator.access, "standup", "maya") as maya:
            mic = await share(maya, rtc.TrackSource.SOURCE_MICROPHONE, "audio")
            camera = await share(maya, rtc.TrackSource.SOURCE_CAMERA, "video")
            listed = await operator.ajson("participants", "list", "standup")
            assert (listed["schema"], listed["room"]) == ("meetctl.participants/1", "standup")
            (one,) = listed["participants"]
            assert {track["sid"]: track["muted"] for track in one["tracks"]} == {mic: False, camera: False}
            muted = await operator.ajson("participants", "mute", "standup", "maya", "--mic")
            assert muted["schema"] == "meetctl.participants.mute/1"
            assert [(track["sid"], track["muted"]) for track in muted["tracks"]] == [(mic, True)]
            (one,) = (await operator.ajson("participants", "list", "standup", "maya"))["participants"]
            assert {track["sid"]: track["muted"] for track in one["tracks"]} == {mic: True, camera: False}
            done = await operator.arun("participants", "mute", "standup", "maya", "--track", camera)
            assert done.stderr == f"muted of maya: camera ({camera})\n"
            said = await operator.refused("participants", "mute", "standup", "maya", "--mic", "--unmute")
            assert said.startswith("3 ")
            assert "lets nobody unmute" in said
            assert "publishes no screen share" in await operator.refused(
                "participants", "mute", "standup", "maya", "--screen"
            )
            for wrong in ((), ("--mic", "--track", mic)):
                said = await operator.refused("participants", "mute", "standup", "maya", *wrong)
                assert said.startswith("2 meetctl: it is not clear which tracks are meant")
            assert (await operator.refused("participants", "remove", "standup", "maya")).startswith("2 ")
            done = await operator.arun("participants", "remove", "standup", "maya", "-y")
            assert (done.returncode, done.stderr) == (0, "put out of standup: maya\n")
            assert "nobody is in standup" in (await operator.arun("participants", "list", "standup")).stderr
            await until(lambda: not maya.isconnected(), "maya has heard of it")

    asyncio.run(use())


def test_orders_are_listed_and_taken_back(operator: Operator) -> None:
    async def use() -> None:
        admin = LiveKitAdmin(operator.access)
        for room in ("standup", "retro"):
            await admin.create_dispatch(room, f"agent-of-{room}")
        listed = await operator.ajson("dispatch", "list")
        assert listed["schema"] == "meetctl.dispatches/1"
        assert {one["agent_name"] for one in listed["dispatches"]} == {"agent-of-standup", "agent-of-retro"}
        everything = await operator.ajson("dispatch", "list", "retro", "--all")
        assert [one["agent_name"] for one in everything["dispatches"]] == ["", "agent-of-retro"]
        id_ = everything["dispatches"][1]["id"]
        assert id_ in (await operator.arun("dispatch", "list", "retro")).stdout
        deleted = await operator.ajson("dispatch", "delete", "retro", id_)
        assert deleted == {
            "schema": "meetctl.dispatch.delete/1",
            "room": "retro",
            "deleted": [id_],
            "agents_taken_out": [],
        }
        assert (await operator.arun("dispatch", "list", "retro")).stderr == "no agent was sent into retro\n"
        await admin.aclose()

    asyncio.run(use())


def test_watching_on_a_terminal_shows_what_changes_until_ctrl_c(operator: Operator) -> None:
    with on_terminal("rooms", "watch", "--every", "0.2", environment=operator.environment) as terminal:
        terminal.wait_for("there are no rooms")
        assert operator.run("rooms", "create", "standup").returncode == 0
        place = terminal.wait_for("standup")
        assert operator.run("rooms", "close", "standup").returncode == 0
        terminal.wait_for("there are no rooms", after=place)
        terminal.interrupt()
        assert terminal.exit_status() == 130
    assert "Traceback" not in terminal.text


@contextmanager
def watching(operator: Operator, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Watch rooms with a pipe as stdout."""
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "rooms", "watch", *args],
        env={**os.environ, **operator.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_watching_off_a_terminal_prints_a_document_a_line(operator: Operator) -> None:
    with watching(operator, "--every", "0.2", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["schema"], first["rooms"]) == ("meetctl.rooms/1", [])
        assert operator.run("rooms", "create", "standup").returncode == 0
        while not (document := json.loads(process.stdout.readline()))["rooms"]:
            pass
        assert [room["name"] for room in document["rooms"]] == ["standup"]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in said


def test_a_server_that_goes_away_is_waited_for(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    with RestartableServer(tmp_path / "server") as server:
        asyncio.run(server.start())
        operator = Operator(meetctl, server.access)
        with watching(operator, "--every", "0.2") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline())["rooms"] == []
            server.kill()
            assert process.stderr.readline() == (
                f"warning: the LiveKit server {server.access.url} cannot be reached; trying again\n"
            )
            asyncio.run(server.start())
            assert process.stderr.readline() == "the server answers again\n"
            assert json.loads(process.stdout.readline())["rooms"] == []


def test_only_the_rooms_that_were_named_are_watched(operator: Operator) -> None:
    for name in ("standup", "retro"):
        operator.run("rooms", "create", name)
    assert "is it 'retro'?" in operator.run("rooms", "watch", "retra").stderr
    with watching(operator, "retro") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        assert [room["name"] for room in document["rooms"]] == ["retro"]


@pytest.mark.parametrize(
    "command",
    [
        ("rooms", "list"),
        ("rooms", "show", "standup"),
        ("rooms", "watch"),
        ("rooms", "create", "standup"),
        ("rooms", "close", "standup"),
        ("participants", "list", "standup"),
        ("participants", "remove", "standup", "maya"),
        ("participants", "mute", "standup", "maya", "--mic"),
        ("dispatch", "list"),
        ("dispatch", "delete", "standup", "AD_1"),
        ("join", "standup"),
        ("leave", "standup"),
    ],
    ids=" ".join,
)
def test_a_server_that_is_away_is_named_by_every_command(
    meetctl: MeetctlRunner, command: tuple[str, ...]
) -> None:
    environment = {
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "s" * 40,
    }
    done = meetctl(*command, env=environment)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("meetctl: the LiveKit server ws://127.0.0.1:9 cannot be reached\n")
    assert "s" * 40 not in done.stderr
    done = meetctl(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "LIVEKIT_URL" in done.stderr
