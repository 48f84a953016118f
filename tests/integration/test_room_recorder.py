"""`meetctl record` in rooms of a real server: what it writes, whom it tells, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from livekit import api
from tests.live_agent import RestartableServer, until
from tests.live_meeting import assert_verified, clean_home, listen_to, verify, video_streams
from tests.local_stack import run_livekit_server
from tests.recorded_room import (
    SCREEN,
    SHARE_FPS,
    open_api,
    recorder_identities,
    start_recorder,
    visit,
)

from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MeetctlRunner
    from tests.recorded_room import Recorder

    from meetctl.core.local_stack import LiveKitAccess

NOTICE = "This meeting is being recorded."
RESIZED = (400, 300)
LOUD = 1000
DISK_BYTES = 60_000_000
LEFT_BYTES = 40_000


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    directory = tmp_path_factory.mktemp("livekit")
    with clean_home(directory), run_livekit_server(directory / "server") as access:
        yield access


async def join(livekit: LiveKitAccess, room: str, person: ScriptedPerson) -> None:
    await person.join(livekit.url, mint_token(livekit, room, person.identity, person.name))


async def share(person: ScriptedPerson) -> SlidePictures:
    pictures = SlidePictures(*SCREEN)
    await person.share_screen(pictures, SHARE_FPS)
    return pictures


async def hold_standup(livekit: LiveKitAccess, tmp_path: Path) -> Recorder:
    """Hold a meeting in which a screen changes its size, another one comes, and so do people."""
    async with AsyncExitStack() as stack:
        maya = await stack.enter_async_context(ScriptedPerson("maya", "Maya"))
        await join(livekit, "standup", maya)
        pictures = await share(maya)
        noor = await stack.enter_async_context(visit(livekit, "standup", "noor"))
        assert not noor.room.is_recording
        recorder = stack.enter_context(
            start_recorder(tmp_path, livekit, "standup", "--record", "full", "--tenant", "acme")
        )
        await recorder.wait_for("frame.kept", count=2)
        await until(lambda: noor.room.is_recording and noor.chat, "noor is told")
        late = await stack.enter_async_context(visit(livekit, "standup", "late"))
        assert late.room.is_recording
        await until(lambda: late.chat, "who comes late is told")
        assert noor.others == ["late", "maya"]
        assert late.others == ["maya", "noor"]
        await maya.speak("Hello everybody, can you see my screen?")
        pictures.resize(*RESIZED)
        await recorder.wait_for("video.frames", width=RESIZED[0])
        zoe = await stack.enter_async_context(ScriptedPerson("zoe", "Zoe"))
        await join(livekit, "standup", zoe)
        await share(zoe)
        await recorder.wait_for("track.started", participant="zoe", kind="video")
        kept = len(recorder.events("frame.kept"))
        await recorder.wait_for("frame.kept", count=kept + 4)
        await zoe.leave()
        await maya.leave()
        await recorder.wait_for("participant.left", count=2)
        assert recorder.process.poll() is None
        assert (noor.chat, late.chat) == ([NOTICE], [NOTICE])
        await noor.room.disconnect()
        await late.room.disconnect()
        assert await recorder.exit_status() == 0, recorder.said()
        return recorder


def test_people_are_told_and_what_they_show_and_say_is_recorded(
    livekit: LiveKitAccess, tmp_path: Path, meetctl: MeetctlRunner
) -> None:
    recorder = asyncio.run(hold_standup(livekit, tmp_path))
    bundle = recorder.bundle
    events = recorder.events()
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert {event["tenant_id"] for event in events} == {"acme"}
    assert (events[0]["agent"], events[0]["announced"]) == (None, True)
    assert recorder.events("recording.told", by="mark")
    told = [event["participant"] for event in recorder.events("recording.told", by="message")]
    assert sorted(told) == ["late", "maya", "noor", "zoe"]
    assert events[-1]["reason"] == recorder.session["reason"] == "everyone left"
    assert (recorder.session["recording"], recorder.session["usd"]) == ("room", "0")
    assert {one["identity"] for one in recorder.session["participants"]} == {"maya", "noor", "late", "zoe"}
    assert not (bundle / "segments").exists()
    streams = video_streams(bundle / "meeting.mkv")
    assert len({stream["MEETCTL_TRACK"] for stream in streams}) == 2
    assert {stream["size"] for stream in streams} >= {"320x240", "400x300"}
    assert listen_to(bundle / "meeting.mkv").loudest(0, 1000) > LOUD
    verification = assert_verified(bundle)
    assert (verification.has_agent, verification.requests) == (False, 0)
    assert verification.frames.journal == events[-1]["frames_kept"]
    assert "4 people; the room was marked as recorded, 4 got a message" in recorder.printed()
    assert recorder.said().startswith("recording 'standup' into")
    check_audits(meetctl, bundle)


def check_audits(meetctl: MeetctlRunner, bundle: Path) -> None:
    """Requests come from a rate or from speech, since no journal has any."""
    audit = json.loads(meetctl("replay", "--fps", "1", "--json", bundle).stdout)
    assert audit["recordings"][0]["turns"]["source"] == "rate"
    audit = json.loads(meetctl("replay", "--fps", "1", "--turns", "vad", "--json", bundle).stdout)
    assert audit["recordings"][0]["turns"]["requests"] >= 1
    refused = meetctl("replay", "--turns", "events", bundle)
    assert refused.returncode == 2
    assert "recorded without an agent" in refused.stderr
    verified = meetctl("replay", "--verify", "--json", bundle)
    assert json.loads(verified.stdout)["bundles"][0]["agent"] is False


def test_silent_recorder_tells_nobody(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with visit(livekit, "quiet", "noor") as noor, ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "quiet", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "quiet", "--silent", "--no-audio") as recorder:
                await recorder.wait_for("frame.kept", count=3)
                assert not noor.room.is_recording
                assert (noor.others, noor.chat) == (["maya"], [])
                await maya.leave()
                await noor.room.disconnect()
                assert await recorder.exit_status() == 0
                return recorder

    recorder = asyncio.run(run())
    assert not recorder.events("recording.told")
    assert not recorder.events("track.started", kind="audio")
    assert recorder.events("session.started", announced=False, audio=False)
    assert "not told of it (--silent)" in recorder.said()
    assert "nobody was told" in recorder.printed()
    assert_verified(recorder.bundle)


def test_room_that_is_not_there_is_not_made(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with visit(livekit, "retro", "noor"):
            with start_recorder(tmp_path, livekit, "Rero") as recorder:
                assert await recorder.exit_status() == 3
                assert recorder.said().splitlines() == [
                    "meetctl: there is no room 'Rero'",
                    "  hint: did you mean 'retro'? --wait waits for it",
                ]
                assert not recorder.bundles
            async with open_api(livekit) as client:
                return [room.name for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms]

    assert "Rero" not in asyncio.run(run())


def test_each_meeting_of_a_room_is_recorded_until_a_signal(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        options = ("--wait", "--again", "--json", "--limit", "1h")
        with start_recorder(tmp_path, livekit, "weekly", *options) as recorder:
            await until(lambda: "waiting for somebody" in recorder.said(), "it waits")
            for number in (1, 2):
                await until(lambda n=number: recorder.said().count("waiting") == n, "it waits")  # type: ignore[misc]
                async with ScriptedPerson("maya", "Maya") as maya:
                    await join(livekit, "weekly", maya)
                    await share(maya)
                    await until(lambda n=number: len(recorder.bundles) == n, "it records")  # type: ignore[misc]
                    await recorder.wait_for("frame.kept", count=2)
                await recorder.wait_for("session.ended", reason="everyone left")
            await until(lambda: recorder.said().count("waiting") == 3, "it waits")
            recorder.signal(signal.SIGTERM)
            assert await recorder.exit_status() == 0
            return recorder

    recorder = asyncio.run(run())
    documents = [json.loads(line) for line in recorder.printed().splitlines()]
    assert [document["bundle"] for document in documents] == [str(bundle) for bundle in recorder.bundles]
    assert {document["schema"] for document in documents} == {"meetctl.record/1"}
    assert {document["reason"] for document in documents} == {"everyone left"}
    for bundle in recorder.bundles:
        assert_verified(bundle)


def test_first_signal_ends_the_recording_well(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "signal", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "signal", "--json") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                recorder.signal(signal.SIGINT)
                assert await recorder.exit_status() == 0
                return recorder

    recorder = asyncio.run(run())
    document = json.loads(recorder.printed())
    assert document["schema"] == "meetctl.record/1"
    assert (document["reason"], document["error"]) == ("stopped by the operator", None)
    assert document["told"] == {"silent": False, "mark": True, "participants": ["maya"]}
    assert document["frames_kept"] == len(recorder.events("frame.kept"))
    assert document["size_bytes"] == sum(file.stat().st_size for file in recorder.bundle.iterdir())
    assert_verified(recorder.bundle)


def test_second_signal_aborts(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "abort", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "abort") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                # Both are there when it goes on, so that it cannot have finished between them.
                for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
                    recorder.signal(number)
                assert await recorder.exit_status() == 130
                return recorder

    recorder = asyncio.run(run())
    assert not recorder.events("session.ended")
    assert recorder.printed() == ""
    assert_verified(recorder.bundle)


def test_room_that_is_closed_ends_the_recording(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "closed", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "closed") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                async with open_api(livekit) as client:
                    await client.room.delete_room(api.DeleteRoomRequest(room="closed"))
                assert await recorder.exit_status() == 0
                return recorder

    recorder = asyncio.run(run())
    assert recorder.events("session.ended", reason="room closed")
    assert_verified(recorder.bundle)


def test_recorder_that_is_removed_does_not_come_back(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "removed", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "removed", "--again") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                (identity,) = await recorder_identities(livekit, "removed")
                async with open_api(livekit) as client:
                    await client.room.remove_participant(
                        api.RoomParticipantIdentity(room="removed", identity=identity)
                    )
                assert await recorder.exit_status() == 0
                return recorder

    recorder = asyncio.run(run())
    assert recorder.events("session.ended", reason="removed from the room")
    assert len(recorder.bundles) == 1


def test_lost_connection_is_made_again_and_told(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "lost", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "lost") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                (identity,) = await recorder_identities(livekit, "lost")
                # The server lets an identity be in a room once, so the recorder's connection is ended.
                async with visit(livekit, "lost", identity):
                    await recorder.wait_for("connection.restored")
                kept = len(recorder.events("frame.kept"))
                await recorder.wait_for("frame.kept", count=kept + 3)
                await recorder.wait_for("participant.left", participant=identity)
                await maya.leave()
                assert await recorder.exit_status() == 0
                return recorder

    recorder = asyncio.run(run())
    (lost,) = recorder.events("connection.lost")
    (restored,) = recorder.events("connection.restored")
    assert lost["reason"] == "duplicate identity"
    assert restored["seq"] > lost["seq"]
    assert len(recorder.events("participant.joined", participant="maya")) == 1
    assert len(recorder.events("track.started", kind="video")) == 2
    assert recorder.events("session.ended")[0]["recorded"]["segments"] == 2
    assert "back in the room after" in recorder.said()
    assert_verified(recorder.bundle)


def test_recording_goes_on_after_a_restart_of_the_server(tmp_path: Path) -> None:
    async def run(server: RestartableServer) -> Recorder:
        await server.start()
        with start_recorder(tmp_path / "recorder", server.access, "back", "--wait", grace="1m") as recorder:
            async with ScriptedPerson("maya", "Maya") as maya:
                await join(server.access, "back", maya)
                await share(maya)
                await recorder.wait_for("frame.kept", count=2)
                server.kill()
                await recorder.wait_for("connection.lost")
                await server.start()
                await recorder.wait_for("connection.restored")
            async with ScriptedPerson("maya", "Maya") as maya:
                await join(server.access, "back", maya)
                await share(maya)
                kept = len(recorder.events("frame.kept"))
                await recorder.wait_for("frame.kept", count=kept + 2)
            recorder.signal(signal.SIGINT)
            assert await recorder.exit_status() == 0
            return recorder

    with clean_home(tmp_path), RestartableServer(tmp_path / "server") as server:
        recorder = asyncio.run(run(server))
    assert len({event["track"] for event in recorder.events("track.started", kind="video")}) == 2
    assert_verified(recorder.bundle)


def test_killed_recorder_leaves_a_bundle_up_to_its_last_second(
    livekit: LiveKitAccess, tmp_path: Path
) -> None:
    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "killed", maya)
            await share(maya)
            with start_recorder(tmp_path, livekit, "killed", "--record", "full") as recorder:
                await recorder.wait_for("frame.kept", count=4)
                recorder.process.kill()
                assert await recorder.exit_status() == -signal.SIGKILL
                return recorder

    recorder = asyncio.run(run())
    assert (recorder.bundle / "segments").is_dir()
    verification = assert_verified(recorder.bundle)
    assert verification.frames.journal >= 4
    assert any("no end" in note for note in verification.notes)


def test_two_recorders_do_not_see_each_other(livekit: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> tuple[Recorder, Recorder]:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "both", maya)
            await share(maya)
            with (
                start_recorder(tmp_path / "a", livekit, "both") as first,
                start_recorder(tmp_path / "b", livekit, "both", "--silent") as second,
            ):
                await first.wait_for("frame.kept", count=3)
                await second.wait_for("frame.kept", count=3)
                await maya.leave()
                assert (await first.exit_status(), await second.exit_status()) == (0, 0)
                return first, second

    for recorder in asyncio.run(run()):
        assert [one["identity"] for one in recorder.session["participants"]] == ["maya"]
        assert_verified(recorder.bundle)


def test_full_disk_ends_the_recording_with_one_line(livekit: LiveKitAccess, tmp_path: Path) -> None:
    disk = tmp_path / "sessions"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs a disk that can be filled: only root may mount one")

    async def run() -> Recorder:
        async with ScriptedPerson("maya", "Maya") as maya:
            await join(livekit, "full-disk", maya)
            await share(maya)
            options = ("--record", "full", "--again", "--json")
            with start_recorder(tmp_path, livekit, "full-disk", *options) as recorder:
                await recorder.wait_for("frame.kept", count=2)
                (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - LEFT_BYTES))
                assert await recorder.exit_status() == 1
                return recorder

    try:
        recorder = asyncio.run(run())
        document = json.loads(recorder.printed())
        assert document["reason"] == "the recording stopped"
        assert "nothing more could be recorded" in document["error"]
        assert "meetctl: nothing more could be recorded in" in recorder.said()
        assert len(recorder.bundles) == 1
        (disk / "filler").unlink()
        assert verify(recorder.bundle).frames.journal >= 2
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
