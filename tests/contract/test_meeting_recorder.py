"""What every meeting recorder promises, held against the fake and the real one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.fakes.meeting_recorder import InMemoryMeetingRecorder
from tests.live_media import CAMERA, SCREEN, draw_frame, tone

from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.domain.live_media import RecordingEnd

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.ports import MeetingRecorder


@pytest.fixture(params=["fake", "av"])
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> MeetingRecorder:
    if request.param == "fake":
        return InMemoryMeetingRecorder()
    return AvMeetingRecorder(tmp_path, now_us=lambda: 1_000_000, on_stopped=pytest.fail)


def test_frames_are_taken_and_counted(recorder: MeetingRecorder) -> None:
    assert all(recorder.write_video(SCREEN, draw_frame(t_ms)) for t_ms in (0, 33, 1000))
    assert recorder.finish() == RecordingEnd(frames=3, dropped=0, segments=1)


def test_nothing_at_all_is_a_recording_of_nothing(recorder: MeetingRecorder) -> None:
    assert recorder.finish() == RecordingEnd(frames=0, dropped=0, segments=0)


def test_sound_alone_has_no_frames(recorder: MeetingRecorder) -> None:
    recorder.write_audio("maya", 600_000, 48_000, tone(20))
    assert recorder.finish() == RecordingEnd(frames=0, dropped=0, segments=0)


def test_another_size_is_another_segment(recorder: MeetingRecorder) -> None:
    for t_ms, width in ((0, 320), (40, 320), (80, 160), (120, 320)):
        assert recorder.write_video(SCREEN, draw_frame(t_ms, width))
    assert recorder.finish() == RecordingEnd(frames=4, dropped=0, segments=3)


def test_a_track_that_ends_may_come_back(recorder: MeetingRecorder) -> None:
    assert recorder.write_video(SCREEN, draw_frame(0))
    recorder.end_video(SCREEN.id)
    recorder.end_video(SCREEN.id)
    assert recorder.write_video(SCREEN, draw_frame(500))
    assert recorder.finish() == RecordingEnd(frames=2, dropped=0, segments=2)


def test_tracks_have_segments_of_their_own(recorder: MeetingRecorder) -> None:
    for t_ms in (0, 40):
        assert recorder.write_video(SCREEN, draw_frame(t_ms))
        assert recorder.write_video(CAMERA, draw_frame(t_ms, 160, 120))
    recorder.end_video("TR_unknown")
    assert recorder.finish() == RecordingEnd(frames=4, dropped=0, segments=2)


@pytest.mark.parametrize("t_ms", [40, 39])
def test_a_frame_that_is_not_later_is_refused_and_counted(recorder: MeetingRecorder, t_ms: int) -> None:
    assert recorder.write_video(SCREEN, draw_frame(40))
    assert not recorder.write_video(SCREEN, draw_frame(t_ms))
    assert recorder.write_video(CAMERA, draw_frame(t_ms))
    assert recorder.finish() == RecordingEnd(frames=2, dropped=1, segments=2)


def test_a_frame_whose_bytes_do_not_fit_its_size_is_refused(recorder: MeetingRecorder) -> None:
    assert not recorder.write_video(SCREEN, replace(draw_frame(0), width=322))
    assert recorder.finish() == RecordingEnd(frames=0, dropped=1, segments=0)


def test_after_the_end_frames_are_refused(recorder: MeetingRecorder) -> None:
    recorder.finish()
    assert not recorder.write_video(SCREEN, draw_frame(0))
    recorder.write_audio("maya", 0, 48_000, tone(20))
    recorder.end_video(SCREEN.id)


@pytest.mark.parametrize("t_us", [-5_000_000, 0, 990_000, 3_600_000_000])
def test_sound_of_any_time_is_no_error(recorder: MeetingRecorder, t_us: int) -> None:
    for voice, rate in (("maya", 48_000), ("agent", 24_000), ("maya", 16_000)):
        recorder.write_audio(voice, t_us, rate, tone(20, rate=rate))
    assert recorder.finish().stopped is None
