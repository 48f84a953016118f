"""What is left of a recording when its process is killed, its disk is full, or a part of it is broken."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from tests.live_media import CAMERA, SCREEN, draw_frame, tone

from meetctl.adapters.media_av import AvFrameSource
from meetctl.adapters.recorder_av import joining
from meetctl.adapters.recorder_av.joining import join_segments
from meetctl.adapters.recorder_av.live_matroska import LiveMatroska, VideoHeader
from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.adapters.recorder_av.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
CHILD = (sys.executable, "-m", "tests.live_media")
SECOND_US = 1_000_000


def ignore(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def decoded_end_us(path: Path) -> int:
    """Decode everything with errors made loud; return when the last frame or packet of sound ends."""
    end_us = 0
    with av.open(str(path)) as container:
        container.streams[0].codec_context.options = {"err_detect": "explode"}
        for frame in container.decode(container.streams[0]):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            assert not frame.is_corrupt
            assert frame.pts is not None
            assert frame.time_base is not None
            end_us = round(frame.pts * frame.time_base * SECOND_US)
    return end_us


def packet_times(path: Path) -> list[list[int]]:
    with av.open(str(path)) as container:
        times: list[list[int]] = [[] for _ in container.streams]
        for packet in container.demux():
            if packet.pts is not None:
                times[packet.stream_index].append(packet.pts)
    return times


def write_segments(bundle: Path) -> None:
    """A bundle as a worker leaves it that is killed: two tracks and sound, nothing finished."""
    living = bundle / "living"
    segments = Segments(living)
    for t_ms in range(0, 2000, 100):
        segments.write_video(SCREEN, draw_frame(t_ms, number=t_ms))
        segments.write_video(CAMERA, draw_frame(t_ms, 160, 120))
        segments.write_audio("maya", t_ms * 1000, 48_000, tone(100))
    segments.advance(2_000_000)
    shutil.copytree(living / "segments", bundle / "segments")
    segments.abandon()
    shutil.rmtree(living)


def test_killed_at_any_moment_everything_is_readable_to_within_a_second(tmp_path: Path) -> None:
    seed = random.randrange(1000)
    kill_at = 30 + seed % 90
    with subprocess.Popen([*CHILD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        taken_us = [int(child.stdout.readline()) for _ in range(kill_at)]
        child.kill()
        taken_us += [int(line) for line in child.stdout.read().splitlines()]
    last_us = taken_us[-1]
    files = sorted(path.name for path in (tmp_path / "segments").iterdir())
    assert files == ["0001-TR_screen.mkv", "audio.mkv"]
    for name in files:
        assert decoded_end_us(tmp_path / "segments" / name) >= last_us - SECOND_US, f"seed {seed}"
    (written_ms,) = packet_times(tmp_path / "segments" / files[0])
    assert [1000 * t_ms for t_ms in written_ms] == taken_us[: len(written_ms)]
    assert join_segments(tmp_path)
    (track,) = AvFrameSource().read(tmp_path, ignore).tracks
    assert list(track.t_us) == taken_us[: len(written_ms)]


def test_cut_off_anywhere_a_segment_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    header = VideoHeader(codec_id="V_MJPEG", codec_private=b"", width=2, height=2, name="cut")
    file = LiveMatroska(path, header)
    ends = []
    for number in range(5):
        file.write(700 * number, bytes([number]) * 50, is_keyframe=True)
        ends.append(path.stat().st_size)
    file.close()
    whole = path.read_bytes()
    assert len(whole) == ends[-1]
    for length in range(ends[0], len(whole) + 1):
        path.write_bytes(whole[:length])
        packets = packet_times(path)[0]
        assert packets == [0, 700, 1400, 2100, 2800][: sum(end <= length for end in ends)]


def test_a_full_disk_stops_the_recording_and_keeps_what_is_there(tmp_path: Path) -> None:
    child = subprocess.run(
        [*CHILD, tmp_path, "--file-bytes", "3000000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *taken, end_line = child.stdout.splitlines()
    end = json.loads(end_line)
    assert end["stopped"] == "file too large"
    assert end["told"] == ["file too large"]
    assert end["frames"] + end["dropped"] >= len(taken) > end["frames"] > 0
    assert not (tmp_path / "meeting.mkv.part").exists()
    recording = AvFrameSource().read(tmp_path, ignore)
    written_us = [int(line) for line in taken][: end["frames"]]
    assert list(recording.tracks[0].t_us) == written_us
    assert decoded_end_us(recording.tracks[0].media) == written_us[-1]


def test_a_disk_without_space_is_named_and_joined_later(tmp_path: Path) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a small file system needs Linux, root and unshare")
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=4m none "$0" && "$1" -m tests.live_media "$0" --file-bytes 900000000'
        ' && cp -r "$0" "$2"'
    )
    child = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, disk, sys.executable, copy],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount" in child.stderr or "unshare" in child.stderr:
        pytest.skip(f"no file system can be mounted here: {child.stderr.strip()}")
    assert child.returncode == 0, child.stderr
    *taken, end_line = child.stdout.splitlines()
    end = json.loads(end_line)
    assert (end["stopped"], end["told"]) == ("no space is left", ["no space is left"])
    assert sorted(path.name for path in copy.iterdir()) == ["segments"]
    assert join_segments(copy)
    times = packet_times(copy / "meeting.mkv")[0]
    assert [1000 * t_ms for t_ms in times] == [int(line) for line in taken][: end["frames"]]


def test_a_directory_that_cannot_be_written_stops_the_recording_once(tmp_path: Path) -> None:
    (tmp_path / "segments").write_text("in the way")
    reasons: list[str] = []
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: 0, on_stopped=reasons.append)
    recorder.write_video(SCREEN, draw_frame(0))
    recorder.write_audio("maya", 0, 48_000, tone(20))
    recorder.write_video(CAMERA, draw_frame(0))
    end = recorder.finish()
    assert reasons == ["file exists"]
    assert (end.frames, end.dropped, end.segments, end.stopped) == (0, 2, 0, "file exists")


def test_a_block_that_did_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "live.mkv"
    header = VideoHeader(codec_id="V_MJPEG", codec_private=b"", width=2, height=2, name="full")
    file = LiveMatroska(path, header)
    file.write(0, b"first", is_keyframe=True)
    size = path.stat().st_size
    real = file._file

    class FullFile:
        """A file of which the disk takes three bytes more."""

        def write(self, data: memoryview) -> int:
            if len(data) <= 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real.write(data[: len(data) - 3]) or 0

        def truncate(self, size: int) -> int:
            return real.truncate(size)

    monkeypatch.setattr(file, "_file", FullFile())
    with pytest.raises(OSError, match="No space left"):
        file.write(40, b"second" * 10, is_keyframe=True)
    monkeypatch.undo()
    file.close()
    assert path.stat().st_size == size
    assert packet_times(path) == [[0]]


def test_a_killed_worker_s_segments_are_joined_with_every_packet(tmp_path: Path) -> None:
    write_segments(tmp_path)
    expected = [packet_times(path)[0] for path in sorted((tmp_path / "segments").iterdir())]
    (tmp_path / "segments" / "0003-TR_late.mkv").touch()
    assert join_segments(tmp_path)
    assert packet_times(tmp_path / "meeting.mkv") == expected
    assert [path.name for path in tmp_path.iterdir()] == ["meeting.mkv"]


def test_joining_again_changes_nothing(tmp_path: Path) -> None:
    write_segments(tmp_path)
    shutil.copytree(tmp_path / "segments", tmp_path / "again")
    assert join_segments(tmp_path)
    before = (tmp_path / "meeting.mkv").read_bytes()
    (tmp_path / "again").rename(tmp_path / "segments")
    assert join_segments(tmp_path)
    assert (tmp_path / "meeting.mkv").read_bytes() == before
    assert not (tmp_path / "segments").exists()


def test_another_meeting_s_file_is_no_reason_to_remove_segments(tmp_path: Path) -> None:
    write_segments(tmp_path)
    assert join_segments(tmp_path)
    segments = Segments(tmp_path)
    segments.write_video(SCREEN, draw_frame(7_000))
    segments.close(0)
    assert not join_segments(tmp_path)
    assert packet_times(tmp_path / "segments" / "0001-TR_screen.mkv") == [[7_000]]


def _break_segment(bundle: Path) -> None:
    (bundle / "segments" / "0001-TR_screen.mkv").write_bytes(b"no Matroska" * 1000)


def _leave_nothing(bundle: Path) -> None:
    for path in (bundle / "segments").iterdir():
        path.write_bytes(b"")


def _block_target(bundle: Path) -> None:
    (bundle / "meeting.mkv.part").mkdir()


@pytest.mark.parametrize("spoil", [_break_segment, _leave_nothing, _block_target])
def test_what_cannot_be_joined_stays(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    write_segments(tmp_path)
    spoil(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "segments").iterdir()}
    assert not join_segments(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "segments").iterdir()} == before
    assert not (tmp_path / "meeting.mkv").exists()


def test_joining_does_not_take_the_last_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segments(tmp_path)
    monkeypatch.setattr(joining, "_RESERVE_BYTES", 1 << 60)
    assert not join_segments(tmp_path)
    assert len(list((tmp_path / "segments").iterdir())) == 3


def test_a_window_that_is_resized_all_the_time_is_still_one_file(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    for number in range(130):
        segments.write_video(SCREEN, draw_frame(number * 100, 16 + 2 * (number % 2), 16))
    segments.close(0)
    assert join_segments(tmp_path)
    assert packet_times(tmp_path / "meeting.mkv") == [[number * 100] for number in range(130)]


def test_a_bundle_without_media_cannot_be_joined(tmp_path: Path) -> None:
    assert not join_segments(tmp_path)
    assert not list(tmp_path.iterdir())
