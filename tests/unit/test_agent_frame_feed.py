"""The feed of frames: which are kept, journalled, recorded and sent."""

from __future__ import annotations

import asyncio
import logging
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent_frames import LiveTrack, Stage
from tests.fakes.frame_encoder import DescribingEncoder

from meetctl.agent.frame_feed import MOST_WAITING_BYTES
from meetctl.core.config import parse_recording
from meetctl.domain.sampler import Sampler

if TYPE_CHECKING:
    from tests.fakes.meeting_recorder import Segment

STEP_US = 40_000


async def show_all(stage: Stage, track: LiveTrack, times_us: list[int]) -> None:
    stage.feed.watch(track.video, track.frames())
    for t_us in times_us:
        await stage.show(track, t_us)
    await stage.feed.close()


def recorded(segments: list[Segment]) -> list[int]:
    return [t_us for segment in segments for t_us in segment.times_us]


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(2, 3), Fraction(30000, 1001), Fraction(0), None])
@settings(max_examples=20)
@given(gaps=st.lists(st.integers(1, 900), max_size=40))
def test_kept_are_the_frames_that_the_sampler_alone_keeps(fps: Fraction | None, gaps: list[int]) -> None:
    times_us = [sum(gaps[:n]) * 1000 for n in range(len(gaps) + 1)]

    async def scene() -> None:
        stage = Stage(fps=fps)
        await show_all(stage, LiveTrack(), times_us)
        kept = [times_us[index] for index in Sampler(fps).select(times_us)]
        assert stage.times("frame.kept") == kept
        assert stage.times("video.frames") == times_us
        assert sum(fields["kept"] for fields in stage.sink.fields("video.frames")) == len(kept)
        assert stage.feed.kept == len(kept)

    asyncio.run(scene())


def test_late_and_repeated_frames_are_left_out_everywhere() -> None:
    async def scene() -> None:
        stage = Stage(fps=None, recording=parse_recording("full"))
        await show_all(stage, LiveTrack(), [0, 40_000, 40_000, 40_300, 20_000, 80_000])
        assert stage.times("frame.kept") == [0, 40_000, 80_000]
        assert stage.times("video.frames") == [0, 40_000, 80_000]
        assert recorded(stage.recorder.segments) == [0, 40_000, 80_000]

    asyncio.run(scene())


def test_a_frame_from_before_a_request_comes_too_late() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        fast, slow = LiveTrack("fast"), LiveTrack("slow")
        for track in (fast, slow):
            stage.feed.watch(track.video, track.frames())
        await stage.show(fast, 0)
        await stage.show(fast, 400_000)
        assert stage.feed.attach().as_of_us == 399_000  # the newest is being encoded
        await stage.show(slow, 390_000)
        await stage.show(slow, 399_000)
        await stage.show(slow, 400_000)
        await stage.encoded()
        assert [frame.track for frame in stage.feed.attach().frames] == ["TR_fast", "TR_fast", "TR_slow"]
        await stage.feed.close()
        assert sorted(stage.times("video.frames")) == [0, 400_000, 400_000]

    asyncio.run(scene())


def test_a_new_size_begins_a_new_batch_and_a_new_segment() -> None:
    async def scene() -> None:
        stage = Stage(fps=Fraction(1), recording=parse_recording("full"))
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        for n, width in enumerate((32, 32, 64, 64, 32)):
            await stage.show(track, n * STEP_US, width)
        await stage.feed.close()
        batches = [
            (fields["t_us"], fields["width"], fields["kept"]) for fields in stage.sink.fields("video.frames")
        ]
        assert batches == [([0, 40_000], 32, 1), ([80_000, 120_000], 64, 0), ([160_000], 32, 0)]
        assert [segment.width for segment in stage.recorder.segments] == [32, 64, 32]
        assert len(stage.sink.fields("track.started")) == 1

    asyncio.run(scene())


def test_a_track_that_returns_goes_on_with_its_sampler() -> None:
    async def scene() -> None:
        stage = Stage()
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0)
        await stage.show(track, 500_000)
        await stage.feed.unwatch(track.video.id)
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 900_000)
        await stage.show(track, 1_000_000)
        await stage.feed.close()
        assert stage.times("frame.kept") == [0, 1_000_000]
        assert [event.type for event in stage.sink.events if event.type.startswith(("track", "video"))] == [
            "track.started",
            "video.frames",
            "track.ended",
            "track.started",
            "video.frames",
            "track.ended",
        ]
        assert [segment.times_us for segment in stage.recorder.segments] == [[0], [1_000_000]]

    asyncio.run(scene())


def test_a_track_that_returns_before_its_end_was_told_is_one_after_the_other() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0)
        ending = asyncio.create_task(stage.feed.unwatch(track.video.id))
        await asyncio.sleep(0)
        stage.feed.watch(track.video, track.frames())
        await ending
        await stage.show(track, 100_000)
        await stage.feed.close()
        kinds = [event.type for event in stage.sink.events if event.type.startswith("track")]
        assert kinds == ["track.started", "track.ended"] * 2
        assert stage.times("video.frames") == [0, 100_000]

    asyncio.run(scene())


def test_a_track_that_returns_in_the_same_moment_is_watched_again() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        track, again = LiveTrack(), LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0)
        ending = asyncio.create_task(stage.feed.unwatch(track.video.id))
        stage.feed.watch(again.video, again.frames())
        await ending
        await stage.show(again, 100_000)
        await stage.feed.close()
        assert stage.times("video.frames") == [0, 100_000]

    asyncio.run(scene())


def test_a_track_that_ends_by_itself_is_told_at_once() -> None:
    async def scene() -> None:
        stage = Stage()
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0)
        await track.end()
        await asyncio.sleep(0)
        assert [event.type for event in stage.sink.events][-2:] == ["video.frames", "track.ended"]
        await stage.feed.unwatch(track.video.id)
        await stage.feed.close()
        assert len(stage.sink.fields("track.ended")) == 1

    asyncio.run(scene())


def test_a_track_without_a_frame_leaves_no_trace() -> None:
    async def scene() -> None:
        stage = Stage()
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await asyncio.sleep(0)
        await stage.feed.close()
        await stage.feed.unwatch("TR_never")
        assert stage.sink.events == []

    asyncio.run(scene())


@pytest.mark.parametrize("mode", ["off", "sampled", "full", "5"])
def test_the_recording_holds_what_its_mode_says_and_every_kept_frame(mode: str) -> None:
    times_us = [n * STEP_US for n in range(60)]

    async def scene() -> None:
        stage = Stage(fps=Fraction(2, 3), recording=parse_recording(mode))
        await show_all(stage, LiveTrack(), times_us)
        kept = stage.times("frame.kept")
        every_fifth = [times_us[index] for index in Sampler(Fraction(5)).select(times_us)]
        expected = {
            "off": [],
            "sampled": kept,
            "full": times_us,
            "5": sorted({*every_fifth, *kept}),
        }
        assert recorded(stage.recorder.segments) == expected[mode]
        assert stage.times("video.frames") == times_us
        assert kept == [0, 1_520_000]

    asyncio.run(scene())


def test_frames_that_the_recorder_refuses_are_counted_and_sent_all_the_same() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0)
        stage.recorder.is_behind = True
        await stage.show(track, 40_000)
        await stage.encoded()
        assert stage.feed.unrecorded == 1
        assert len(stage.feed.attach().frames) == 2
        await stage.feed.close()

    asyncio.run(scene())


def test_frames_are_encoded_off_the_loop_in_the_size_that_is_sent() -> None:
    async def scene() -> None:
        stage = Stage(side=100)
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        await stage.show(track, 0, 192, 108)
        await stage.encoded()
        (frame,) = stage.feed.attach().frames
        assert (frame.width, frame.height, frame.sent_width, frame.sent_height) == (192, 108, 100, 56)
        assert frame.jpeg == b"0 100x56"
        assert all(name.startswith("frame-encoder") for name in stage.encoder.threads)
        await stage.feed.close()

    asyncio.run(scene())


def test_a_frame_that_cannot_be_encoded_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    async def scene() -> None:
        stage = Stage(fps=None, encoder=DescribingEncoder(broken={40_000}))
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        for t_us in (0, 40_000, 80_000):
            await stage.show(track, t_us)
        await stage.encoded()
        assert [frame.t_us for frame in stage.feed.attach().frames] == [0, 80_000]
        assert stage.sink.fields("error") == [{"component": "frame encoder", "error": "ValueError"}]
        await stage.feed.close()

    asyncio.run(scene())
    assert "frame-000001" in caplog.text


def test_frames_are_let_go_while_too_much_waits_to_be_encoded_and_that_is_told_once() -> None:
    async def scene() -> None:
        width, height = 5760, 3840
        stage = Stage(fps=None, encoder=DescribingEncoder(is_held=True))
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        enough = MOST_WAITING_BYTES // (width * height * 3 // 2) + 1
        shown = [index * 1_000_000 for index in range(enough + 3)]
        for t_us in shown:
            await stage.show(track, t_us, width, height)
        assert stage.times("frame.kept") == shown[:enough]
        assert stage.sink.fields("error") == [{"component": "frame encoder", "error": "Behind"}]
        stage.encoder.allow(enough + 1)
        await stage.encoded()
        await stage.show(track, 60_000_000, width, height)
        assert stage.times("frame.kept") == [*shown[:enough], 60_000_000]
        await stage.feed.close()
        assert stage.times("video.frames") == [*shown[:enough], 60_000_000]

    asyncio.run(scene())


def test_after_its_end_the_feed_holds_no_frame() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        await show_all(stage, LiveTrack(), [0, 40_000])
        assert stage.feed.attach().frames == ()

    asyncio.run(scene())


def test_a_full_disk_costs_events_but_no_frame() -> None:
    async def scene() -> None:
        stage = Stage(fps=None)
        track = LiveTrack()
        stage.feed.watch(track.video, track.frames())
        stage.sink.is_full = True
        await stage.show(track, 0)
        stage.sink.is_full = False
        await stage.show(track, 40_000)
        await stage.encoded()
        assert [frame.t_us for frame in stage.feed.attach().frames] == [0, 40_000]
        await stage.feed.close()
        assert stage.journal.lost == 2
        assert [event.seq for event in stage.sink.events] == [2, 3, 4]

    asyncio.run(scene())
