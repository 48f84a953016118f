"""Short stretches of a recording: a pause may leave a segment of any number of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import pytest
from tests.live_media import SCREEN, draw_frame

from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("step_ms", [33, 1000])
@pytest.mark.parametrize("frames", range(1, 13))
def test_a_segment_of_any_length_is_joined_whole(frames: int, step_ms: int, tmp_path: Path) -> None:
    """Of a segment of seven frames FFmpeg does not find out when they are to be decoded."""
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: 0, on_stopped=pytest.fail)
    stretches = [
        [number * step_ms for number in range(frames)],
        [60_000 + number * step_ms for number in range(frames)],
    ]
    for times_ms in stretches:
        for number, t_ms in enumerate(times_ms):
            assert recorder.write_video(SCREEN, draw_frame(t_ms, number=number))
        recorder.end_video(SCREEN.id)
    assert recorder.finish().frames == 2 * frames
    with av.open(str(tmp_path / "meeting.mkv")) as container:
        joined: list[list[int]] = [[] for _ in container.streams]
        for packet in container.demux():
            if packet.pts is not None:
                joined[packet.stream_index].append(packet.pts)
    assert joined == stretches
    assert not (tmp_path / "segments").exists()
