"""Containers and codecs as they are met: what packets say equals what a decoder shows."""

from __future__ import annotations

from array import array
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image
from tests.media_files import (
    Video,
    busy,
    decoded_times_us,
    grid_ms,
    quiet,
    write_cover,
    write_media,
    write_moved,
    write_sizes,
)

from meetctl.adapters.media_av import AvFrameSource
from meetctl.domain.recording import SizeRun, sizes_of
from meetctl.domain.sampler import Sampler
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from meetctl.domain.recording import Recording

    Options = Mapping[str, str]

SOURCE = AvFrameSource()
RATES = (None, Fraction(30), Fraction(10), Fraction(3), Fraction(1), Fraction(1, 2))
VARIABLE_MS = [0, 10, 50, 400, 420, 433, 466, 1000, 1700, 1733, 1766, 2900, 3000, 3033]
PLAIN: Options = {}
FASTSTART: Options = {"movflags": "faststart"}
FRAGMENTED: Options = {"movflags": "frag_keyframe+empty_moov"}


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def read(path: Path) -> Recording:
    return SOURCE.read(path, report_nothing)


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [
        ("libx264", "a.mkv", PLAIN),
        ("libx264", "a.mp4", PLAIN),
        ("libx264", "a.mp4", FASTSTART),
        ("libx264", "a.mp4", FRAGMENTED),
        ("libx264", "a.ts", PLAIN),
        ("libvpx", "a.webm", PLAIN),
        ("libvpx-vp9", "a.webm", PLAIN),
        ("libvpx-vp9", "a.mp4", PLAIN),
        ("libsvtav1", "a.mkv", PLAIN),
        ("libsvtav1", "a.webm", PLAIN),
        ("libsvtav1", "a.mp4", PLAIN),
        ("libx265", "a.mkv", PLAIN),
        ("mjpeg", "a.mkv", PLAIN),
    ],
)
@pytest.mark.parametrize("times_ms", [grid_ms(75), VARIABLE_MS], ids=["30 fps", "variable"])
def test_packets_keep_exactly_the_frames_that_a_full_decode_keeps(
    tmp_path: Path, codec: str, name: str, options: Options, times_ms: Sequence[int]
) -> None:
    path = write_media(tmp_path / name, Video(codec=codec, times_ms=times_ms), options=options)
    recording = read(path)
    (track,) = recording.tracks
    decoded = decoded_times_us(path)
    start_us = decoded[0]
    assert list(track.t_us) == [t_us - start_us for t_us in decoded]
    for fps in RATES:
        packets = [track.t_us[i] for i in Sampler(fps).select(track.t_us)]
        sampler = Sampler(fps)
        assert packets == [t_us - start_us for t_us in decoded if sampler.offer(t_us - start_us)]
    assert len(decoded) == len(times_ms)
    assert track.runs == (SizeRun(first=0, width=320, height=180),)
    assert (recording.damaged, recording.warnings) == (False, ())
    assert [p.index for p in SOURCE.pictures(recording, 0, report_nothing)] == list(range(len(times_ms)))


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("libx264", "codec.avi"),
        ("mpeg4", "codec.avi"),
        ("mjpeg", "codec.avi"),
    ],
)
def test_containers_that_have_only_decoding_times_lose_no_frame(
    tmp_path: Path, codec: str, name: str
) -> None:
    recording = read(write_media(tmp_path / name, Video(codec=codec)))
    assert len(recording.tracks[0].t_us) == 60
    assert len(list(SOURCE.pictures(recording, 0, report_nothing))) == 60


def test_b_frames_come_out_in_presentation_order(tmp_path: Path) -> None:
    path = write_media(tmp_path / "b.mkv", Video())
    with av.open(str(path)) as container:
        in_file = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert in_file != sorted(in_file)
    assert list(read(path).tracks[0].t_us) == [1000 * t_ms for t_ms in sorted(in_file)]


def test_vp8_frames_that_are_never_shown_are_not_counted(tmp_path: Path) -> None:
    plain = write_media(tmp_path / "plain.webm", Video(codec="libvpx"))

    def hide(number: int, data: bytes) -> bytes:
        return bytes([data[0] & ~0x10]) + data[1:] if number in (7, 21) else data

    path = write_moved(plain, tmp_path / "hidden.webm", edit=hide)
    recording = read(path)
    assert len(recording.tracks[0].t_us) == 58
    assert list(recording.tracks[0].t_us) == decoded_times_us(path)
    assert len(list(SOURCE.pictures(recording, 0, report_nothing))) == 58


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("libx264", "sizes.mkv"),
        ("libx264", "sizes.ts"),
        ("libvpx", "sizes.webm"),
        ("libvpx-vp9", "sizes.webm"),
        ("mjpeg", "sizes.mkv"),
        ("libx265", "sizes.mkv"),
    ],
)
def test_size_that_changes_in_the_middle_holds_from_its_first_frame(
    tmp_path: Path, codec: str, name: str
) -> None:
    sizes = [(320, 180), (160, 96), (320, 180)]
    path = write_sizes(tmp_path / name, codec, sizes)
    recording = read(path)
    (track,) = recording.tracks
    assert [(run.first, run.width, run.height) for run in track.runs] == [
        (0, 320, 180),
        (20, 160, 96),
        (40, 320, 180),
    ]
    with av.open(str(path)) as container:
        decoded = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes_of(track, range(60)) == decoded
    assert len(list(SOURCE.pictures(recording, 0, report_nothing))) == 60


@pytest.mark.parametrize("name", ["turned.mp4", "turned.mkv"])
@pytest.mark.parametrize(
    ("rotation", "size"), [(90, (180, 320)), (-90, (180, 320)), (180, (320, 180)), (0, (320, 180))]
)
def test_rotated_video_has_the_size_and_the_picture_that_is_displayed(
    tmp_path: Path, name: str, rotation: int, size: tuple[int, int]
) -> None:
    recording = read(write_media(tmp_path / name, Video(rotation=rotation, draw=bright_corner)))
    (track,) = recording.tracks
    assert [(run.width, run.height) for run in track.runs] == [size]
    image = Image.open(BytesIO(next(iter(SOURCE.pictures(recording, 0, report_nothing))).jpeg()))
    assert image.size == size
    turned = np.rot90(bright_corner(0, 320, 180), rotation // 90).astype(int)
    assert np.abs(np.asarray(image.convert("L")).astype(int) - turned).mean() < 20


def bright_corner(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    del number
    picture = np.full((height, width), 40, np.uint8)
    picture[: height // 2, : width // 2] = 220
    return picture


def test_every_video_track_is_read_and_named(tmp_path: Path) -> None:
    screen = Video(title="screen", times_ms=grid_ms(60))
    camera = Video(codec="libvpx", times_ms=grid_ms(20, 10), width=160, height=120)
    path = write_media(tmp_path / "two.mkv", screen, camera, tone=(0, 2000))
    recording = read(path)
    assert [(t.name, t.codec, len(t.t_us), t.fps) for t in recording.tracks] == [
        ("screen", "h264", 60, 29.99),
        ("video 1", "vp8", 20, 10.0),
    ]
    assert recording.has_audio
    for number, track in enumerate(recording.tracks):
        assert list(track.t_us) == decoded_times_us(path, number)
        pictures = SOURCE.pictures(recording, number, report_nothing)
        assert [picture.index for picture in pictures] == list(range(len(track.t_us)))


@pytest.mark.parametrize(
    ("times_ms", "fps"),
    [(grid_ms(90), 30.0), (grid_ms(50, 25), 25.0), (VARIABLE_MS, 4.29), (grid_ms(60, 15), 15.0), ([0], 0.0)],
)
def test_rate_is_the_mean_over_the_track(tmp_path: Path, times_ms: Sequence[int], fps: float) -> None:
    assert read(write_media(tmp_path / "a.mkv", Video(times_ms=times_ms))).tracks[0].fps == fps


@pytest.mark.parametrize("name", ["one.mkv", "one.mp4", "one.webm"])
def test_single_frame_is_a_recording_without_duration(tmp_path: Path, name: str) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    recording = read(write_media(tmp_path / name, Video(codec=codec, times_ms=[0])))
    (track,) = recording.tracks
    assert (track.t_us, track.frame_us, track.span_us) == (array("q", [0]), 0, 0)
    assert (recording.damaged, recording.warnings) == (False, ())
    assert recording.duration_us < 50_000
    assert len(list(SOURCE.pictures(recording, 0, report_nothing))) == 1


def test_first_media_is_zero_on_the_media_clock(tmp_path: Path) -> None:
    late = Video(times_ms=grid_ms(30, start_ms=5000))
    alone = read(write_media(tmp_path / "alone.mkv", late))
    assert list(alone.tracks[0].t_us) == [1000 * t_ms for t_ms in grid_ms(30)]
    assert abs(alone.duration_us - 1_000_000) < 2000
    assert not alone.damaged
    with_sound = read(write_media(tmp_path / "sound.mkv", late, tone=(0, 7000)))
    assert list(with_sound.tracks[0].t_us) == [5_000_000 + 1000 * t_ms for t_ms in grid_ms(30)]
    assert abs(with_sound.duration_us - 7_000_000) < 20_000


def test_transport_stream_starts_at_zero_whatever_its_clock_says(tmp_path: Path) -> None:
    late = Video(times_ms=grid_ms(60, start_ms=5011))
    path = write_media(tmp_path / "a.ts", late)
    assert decoded_times_us(path)[0] > 5_000_000
    recording = read(path)
    assert [round(t_us / 1000) for t_us in recording.tracks[0].t_us] == grid_ms(60)
    assert abs(recording.duration_us - 2_000_000) < 2000


def test_frames_that_an_mp4_cuts_off_at_its_start_are_not_counted(tmp_path: Path) -> None:
    plain = write_media(tmp_path / "plain.ts", Video(codec="libx264", options={"bf": "0"}))
    path = write_moved(plain, tmp_path / "trimmed.mp4", shift_s=Fraction(-1))
    recording = read(path)
    (track,) = recording.tracks
    assert 25 < len(track.t_us) < 35
    assert list(track.t_us) == decoded_times_us(path)
    assert len(list(SOURCE.pictures(recording, 0, report_nothing))) == len(track.t_us)
    assert not recording.damaged


def test_an_audio_codec_s_lead_in_does_not_move_the_video(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", Video(), tone=(0, 2000))
    with av.open(str(path)) as container:
        assert min(stream.start_time or 0 for stream in container.streams) <= 0
    assert list(read(path).tracks[0].t_us) == decoded_times_us(path)


def test_meeting_lasts_as_long_as_its_sound(tmp_path: Path) -> None:
    recording = read(write_media(tmp_path / "a.mkv", Video(times_ms=grid_ms(30)), tone=(0, 5000)))
    assert abs(recording.duration_us - 5_000_000) < 20_000
    assert not recording.damaged


def test_cover_picture_is_no_video(tmp_path: Path) -> None:
    alone = write_cover(write_media(tmp_path / "a.mkv", tone=(0, 500)), tmp_path / "cover.mkv")
    with pytest.raises(MediaError, match="has no video"):
        read(alone)
    film = write_media(tmp_path / "film.mkv", Video(), tone=(0, 500))
    assert len(read(write_cover(film, tmp_path / "both.mkv")).tracks) == 1


def test_time_of_the_recording_is_the_container_s(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", Video(), metadata={"creation_time": "2026-11-16T09:00:00Z"})
    recording = read(path)
    assert (recording.recorded_at.isoformat(), recording.recorded_at_source) == (
        "2026-11-16T09:00:00+00:00",
        "container",
    )
    assert read(write_media(tmp_path / "b.mkv", Video())).recorded_at_source == "file time"


def test_bare_stream_without_times_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not say when its frames are shown"):
        read(write_media(tmp_path / "a.h264", Video()))


def test_unknown_codec_says_so(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.webm", Video(codec="libvpx", draw=quiet))
    path.write_bytes(path.read_bytes().replace(b"V_VP8", b"V_XP8"))
    with pytest.raises(MediaError, match="codec that cannot be decoded"):
        read(path)


def test_name_that_looks_like_an_address_or_a_pattern_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = write_media(tmp_path / "a.mkv", Video(draw=busy, times_ms=grid_ms(5)))
    for name in ("concat:a.mkv", "data:a|b.mkv", "100% #1?.mkv", "-i.mkv", "naïve 日本.mkv"):
        (tmp_path / name).write_bytes(plain.read_bytes())
        assert len(read(tmp_path.__class__(name)).tracks[0].t_us) == 5
