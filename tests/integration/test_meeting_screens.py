"""What the agent sees of screens and cameras that come, change and go, and of people who do."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.live_agent import attend
from tests.live_meeting import (
    SHARE_FPS,
    LiveStack,
    ask,
    assert_verified,
    run_stack,
    share_camera,
    verify,
    video_streams,
)

from meetctl import bootstrap
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live_meeting import LiveMeeting

pytestmark = pytest.mark.live

GRACE_S = 8
HOW_MANY = "How many pictures did you get?"
DEFAULT_POLICY = {"fps": "1", "window": 5, "detail": "high", "side": None, "model": "gpt-4.1"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with run_stack(
        tmp_path_factory.mktemp("stack"), "--grace-s", str(GRACE_S), "--record", "full"
    ) as running:
        yield running


def test_screens_are_seen_each_at_its_size_and_cameras_only_where_there_is_no_screen(
    stack: LiveStack,
) -> None:
    async def meet() -> tuple[LiveMeeting, dict[str, str]]:
        meeting = stack.meeting("screens")
        slides = SlidePictures(320, 240)
        ids: dict[str, str] = {}
        async with ScriptedPerson("maya", "Maya") as maya, ScriptedPerson("ken", "Ken") as ken:
            # The agent listens to the person it found first.
            await meeting.admit(maya)
            await meeting.invite_agent()
            async with (
                attend(stack.livekit, meeting.room, "noor") as noor,
                share_camera(noor, SlidePictures(160, 120)) as ids["camera"],
            ):
                await meeting.wait_for("frame.kept", track=ids["camera"])
                first = await maya.share_screen(slides, SHARE_FPS)
                ids["first"] = first.track_id
                await meeting.wait_for("track.ended", track=ids["camera"])
                await meeting.wait_for("frame.kept", track=ids["first"], width=320)
                slides.resize(240, 320)
                await meeting.wait_for("frame.kept", count=2, track=ids["first"], width=240)
                await first.stop()
                await meeting.wait_for("track.ended", track=ids["first"])
                await meeting.wait_for("track.started", count=2, track=ids["camera"])
                again = await maya.share_screen(slides, SHARE_FPS)
                ids["again"] = again.track_id
                await meeting.wait_for("track.ended", count=2, track=ids["camera"])
                await meeting.wait_for("frame.kept", track=ids["again"])
                await meeting.admit(ken)
                ids["second"] = (await ken.share_screen(SlidePictures(640, 360), SHARE_FPS)).track_id
                await meeting.wait_for("frame.kept", count=3, track=ids["second"])
                await meeting.wait_for("frame.kept", count=3, track=ids["again"])
                assert "I got 5 pictures" in await ask(maya, HOW_MANY)
        await meeting.end()
        return meeting, ids

    meeting, ids = asyncio.run(meet())
    assert_tracks_are_told_as_they_came(meeting, ids)
    assert_recorded_in_segments(meeting, ids)
    request = meeting.events("llm.request")[-1]
    tracks = {event["frame"]: event["track"] for event in meeting.events("frame.kept")}
    assert {tracks[frame] for frame in request["images"]} == {ids["again"], ids["second"]}
    assert_verified(meeting.bundle)


def assert_tracks_are_told_as_they_came(meeting: LiveMeeting, ids: dict[str, str]) -> None:
    starts = meeting.events("track.started", kind="video")
    assert [(event["track"], event["source"], event["participant"]) for event in starts] == [
        (ids["camera"], "camera", "noor"),
        (ids["first"], "screen_share", "maya"),
        (ids["camera"], "camera", "noor"),
        (ids["again"], "screen_share", "maya"),
        (ids["second"], "screen_share", "ken"),
    ]
    assert len(set(ids.values())) == 4
    ends = [event["track"] for event in meeting.events("track.ended", kind="video")]
    assert sorted(ends) == sorted(event["track"] for event in starts)
    # A track's times go on where they were, and never back.
    for track in ids.values():
        times = [t_us for event in meeting.events("video.frames", track=track) for t_us in event["t_us"]]
        assert times == sorted(set(times))
        assert all(t_us % 1000 == 0 for t_us in times)


def assert_recorded_in_segments(meeting: LiveMeeting, ids: dict[str, str]) -> None:
    streams = [
        (stream["MEETCTL_TRACK"], stream["size"]) for stream in video_streams(meeting.bundle / "meeting.mkv")
    ]
    assert streams == [
        (ids["camera"], "160x120"),
        (ids["first"], "320x240"),
        (ids["first"], "240x320"),
        (ids["camera"], "160x120"),
        (ids["again"], "240x320"),
        (ids["second"], "640x360"),
    ]
    recording = bootstrap.frame_source().read(meeting.bundle, lambda *_: None)
    assert {track.id: len(track.parts) for track in recording.tracks} == {
        ids["camera"]: 2, ids["first"]: 2, ids["again"]: 1, ids["second"]: 1
    }  # fmt: skip
    end = meeting.events("session.ended")[0]
    assert end["recorded"]["segments"] == 6
    seen = sum(len(event["t_us"]) for event in meeting.events("video.frames"))
    assert end["recorded"]["frames"] + end["recorded"]["dropped"] == seen


def test_person_who_returns_in_time_keeps_the_meeting_and_one_who_leaves_ends_it(stack: LiveStack) -> None:
    async def meet() -> LiveMeeting:
        meeting = stack.meeting("return")
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await meeting.invite_agent()
            for visit in (1, 2):
                if visit == 2:
                    await meeting.admit(maya)
                share = await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
                await meeting.wait_for("frame.kept", count=2, track=share.track_id)
                assert "picture" in await ask(maya, HOW_MANY)
                await maya.leave()
                await meeting.wait_for("participant.left", count=visit, participant="maya")
        await meeting.end("everyone left")
        return meeting

    meeting = asyncio.run(meet())
    assert [event["participant"] for event in meeting.events("participant.joined")].count("maya") == 2
    assert len({event["track"] for event in meeting.events("track.started", kind="video")}) == 2
    first, *_, last = meeting.events("llm.request")
    assert len(last["images"]) > len(first["images"]) or len(last["images"]) == 5
    assert {turn["outcome"] for turn in meeting.events("turn.ended")} == {"done"}
    (maya,) = [one for one in meeting.session["participants"] if one["kind"] == "standard"]
    assert maya == {"identity": "maya", "name": "Maya", "kind": "standard"}
    assert_verified(meeting.bundle)


async def watch(meeting: LiveMeeting, metadata: dict[str, object] | str, *, frames: int) -> Any:
    """Hold a silent meeting with a shared screen, until some frames were kept; return its first event."""
    async with ScriptedPerson("maya", "Maya") as maya:
        await meeting.admit(maya)
        await meeting.invite_agent(metadata)
        await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
        await meeting.wait_for("frame.kept", count=frames)
        await meeting.close_room()
    end = await meeting.end("room closed")
    started = meeting.events("session.started")[0]
    assert end["recorded"]["mode"] == started["record"]
    return started


def kept_gaps_us(meeting: LiveMeeting) -> list[int]:
    times = [event["t_us"] for event in meeting.events("frame.kept")]
    return [after - before for before, after in pairwise(times)]


def test_metadata_of_a_dispatch_changes_policy_and_recording_of_one_meeting(stack: LiveStack) -> None:
    async def meet() -> None:
        sampled, off = stack.meeting("sampled"), stack.meeting("off")
        ordered, unrecorded = await asyncio.gather(
            watch(
                sampled,
                {"tenant": "acme", "fps": 0.5, "window": 2, "detail": "low", "record": "sampled"},
                frames=3,
            ),
            watch(off, {"record": "off"}, frames=2),
        )
        policy = {**DEFAULT_POLICY, "fps": "1/2", "window": 2, "detail": "low"}
        assert (ordered["policy"], ordered["record"], ordered["tenant_id"]) == (policy, "sampled", "acme")
        assert min(kept_gaps_us(sampled)) >= 2_000_000
        kept, seen = sampled.events("frame.kept"), sampled.events("video.frames")
        assert sampled.session["recorded"]["frames"] == len(kept) == sum(event["kept"] for event in seen)
        assert sum(len(event["t_us"]) for event in seen) > len(kept)
        assert sampled.session["config"]["policy"] == policy
        assert_verified(sampled.bundle)
        assert (unrecorded["policy"], unrecorded["tenant_id"]) == (DEFAULT_POLICY, None)
        assert {path.name for path in off.bundle.iterdir()} == {"events.jsonl", "session.json"}
        undecided = verify(off.bundle)
        assert not undecided.is_decided
        assert undecided.first_difference

    asyncio.run(meet())


def test_wrong_metadata_is_logged_and_keeps_the_workers_settings(stack: LiveStack) -> None:
    async def meet() -> None:
        wrong, broken = stack.meeting("wrong"), stack.meeting("broken")
        values: dict[str, object] = {"fps": "often", "window": -1, "detail": "sharp", "record": "all"}
        ordered, unread = await asyncio.gather(
            watch(wrong, values, frames=2), watch(broken, '{"fps": 2', frames=2)
        )
        for meeting, started in ((wrong, ordered), (broken, unread)):
            assert (started["policy"], started["record"]) == (DEFAULT_POLICY, "full")
            assert started["tenant_id"] is None
            assert_verified(meeting.bundle)
        messages = [event["message"] for event in wrong.events("log", level="warning")]
        assert len(messages) == len(values)
        for message, (name, value) in zip(messages, values.items(), strict=True):
            assert name in message or str(value) in message
        (log,) = broken.events("log")
        assert "not a JSON object" in log["message"]
        assert "fps" not in json.dumps(log)

    asyncio.run(meet())
