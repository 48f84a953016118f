"""Frames' pictures from recordings: finished ones, those being written, those that are not there."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import RECORDINGS, make_meeting, read_recording
from tests.live_media import CAMERA, SCREEN, draw_frame

from meetctl.adapters.media_av.frame_pictures import RecordedPictures
from meetctl.adapters.media_av.single_frames import read_frame
from meetctl.adapters.recorder_av.segments import Segments
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["live-demo", "quarterly-review", "code-walkthrough"])
def test_kept_frames_of_recordings_are_found_by_their_times(name: str) -> None:
    frames = make_meeting(read_recording(name)).state.frames.recent

    for frame in frames[:: len(frames) // 4]:
        assert read_frame(RECORDINGS / name, frame.track, frame.t_us, 32) is not None
        assert read_frame(RECORDINGS / name, frame.track, frame.t_us + 5_000, 32) is None


def test_a_meeting_that_goes_on_is_read_from_its_segments(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    segments = Segments(tmp_path)
    for number in range(30):
        segments.write_video(SCREEN, draw_frame(1000 * number, number=number))
    segments.write_video(CAMERA, draw_frame(5000, 160, 120))

    early, last = (read_frame(tmp_path, SCREEN.id, t_us, 80) for t_us in (5_000_000, 29_000_000))
    camera = read_frame(tmp_path, CAMERA.id, 5_000_000, 80)

    assert early is not None
    assert last is not None
    assert (early.width, early.height) == (80, 45)
    assert early.rgb != last.rgb  # the bar has walked
    assert camera is not None
    assert (camera.width, camera.height) == (80, 60)
    assert read_frame(tmp_path, SCREEN.id, 30_000_000, 80) is None  # not written yet
    assert read_frame(tmp_path, "TR_other", 5_000_000, 80) is None
    segments.write_video(SCREEN, draw_frame(30_000))
    assert read_frame(tmp_path, SCREEN.id, 30_000_000, 80) is not None
    segments.close(31_000_000)


def test_a_bundle_without_a_recording_says_so(tmp_path: Path) -> None:
    meeting = replace(make_meeting(read_recording("live-demo")), bundle=tmp_path)

    with pytest.raises(MediaError, match="without"):
        asyncio.run(RecordedPictures().read(meeting, meeting.state.frames.recent[0], side=32))


def test_a_damaged_recording_has_the_frames_before_the_damage(tmp_path: Path) -> None:
    whole = (RECORDINGS / "live-demo" / "meeting.mkv").read_bytes()
    (tmp_path / "meeting.mkv").write_bytes(whole[: len(whole) // 2])
    first, *_, last = make_meeting(read_recording("live-demo")).state.frames.recent

    assert read_frame(tmp_path, first.track, first.t_us, 32) is not None
    assert read_frame(tmp_path, last.track, last.t_us, 32) is None


def test_reading_stops_when_the_picture_is_no_longer_wanted() -> None:
    frame = make_meeting(read_recording("live-demo")).state.frames.recent[-1]

    assert read_frame(RECORDINGS / "live-demo", frame.track, frame.t_us, 32, lambda: True) is None


def test_whoever_is_cancelled_lets_the_next_one_read() -> None:
    meeting = replace(make_meeting(read_recording("live-demo")), bundle=RECORDINGS / "live-demo")
    first, second, *_ = meeting.state.frames.recent
    pictures = RecordedPictures()
    threads = threading.active_count()

    async def change_ones_mind() -> bool:
        reading = asyncio.create_task(pictures.read(meeting, first, side=48))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return await pictures.read(meeting, second, side=48) is not None

    assert asyncio.run(change_ones_mind())
    assert threading.active_count() == threads
