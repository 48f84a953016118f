"""Damaged, cut off and unfinished files: salvaged up to the damage, said once, never written to."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.media_files import Video, busy, grid_ms, write_media

from meetctl.adapters.media_av import AvFrameSource
from meetctl.errors import ExitCode, MediaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import MeetctlRunner

    from meetctl.domain.recording import Recording

SOURCE = AvFrameSource()
FRAMES = 120
CODECS = {
    "h264.mkv": "libx264",
    "faststart.mp4": "libx264",
    "vp8.webm": "libvpx",
    "vp9.webm": "libvpx-vp9",
    "av1.mkv": "libsvtav1",
    "mjpeg.mkv": "mjpeg",
}
MATROSKA = [name for name in CODECS if not name.endswith("mp4")]

WRITER = """
import sys
import av
from tests.media_files import MILLISECONDS, Video, busy, frames_of, grid_ms
options = {"cluster_time_limit": "500", "flush_packets": "1"}
with av.open(sys.argv[1], "w", options=options) as container:
    stream = container.add_stream("libx264", rate=30, options={"tune": "zerolatency", "g": "30"})
    stream.width, stream.height, stream.codec_context.time_base = 320, 180, MILLISECONDS
    for frame in frames_of(Video(times_ms=grid_ms(90), draw=busy)):
        container.mux(stream.encode(frame))
    print("flushed", flush=True)
    sys.stdin.readline()
"""
"""Writes three seconds, says so, and waits, the file open."""


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def read(path: Path) -> Recording:
    return SOURCE.read(path, report_nothing)


def count_pictures(recording: Recording) -> int:
    return sum(1 for _ in SOURCE.pictures(recording, 0, report_nothing))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The bytes of a whole file of four seconds; every frame of it is some kilobytes."""
    directory = tmp_path_factory.mktemp("whole")

    def contents(name: str) -> bytes:
        path = directory / name
        if not path.exists():
            options = {"movflags": "faststart"} if name.endswith("mp4") else {}
            video = Video(codec=CODECS[name], times_ms=grid_ms(FRAMES), draw=busy)
            write_media(path, video, options=options)
        return path.read_bytes()

    return contents


def overwrite(data: bytes, count: int = 20_000) -> bytes:
    middle = len(data) // 2
    return data[:middle] + random.Random(1).randbytes(count) + data[middle + count :]


def flip_bits(data: bytes, count: int, seed: int = 3) -> bytes:
    """Flip single bits in the middle half."""
    chance = random.Random(seed)
    flipped = bytearray(data)
    for _ in range(count):
        flipped[chance.randrange(len(data) // 4, 3 * len(data) // 4)] ^= 1 << chance.randrange(8)
    return bytes(flipped)


@pytest.mark.parametrize("name", CODECS)
def test_whole_file_is_not_damaged(tmp_path: Path, whole: Callable[[str], bytes], name: str) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name))
    recording = read(path)
    assert (recording.damaged, recording.warnings) == (False, ())
    assert count_pictures(recording) == len(recording.tracks[0].t_us) == FRAMES


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("share", [0.6, 0.97])
def test_cut_off_file_is_read_up_to_the_cut_and_says_so_once(
    tmp_path: Path, whole: Callable[[str], bytes], name: str, share: float
) -> None:
    data = whole(name)
    path = tmp_path / name
    path.write_bytes(data[: int(share * len(data))])
    recording = read(path)
    (track,) = recording.tracks
    (warning,) = recording.warnings
    assert recording.damaged
    assert str(path) in warning
    assert share * FRAMES - 12 < len(track.t_us) < share * FRAMES + 2
    assert count_pictures(recording) > 0.8 * len(track.t_us)
    assert abs(track.fps - 30) < 0.1
    if share == 0.6:
        assert "is cut off: read up to 2." in warning
        assert warning.endswith(" of 4.0 s")


@pytest.mark.parametrize("name", CODECS)
def test_overwritten_middle_is_damage_said_once_and_the_rest_is_read(
    tmp_path: Path, whole: Callable[[str], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(overwrite(whole(name)))
    recording = read(path)
    (track,) = recording.tracks
    assert recording.damaged
    assert len(recording.warnings) == 1
    assert len(track.t_us) > FRAMES / 2
    assert track.t_us[-1] > 3_900_000
    assert abs(track.fps - 30) < 0.1
    assert count_pictures(recording) > FRAMES / 2


def test_same_damage_is_noticed_each_time_it_is_read(tmp_path: Path, whole: Callable[[str], bytes]) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(overwrite(whole("h264.mkv")))
    assert [read(path).damaged for _ in range(3)] == [True, True, True]


def test_damage_that_only_a_decoder_notices_is_said_by_the_audit(
    tmp_path: Path, whole: Callable[[str], bytes], meetctl: MeetctlRunner
) -> None:
    path = tmp_path / "flips.mkv"
    path.write_bytes(flip_bits(whole("h264.mkv"), 12))
    recording = read(path)
    assert not recording.damaged
    assert len(recording.tracks[0].t_us) == FRAMES
    decoded = count_pictures(recording)
    assert FRAMES / 4 < decoded < FRAMES
    result = meetctl("replay", "--fps", "1", "--coverage", "decode", "--json", path)
    assert result.returncode == ExitCode.PARTIAL
    (document,) = json.loads(result.stdout)["recordings"]
    assert document["damaged"]
    (warning,) = [line for line in document["warnings"] if "decoded" in line]
    assert f"of {FRAMES} frames could not be decoded" in warning
    assert document["frames"] == FRAMES
    unseen = meetctl("replay", "--fps", "1", "--coverage", "off", "--json", path)
    assert unseen.returncode == ExitCode.DONE


@pytest.mark.parametrize("name", MATROSKA)
def test_first_kilobytes_of_matroska_hold_no_frame(
    tmp_path: Path, whole: Callable[[str], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name)[:4096])
    with pytest.raises(MediaError, match="not one frame"):
        read(path)


@pytest.mark.parametrize("name", CODECS)
def test_first_hundred_bytes_are_no_media(tmp_path: Path, whole: Callable[[str], bytes], name: str) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name)[:100])
    with pytest.raises(MediaError, match="no media file, or not enough of one"):
        read(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 5000, b"These are the minutes of our meeting.\n" * 50, random.Random(2).randbytes(5000)],
    ids=["empty", "zeros", "text", "random"],
)
def test_what_is_no_media_is_refused_in_one_line(tmp_path: Path, data: bytes, meetctl: MeetctlRunner) -> None:
    path = tmp_path / "notes.mkv"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"notes\.mkv is no media file"):
        read(path)
    result = meetctl("replay", path)
    assert (result.returncode, result.stdout) == (ExitCode.FAILED, "")
    errors = [line for line in result.stderr.splitlines() if line.startswith("meetctl:")]
    assert len(errors) == 1
    assert "Traceback" not in result.stderr


def test_hint_about_an_mp4_s_index_is_given_for_an_mp4_only(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    plain = write_media(tmp_path / "plain.mp4", Video())
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(plain.read_bytes()[:2000])
    with pytest.raises(MediaError) as caught:
        read(cut)
    assert "index" in (caught.value.hint or "")
    text = tmp_path / "text.mkv"
    text.write_bytes(b"text" * 100)
    with pytest.raises(MediaError) as caught:
        read(text)
    assert "index" not in (caught.value.hint or "")
    assert whole("h264.mkv")


@pytest.fixture
def writer(tmp_path: Path, root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has flushed three seconds into a file and still holds it open."""
    path = tmp_path / "live.mkv"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "flushed\n"
    yield process, path
    process.stdin.close()
    process.wait(60)
    process.stdout.close()


def test_file_that_is_still_being_written_is_unfinished_not_damaged(
    writer: tuple[subprocess.Popen[str], Path], meetctl: MeetctlRunner
) -> None:
    process, path = writer
    recording = read(path)
    assert process.poll() is None
    assert not recording.damaged
    (note,) = recording.warnings
    assert "is not finished" in note
    assert 60 <= len(recording.tracks[0].t_us) <= 90
    assert count_pictures(recording) == len(recording.tracks[0].t_us)
    result = meetctl("replay", "--fps", "1", "--coverage", "decode", path)
    assert result.returncode == ExitCode.DONE
    assert "is not finished" in result.stderr


def test_frames_written_after_the_reading_are_not_looked_at(
    writer: tuple[subprocess.Popen[str], Path],
) -> None:
    process, path = writer
    recording = read(path)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    process.wait(60)
    assert len(read(path).tracks[0].t_us) == 90
    assert count_pictures(recording) == len(recording.tracks[0].t_us)


def test_file_of_a_killed_writer_is_unfinished_not_damaged(
    writer: tuple[subprocess.Popen[str], Path], meetctl: MeetctlRunner
) -> None:
    process, path = writer
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    recording = read(path)
    assert not recording.damaged
    assert "its writer was killed" in recording.warnings[0]
    assert len(recording.tracks[0].t_us) >= 60
    assert meetctl("replay", "--fps", "1", "--coverage", "decode", path).returncode == ExitCode.DONE
    torn = path.with_name("torn.mkv")
    torn.write_bytes(path.read_bytes()[:-7])
    assert not read(torn).damaged


def test_unfinished_file_that_is_damaged_besides_is_damaged(
    writer: tuple[subprocess.Popen[str], Path],
) -> None:
    _, path = writer
    damaged = path.with_name("damaged.mkv")
    damaged.write_bytes(overwrite(path.read_bytes()))
    recording = read(damaged)
    assert recording.damaged
    assert len(recording.warnings) == 1


def test_directory_without_media_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"without meeting\.mkv or segments"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["missing.mkv", "missing/meeting.mkv"])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["x" * 300 + ".mkv", "plain.mkv/inside.mkv"])
def test_impossible_name_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    write_media(tmp_path / "plain.mkv", Video(times_ms=[0]))
    with pytest.raises(MediaError):
        read(tmp_path / name)


def test_unreadable_file_says_so(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", Video(times_ms=[0]))
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(MediaError, match="may not be read") as caught:
            read(path)
    finally:
        os.seteuid(user)
    assert caught.value.hint


def test_pipe_is_refused_at_once(tmp_path: Path, meetctl: MeetctlRunner) -> None:
    pipe = tmp_path / "pipe.mkv"
    os.mkfifo(pipe)
    with pytest.raises(MediaError, match="is a pipe or a device"):
        read(pipe)
    assert meetctl("replay", pipe).returncode == ExitCode.FAILED


def test_device_is_refused_at_once() -> None:
    from pathlib import Path

    with pytest.raises(MediaError, match="is a pipe or a device"):
        read(Path(os.devnull))


def test_file_that_is_gone_before_it_is_looked_at_is_named(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", Video())
    recording = read(path)
    path.unlink()
    with pytest.raises(MediaError, match="does not exist"):
        count_pictures(recording)
    write_media(path, tone=(0, 500))
    with pytest.raises(MediaError, match="no longer has the video"):
        count_pictures(recording)


@pytest.mark.parametrize("name", ["h264.mkv", "damaged.mkv", "cut.mkv"])
def test_nothing_is_written_next_to_the_input(
    tmp_path: Path, whole: Callable[[str], bytes], meetctl: MeetctlRunner, name: str
) -> None:
    data = whole("h264.mkv")
    data = {"damaged.mkv": overwrite(data), "cut.mkv": data[: len(data) // 2]}.get(name, data)
    path = tmp_path / name
    path.write_bytes(data)
    before = path.stat()
    meetctl("replay", "--fps", "1", "--coverage", "decode", "--turns-per-min", "10", path)
    after = path.stat()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(data).digest()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
