"""What every frame source promises, held against the fake and the real one."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.fakes.frame_source import Film, InMemoryFrameSource, shrink
from tests.media_files import HEIGHT, WIDTH, Video, busy, grid_ms, quiet, write_media, write_sizes

from meetctl.adapters.media_av import AvFrameSource
from meetctl.domain.recording import Recording, SizeRun, Track, sizes_of
from meetctl.errors import MediaError

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.ports import FrameSource

SIZES = ((320, 180), (160, 90))
SCREEN = Video(codec="libvpx", times_ms=grid_ms(40))
CAMERA = Video(codec="libx264", times_ms=[0, 100, 400, 1000], width=160, height=120, draw=busy)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A frame source, and where it has which recording."""

    source: FrameSource
    directory: Path

    def read(self, name: str) -> Recording:
        return self.source.read(self.directory / name, report_nothing)


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""
    assert step
    assert unit in {"bytes", "frames", "s"}
    assert done >= 0
    assert total >= 0


def _write_world(directory: Path) -> None:
    write_media(directory / "plain.mkv", SCREEN)
    write_media(directory / "two.mkv", SCREEN, CAMERA)
    write_sizes(directory / "sizes.webm", "libvpx", SIZES)
    write_media(directory / "audio.mkv", tone=(0, 500))


def _track(video: Video, runs: tuple[SizeRun, ...] | None = None) -> Track:
    times_us = array("q", (1000 * t_ms for t_ms in video.times_ms))
    return Track(
        name="video",
        media=Path("plain.mkv"),
        stream=0,
        codec="vp8",
        t_us=times_us,
        size_bytes=array("l", [500]) * len(times_us),
        keyframe=bytearray([1] + [0] * (len(times_us) - 1)),
        runs=runs or (SizeRun(first=0, width=video.width, height=video.height),),
    )


def _film(path: Path, *tracks: Track) -> Film:
    videos = (SCREEN, CAMERA)

    def draw(track: int, index: int) -> npt.NDArray[np.uint8]:
        (size,) = sizes_of(tracks[track], [index])
        return videos[track].draw(index, *size)

    return Film(
        recording=Recording(
            path=path,
            media=(path,),
            kind="file",
            tracks=tracks,
            duration_us=1_333_000,
            recorded_at=datetime(2026, 11, 16, 9, tzinfo=UTC),
            recorded_at_source="container",
            has_audio=False,
        ),
        draw=draw,
    )


def _imagine_world(directory: Path) -> InMemoryFrameSource:
    runs = tuple(SizeRun(first=20 * n, width=w, height=h) for n, (w, h) in enumerate(SIZES))
    tracks = {
        "plain.mkv": [_track(SCREEN)],
        "two.mkv": [_track(SCREEN), _track(CAMERA)],
        "sizes.webm": [_track(SCREEN, runs)],
        "audio.mkv": [],
    }
    return InMemoryFrameSource({directory / n: _film(directory / n, *t) for n, t in tracks.items()})


@pytest.fixture(scope="module", params=["fake", "av"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("world")
    if request.param == "fake":
        return World(source=_imagine_world(directory), directory=directory)
    _write_world(directory)
    return World(source=AvFrameSource(), directory=directory)


def test_columns_are_equally_long_and_in_presentation_order(world: World) -> None:
    recording = world.read("plain.mkv")
    (track,) = recording.tracks
    assert list(track.t_us) == [1000 * t_ms for t_ms in SCREEN.times_ms]
    assert len(track.size_bytes) == len(track.keyframe) == 40
    assert track.keyframe[0] == 1
    assert sum(track.keyframe) < 40
    assert min(track.size_bytes) > 0
    assert track.runs == (SizeRun(first=0, width=WIDTH, height=HEIGHT),)
    assert (track.codec, track.fps) == ("vp8", 30.0)


def test_recording_says_what_it_is_and_when(world: World) -> None:
    recording = world.read("plain.mkv")
    assert recording.path == world.directory / "plain.mkv"
    assert (recording.kind, recording.damaged, recording.warnings) == ("file", False, ())
    assert recording.request_times_us is None
    assert recording.recorded_at.utcoffset() is not None
    assert not recording.has_audio
    assert abs(recording.duration_us - 1_333_000) < 5000


def test_every_track_is_read_with_its_own_times_and_size(world: World) -> None:
    screen, camera = world.read("two.mkv").tracks
    assert len(screen.t_us) == 40
    assert list(camera.t_us) == [0, 100_000, 400_000, 1_000_000]
    assert camera.runs == (SizeRun(first=0, width=160, height=120),)


def test_each_frame_has_the_size_it_has_at_that_moment(world: World) -> None:
    (track,) = world.read("sizes.webm").tracks
    assert sizes_of(track, [0, 19, 20, 39]) == [(320, 180), (320, 180), (160, 90), (160, 90)]


@pytest.mark.parametrize("track", [0, 1])
def test_pictures_come_once_each_in_order_with_the_track_s_times(world: World, track: int) -> None:
    recording = world.read("two.mkv")
    pictures = [(p.index, p.t_us) for p in world.source.pictures(recording, track, report_nothing)]
    assert pictures == list(enumerate(recording.tracks[track].t_us))


def test_a_track_can_be_looked_at_again(world: World) -> None:
    recording = world.read("plain.mkv")
    first, second = ([p.luma() for p in world.source.pictures(recording, 0, report_nothing)] for _ in "ab")
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_looking_can_be_broken_off(world: World) -> None:
    pictures = iter(world.source.pictures(world.read("plain.mkv"), 0, report_nothing))
    assert next(pictures).index == 0


def test_luma_shows_what_was_drawn_in_one_shape(world: World) -> None:
    recording = world.read("sizes.webm")
    for picture in world.source.pictures(recording, 0, report_nothing):
        (size,) = sizes_of(recording.tracks[0], [picture.index])
        luma = picture.luma()
        assert luma.shape == (45, 80)
        assert luma.dtype.name == "uint8"
        drawn = shrink(quiet(picture.index, *size)).astype(int)
        assert np.abs(luma.astype(int) - drawn).mean() < 6


@pytest.mark.parametrize(("side", "size"), [(None, (320, 180)), (160, (160, 90)), (4096, (320, 180))])
def test_jpeg_is_never_larger_than_asked_and_never_enlarged(
    world: World, side: int | None, size: tuple[int, int]
) -> None:
    picture = next(iter(world.source.pictures(world.read("plain.mkv"), 0, report_nothing)))
    image = Image.open(BytesIO(picture.jpeg(side)))
    assert (image.format, image.size) == ("JPEG", size)


def test_speech_of_a_recording_without_audio_is_empty(world: World) -> None:
    assert world.source.speech(world.read("plain.mkv"), report_nothing) == []


def test_missing_file_is_named(world: World) -> None:
    with pytest.raises(MediaError, match=r"missing\.mkv does not exist"):
        world.read("missing.mkv")


def test_audio_alone_is_refused_with_a_hint(world: World) -> None:
    with pytest.raises(MediaError, match=r"audio\.mkv has no video") as caught:
        world.read("audio.mkv")
    assert caught.value.hint
