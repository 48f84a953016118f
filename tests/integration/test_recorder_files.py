"""What a recording's files hold: while it is written, when it is finished, and read by replay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from tests.live_media import CAMERA, SCREEN, draw_frame, tone

from meetctl.adapters.media_av import AvFrameSource
from meetctl.adapters.recorder_av.backlog import Backlog
from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.adapters.recorder_av.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.domain.live_media import LiveFrame, VideoTrack


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    metadata: dict[str, str]
    pts: list[int]
    keyframe_ms: list[int]
    size: tuple[int, int] = field(default=(0, 0))


def read_streams(path: Path) -> list[StreamFacts]:
    with av.open(str(path)) as container:
        packets: dict[int, list[tuple[int, bool]]] = {stream.index: [] for stream in container.streams}
        for packet in container.demux():
            if packet.pts is not None:
                packets[packet.stream_index].append((packet.pts, packet.is_keyframe))
        return [
            StreamFacts(
                metadata=dict(stream.metadata),
                pts=[pts for pts, _ in packets[stream.index]],
                keyframe_ms=[pts for pts, is_key in packets[stream.index] if is_key],
                size=(stream.width, stream.height) if isinstance(stream, av.VideoStream) else (0, 0),
            )
            for stream in container.streams
        ]


def decode_luma(path: Path, stream: int = 0) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    with av.open(str(path)) as container:
        return [
            frame.reformat(format="gray").to_ndarray()  # type: ignore[misc]
            for frame in container.decode(container.streams.video[stream])
            if not frame.is_corrupt
        ]


def record(bundle: Path, *items: tuple[VideoTrack, LiveFrame]) -> AvMeetingRecorder:
    recorder = AvMeetingRecorder(bundle, now_us=lambda: 0, on_stopped=pytest.fail)
    for track, frame in items:
        assert recorder.write_video(track, frame)
    return recorder


def frames(times_ms: Sequence[int], width: int = 320, height: int = 180) -> list[LiveFrame]:
    return [draw_frame(t_ms, width, height, number=n) for n, t_ms in enumerate(times_ms)]


def ignore(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def test_every_frame_is_on_its_way_to_the_disk_when_it_is_written(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    for count, frame in enumerate(frames([0, 1000, 2000, 60_000, 60_001]), 1):
        segments.write_video(SCREEN, frame)
        (facts,) = read_streams(tmp_path / "segments" / "0001-TR_screen.mkv")
        assert facts.pts == [0, 1000, 2000, 60_000, 60_001][:count]
        assert len(decode_luma(tmp_path / "segments" / "0001-TR_screen.mkv")) == count
    segments.close(0)


def test_an_open_segment_says_whose_it_is(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.write_video(SCREEN, draw_frame(0))
    (facts,) = read_streams(tmp_path / "segments" / "0001-TR_screen.mkv")
    assert facts.metadata == {
        "title": "screen of maya",
        "MEETCTL_TRACK": "TR_screen",
        "MEETCTL_SOURCE": "screen_share",
    }
    segments.close(0)


def test_a_finished_segment_knows_its_length_and_an_open_one_does_not(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    for frame in frames([0, 40, 1960]):
        segments.write_video(SCREEN, frame)
    path = tmp_path / "segments" / "0001-TR_screen.mkv"
    with av.open(str(path)) as container:
        assert container.duration is None
    segments.end_video(SCREEN.id)
    with av.open(str(path)) as container:
        assert container.duration == 1_960_000
    recording = AvFrameSource().read(path, ignore)
    assert (recording.damaged, recording.warnings) == (False, ())


def test_the_bundle_can_be_replayed_while_it_is_written(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    for frame in frames([120, 160, 900]):
        segments.write_video(SCREEN, frame)
    (track,) = AvFrameSource().read(tmp_path, ignore).tracks
    assert list(track.t_us) == [120_000, 160_000, 900_000]
    segments.close(0)


def test_meeting_has_a_stream_for_each_segment_in_order_and_no_segments_are_left(tmp_path: Path) -> None:
    recorder = record(tmp_path, *((SCREEN, frame) for frame in frames([0, 33, 66])))
    assert recorder.write_video(CAMERA, draw_frame(50, 160, 120))
    assert recorder.write_video(SCREEN, draw_frame(100, 640, 360))
    recorder.write_audio("maya", 0, 48_000, tone(200))
    recorder.end_video(SCREEN.id)
    assert recorder.write_video(SCREEN, draw_frame(5_000, 640, 360))
    end = recorder.finish()
    assert (end.frames, end.segments, end.stopped) == (6, 4, None)
    assert [path.name for path in tmp_path.iterdir()] == ["meeting.mkv"]
    *videos, audio = read_streams(tmp_path / "meeting.mkv")
    assert [(v.metadata["MEETCTL_TRACK"], v.size, v.pts) for v in videos] == [
        ("TR_screen", (320, 180), [0, 33, 66]),
        ("TR_camera", (160, 120), [50]),
        ("TR_screen", (640, 360), [100]),
        ("TR_screen", (640, 360), [5_000]),
    ]
    assert videos[1].metadata["title"] == "camera of maya"
    assert videos[1].metadata["MEETCTL_SOURCE"] == "camera"
    assert audio.pts[0] <= 0
    assert audio.pts[-1] >= 180


def test_times_do_not_move_to_zero_when_nothing_is_there(tmp_path: Path) -> None:
    times_ms = [7_200_001, 7_200_034, 7_203_000]
    record(tmp_path, *((SCREEN, frame) for frame in frames(times_ms))).finish()
    (facts,) = read_streams(tmp_path / "meeting.mkv")
    assert facts.pts == times_ms


@pytest.mark.parametrize("size", [(321, 180), (320, 181), (321, 181), (2, 1), (1283, 721), (1282, 722)])
def test_every_size_is_read_as_it_was(tmp_path: Path, size: tuple[int, int]) -> None:
    record(tmp_path, *((SCREEN, frame) for frame in frames([0, 40], *size))).finish()
    (track,) = AvFrameSource().read(tmp_path, ignore).tracks
    assert (track.runs[0].width, track.runs[0].height) == size
    assert decode_luma(tmp_path / "meeting.mkv")[1].shape == (size[1], size[0])


@pytest.mark.parametrize("size", [(640, 360), (641, 361)])
def test_pictures_look_as_they_did(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    drawn = frames([0, 40, 80], width, height)
    record(tmp_path, *((SCREEN, frame) for frame in drawn)).finish()
    for frame, luma in zip(drawn, decode_luma(tmp_path / "meeting.mkv"), strict=True):
        sent = np.frombuffer(frame.data, np.uint8)[: width * height].reshape(height, width)
        # "gray" is FFmpeg's full-range brightness, what is sent is limited.
        full = np.clip((sent.astype(float) - 16) * 255 / 219, 0, 255)
        assert np.sqrt(((full - luma) ** 2).mean()) < 12


def test_colours_are_those_of_webrtc(tmp_path: Path) -> None:
    record(tmp_path, (SCREEN, draw_frame(0))).finish()
    with av.open(str(tmp_path / "meeting.mkv")) as container:
        frame = next(container.decode(video=0))
    assert (int(frame.color_range), int(frame.colorspace)) == (1, 5)  # limited; BT.470BG is BT.601's matrix
    chroma = np.frombuffer(memoryview(frame.planes[1]), np.uint8)
    assert abs(int(chroma[20]) - 90) <= 3


@pytest.mark.parametrize(("step_ms", "count"), [(33, 1000), (1000, 35), (200, 200)])
def test_keyframes_are_at_most_ten_seconds_apart(tmp_path: Path, step_ms: int, count: int) -> None:
    segments = Segments(tmp_path)
    for frame in frames([step_ms * n for n in range(count)], 64, 48):
        segments.write_video(SCREEN, frame)
    segments.close(0)
    (facts,) = read_streams(tmp_path / "segments" / "0001-TR_screen.mkv")
    gaps_ms = [b - a for a, b in pairwise([*facts.keyframe_ms, facts.pts[-1]])]
    assert max(gaps_ms) <= 10_000
    assert min(gaps_ms[:-1]) >= 9_000


def test_a_track_s_id_cannot_leave_the_directory(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.write_video(replace(SCREEN, id="../../etc/Ä b"), draw_frame(0))
    segments.close(0)
    (path,) = (tmp_path / "segments").iterdir()
    assert path.name == "0001-______etc___b.mkv"
    assert read_streams(path)[0].metadata["MEETCTL_TRACK"] == "../../etc/Ä b"


def test_nothing_at_all_leaves_no_file(tmp_path: Path) -> None:
    record(tmp_path).finish()
    assert not list(tmp_path.iterdir())


def test_sound_alone_is_a_meeting_too(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    recorder.write_audio("maya", 0, 48_000, tone(100))
    recorder.finish()
    (audio,) = read_streams(tmp_path / "meeting.mkv")
    assert len(audio.pts) >= 5


def test_a_frame_is_refused_when_too_much_waits(tmp_path: Path) -> None:
    frame = draw_frame(0)
    recorder = AvMeetingRecorder(
        tmp_path, now_us=lambda: 0, on_stopped=pytest.fail, backlog_bytes=len(frame.data) - 1
    )
    assert not recorder.write_video(SCREEN, frame)
    assert recorder.write_video(SCREEN, draw_frame(0, 160, 90))
    end = recorder.finish()
    assert (end.frames, end.dropped) == (1, 1)


def test_what_waits_is_bounded_by_bytes_and_comes_out_in_order() -> None:
    backlog: Backlog[str] = Backlog()
    assert [backlog.put(name, 4, 10) for name in "abc"] == [True, True, False]
    assert backlog.put("c", 4, 12)
    assert backlog.take(0) == "a"
    assert backlog.put("d", 4, 12)
    backlog.close()
    assert not backlog.put("e", 0, 12)
    assert [backlog.take(0) for _ in "bcd."] == ["b", "c", "d", None]
    assert backlog.is_drained


def test_sound_is_written_before_pictures_that_wait() -> None:
    backlog: Backlog[str] = Backlog()
    for name, is_urgent in (("picture", False), ("sound", True), ("more sound", True)):
        assert backlog.put(name, 1, 10, is_urgent=is_urgent)
    assert [backlog.take(0) for _ in range(3)] == ["sound", "more sound", "picture"]


def test_what_is_thrown_away_makes_room() -> None:
    backlog: Backlog[str] = Backlog()
    assert backlog.put("a", 10, 10)
    backlog.clear()
    assert backlog.take(0) is None
    assert backlog.put("b", 10, 10)
