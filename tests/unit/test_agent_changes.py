"""What changes while the agent watches: rate, window, detail, size, its eyes, the recording."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.agent_frames import LiveTrack, Stage
from tests.fakes.frame_encoder import DescribingEncoder

from meetctl.core.config import parse_recording

if TYPE_CHECKING:
    from collections.abc import Iterable

STEP_US = 100_000
SECOND_US = 1_000_000


async def show(stage: Stage, track: LiveTrack, times_us: Iterable[int]) -> None:
    for t_us in times_us:
        await stage.show(track, t_us)
    await stage.encoded()


def steps(begin_s: int, end_s: int) -> range:
    """Ten frames a second."""
    return range(begin_s * SECOND_US, end_s * SECOND_US, STEP_US)


def watched(stage: Stage) -> LiveTrack:
    track = LiveTrack()
    stage.feed.watch(track.video, track.frames())
    return track


def test_another_rate_holds_from_the_change_on_and_the_last_kept_frame_counts() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1))
        track = watched(stage)
        await show(stage, track, steps(0, 2))
        stage.feed.change_policy(replace(stage.feed.policy, fps=Fraction(1, 2)))
        await show(stage, track, steps(2, 5))
        await stage.feed.close()
        assert stage.times("frame.kept") == [0, SECOND_US, 3 * SECOND_US]
        (changed,) = stage.sink.fields("policy.changed")
        assert changed == {
            "policy": {"fps": "1/2", "window": 5, "detail": "high", "side": None},
            "eyes": True,
            "from_us": 1_901_000,
            "attaches_from_us": 0,
        }

    asyncio.run(scene())


def test_a_change_to_what_is_already_so_is_none() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.feed.change_policy(replace(stage.feed.policy))
        stage.feed.open_eyes()
        await stage.feed.close()
        assert stage.sink.fields("policy.changed") == []

    asyncio.run(scene())


def test_changes_before_the_first_frame_hold_from_the_first_frame_on() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1))
        for fps in (None, Fraction(0), Fraction(5)):
            stage.feed.change_policy(replace(stage.feed.policy, fps=fps))
        await show(stage, watched(stage), steps(0, 1))
        await stage.feed.close()
        assert [fields["from_us"] for fields in stage.sink.fields("policy.changed")] == [0, 0, 0]
        assert stage.times("frame.kept") == [0, 200_000, 400_000, 600_000, 800_000]

    asyncio.run(scene())


def test_a_frame_from_before_a_change_comes_too_late() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        fast, slow = LiveTrack("fast"), LiveTrack("slow")
        for track in (fast, slow):
            stage.feed.watch(track.video, track.frames())
        await show(stage, fast, [0, 400_000])
        stage.feed.change_policy(replace(stage.feed.policy, side=16))
        await show(stage, slow, [390_000, 400_000, 401_000])
        await stage.feed.close()
        assert sorted(stage.times("video.frames")) == [0, 400_000, 401_000]

    asyncio.run(scene())


def test_a_wider_window_reaches_back_to_what_was_not_let_go() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1), window=2)
        track = watched(stage)
        await show(stage, track, range(0, 20 * SECOND_US, SECOND_US))
        stage.feed.change_policy(replace(stage.feed.policy, window=15))
        stage.clock.advance(2 * SECOND_US)
        assert [frame.t_us // SECOND_US for frame in stage.feed.attach().frames] == list(range(10, 20))
        await show(stage, track, range(22 * SECOND_US, 30 * SECOND_US, SECOND_US))
        stage.clock.advance(SECOND_US)
        frames = stage.feed.attach().frames
        assert [frame.t_us // SECOND_US for frame in frames] == [*range(13, 20), *range(22, 30)]
        await stage.feed.close()
        (changed,) = stage.sink.fields("policy.changed")
        assert changed["attaches_from_us"] == 9 * SECOND_US + 1000

    asyncio.run(scene())


def test_a_request_has_the_detail_of_its_time_and_frames_the_size_of_theirs() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        track = watched(stage)
        await show(stage, track, [0])
        stage.feed.change_policy(replace(stage.feed.policy, detail="low", side=16))
        await show(stage, track, [400_000])
        attachment = stage.feed.attach()
        assert attachment.detail == "low"
        assert [(frame.sent_width, frame.sent_height) for frame in attachment.frames] == [(32, 16), (16, 8)]
        await stage.feed.close()

    asyncio.run(scene())


def test_shut_eyes_see_keep_record_and_send_nothing() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1), recording=parse_recording("full"))
        track = watched(stage)
        await show(stage, track, steps(0, 3))
        assert stage.feed.attach().frames != ()
        stage.feed.shut_eyes()
        assert (stage.feed.sees, stage.feed.attach().frames) == (False, ())
        await show(stage, track, steps(3, 6))
        assert stage.feed.attach().frames == ()
        stage.feed.open_eyes()
        assert stage.feed.attach().frames == ()
        await show(stage, track, steps(6, 8))
        stage.clock.advance(SECOND_US)
        assert [frame.t_us for frame in stage.feed.attach().frames] == [6 * SECOND_US, 7 * SECOND_US]
        await stage.feed.close()
        assert [t_us // SECOND_US for t_us in stage.times("frame.kept")] == [0, 1, 2, 6, 7]
        seen = [*steps(0, 3), *steps(6, 8)]
        assert stage.times("video.frames") == seen
        recorded = [list(segment.times_us) for segment in stage.recorder.segments]
        assert recorded == [list(steps(0, 3)), list(steps(6, 8))]
        kinds = [event.type for event in stage.sink.events if event.type.startswith(("track", "policy"))]
        assert kinds == [
            "track.started",
            "track.ended",
            "policy.changed",
            "policy.changed",
            "track.started",
            "track.ended",
        ]
        shut, opened = stage.sink.fields("policy.changed")
        assert (shut["eyes"], opened["eyes"]) == (False, True)
        assert opened["attaches_from_us"] == opened["from_us"] > 5 * SECOND_US

    asyncio.run(scene())


def test_a_frame_of_the_time_with_shut_eyes_that_comes_after_it_is_left_out() -> None:
    async def scene() -> None:
        stage = Stage(fps=None, recording=parse_recording("full"))
        track = watched(stage)
        stage.feed.shut_eyes()
        stage.clock.advance(SECOND_US)
        stage.feed.open_eyes()
        await show(stage, track, [980_000, 1_020_000])
        await stage.feed.close()
        assert stage.times("video.frames") == [1_020_000]
        assert [list(segment.times_us) for segment in stage.recorder.segments] == [[1_020_000]]

    asyncio.run(scene())


def test_a_picture_that_was_being_encoded_when_the_eyes_were_shut_is_not_sent_later() -> None:
    async def scene() -> None:
        stage = Stage(fps=None, encoder=DescribingEncoder(is_held=True))
        track = watched(stage)
        await stage.show(track, 0)
        stage.feed.shut_eyes()
        stage.feed.open_eyes()
        stage.encoder.allow()
        await stage.encoded()
        await stage.show(track, 500_000)
        stage.encoder.allow()
        await stage.encoded()
        stage.clock.advance(SECOND_US)
        assert [frame.t_us for frame in stage.feed.attach().frames] == [500_000]
        await stage.feed.close()

    asyncio.run(scene())


def test_a_track_that_comes_while_the_eyes_are_shut_is_seen_when_they_open() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1))
        stage.feed.shut_eyes()
        track = watched(stage)
        await show(stage, track, steps(0, 2))
        stage.feed.open_eyes()
        await show(stage, track, steps(2, 4))
        await stage.feed.close()
        assert stage.times("frame.kept") == [2 * SECOND_US, 3 * SECOND_US]

    asyncio.run(scene())


def test_a_pause_of_the_recording_ends_its_segments_and_changes_nothing_of_what_is_kept() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1), recording=parse_recording("full"))
        track = watched(stage)
        await show(stage, track, steps(0, 2))
        stage.feed.change_recording(parse_recording("off"))
        await show(stage, track, steps(2, 4))
        stage.feed.change_recording(parse_recording("2"))
        await show(stage, track, steps(4, 6))
        await stage.feed.close()
        assert stage.times("frame.kept") == [second * SECOND_US for second in range(6)]
        assert stage.times("video.frames") == list(steps(0, 6))
        recorded = [list(segment.times_us) for segment in stage.recorder.segments]
        assert recorded == [list(steps(0, 2)), [4_000_000, 4_500_000, 5_000_000, 5_500_000]]
        assert stage.sink.fields("recording.changed") == [
            {"mode": "off", "from_us": 1_901_000},
            {"mode": "2", "from_us": 3_901_000},
        ]
        assert stage.feed.unrecorded == 0

    asyncio.run(scene())


def test_a_close_look_is_the_newest_frame_of_the_last_track_in_its_own_size() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1), side=16, detail="low")
        assert await stage.feed.look() is None
        first, second = LiveTrack("first"), LiveTrack("second")
        for track in (first, second):
            stage.feed.watch(track.video, track.frames())
        await show(stage, second, [0, 400_000])
        await show(stage, first, [500_000])
        looked = await stage.feed.look()
        assert looked is not None
        assert (looked.id, looked.track, looked.detail) == ("look-000001", "TR_second", "high")
        assert (looked.t_us, looked.jpeg) == (400_000, b"400000 32x16")
        assert stage.feed.attach().looked == (looked,)
        assert stage.sink.fields("frame.looked") == [
            {
                "frame": "look-000001",
                "track": "TR_second",
                "t_us": 400_000,
                "width": 32,
                "height": 16,
                "detail": "high",
            }
        ]
        stage.feed.forget_looked()
        assert stage.feed.attach().looked == ()
        await stage.feed.close()

    asyncio.run(scene())


def test_where_nothing_is_shown_any_more_there_is_nothing_to_look_at() -> None:
    async def scene() -> None:
        stage = Stage()
        track = watched(stage)
        await show(stage, track, [0])
        stage.feed.shut_eyes()
        assert await stage.feed.look() is None
        stage.feed.open_eyes()
        assert await stage.feed.look() is None
        await show(stage, track, [SECOND_US])
        assert await stage.feed.look() is not None
        await stage.feed.unwatch(track.video.id)
        assert await stage.feed.look() is None
        await stage.feed.close()

    asyncio.run(scene())


def test_eyes_that_are_shut_during_a_close_look_end_it() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(0), encoder=DescribingEncoder(is_held=True))
        await show(stage, watched(stage), [0])
        look = asyncio.create_task(stage.feed.look())
        await asyncio.sleep(0)  # it takes the frame and waits for the encoder
        stage.feed.shut_eyes()
        stage.encoder.allow()
        assert await look is None
        assert stage.feed.attach().looked == ()
        await stage.feed.close()

    asyncio.run(scene())


def test_a_close_look_that_cannot_be_encoded_is_told_and_nothing_else() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(0), encoder=DescribingEncoder(broken={0}))
        await show(stage, watched(stage), [0])
        assert await stage.feed.look() is None
        await stage.feed.close()
        assert stage.sink.fields("frame.looked") == []
        assert stage.sink.fields("error") == [{"component": "frame encoder", "error": "ValueError"}]

    asyncio.run(scene())
