"""Small media files that the tests write through PyAV: what is in them is known to the frame."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

WIDTH, HEIGHT = 320, 180
MILLISECONDS = Fraction(1, 1000)
B_FRAMES = {"preset": "veryfast", "bf": "3", "g": "30", "x264-params": "scenecut=0:b-adapt=0", "crf": "20"}
FAST_VPX = {"deadline": "realtime", "cpu-used": "8", "g": "30", "b": "800k", "threads": "1"}
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "libx264": B_FRAMES,
    "libvpx": FAST_VPX,
    "libvpx-vp9": {**FAST_VPX, "row-mt": "0"},
    "libsvtav1": {"preset": "12", "g": "30", "crf": "40"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=30"},
    "mjpeg": {"q": "6"},
    "mpeg4": {"bf": "2", "g": "12"},
}
"""What makes each encoder fast, and libx264 use B-frames."""


def grid_ms(count: int, fps: int = 30, start_ms: int = 0) -> list[int]:
    """The times of a regular rate, rounded to milliseconds as Matroska does."""
    return [start_ms + round(1000 * number / fps) for number in range(count)]


def busy(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture with texture everywhere, another one each frame: packets of some size."""
    rows, columns = np.mgrid[0:height, 0:width]
    texture = np.random.default_rng(number).integers(0, 64, (height // 4 + 1, width // 4 + 1))
    fine = np.kron(texture, np.ones((4, 4), np.int64))[:height, :width]
    picture: npt.NDArray[np.uint8] = ((rows + 2 * columns + 5 * number + fine) % 256).astype(np.uint8)
    return picture


def quiet(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A still picture with a small block that walks."""
    picture = np.full((height, width), 90, np.uint8)
    left = 2 * number % (width - 16)
    picture[8:24, left : left + 16] = 220
    return picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video track to be written."""

    codec: str = "libx264"
    times_ms: Sequence[int] = field(default_factory=lambda: grid_ms(60))
    width: int = WIDTH
    height: int = HEIGHT
    options: Mapping[str, str] = field(default_factory=dict)
    draw: Callable[[int, int, int], npt.NDArray[np.uint8]] = quiet
    title: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """The stream's own tags, besides its title."""
    rotation: int = 0
    """Counter-clockwise degrees, written as the container's display matrix."""


def write_media(
    path: Path,
    *videos: Video,
    format: str | None = None,
    options: Mapping[str, str] | None = None,
    tone: tuple[int, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a media file; `tone` is from which to which millisecond there is sound."""
    with av.open(str(path), "w", format=format, options=dict(options or {})) as container:
        container.metadata.update(metadata or {})
        streams: list[Any] = [_add_video(container, video) for video in videos]
        packets = [p for s, v in zip(streams, videos, strict=True) for p in _encode_video(s, v)]
        if tone:
            packets += _encode_tone(container, *tone)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    leave_real_time()
    return path


def leave_real_time() -> None:
    """Give this thread its usual priority back, which SVT-AV1 raises above all others' where root runs it.

    Every process that is started afterwards would have that priority too, and starve the machine.
    """
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def frames_of(video: Video) -> Iterator[av.VideoFrame]:
    """The track's pictures, as an encoder takes them."""
    for number, t_ms in enumerate(video.times_ms):
        yield make_frame(video.draw(number, video.width, video.height), t_ms)


def make_frame(luma: npt.NDArray[np.uint8], t_ms: int) -> av.VideoFrame:
    """A grey frame at its time."""
    height, width = luma.shape
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = luma
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = t_ms, MILLISECONDS
    return frame


def _add_video(container: av.container.OutputContainer, video: Video) -> Any:
    settings = {**OPTIONS.get(video.codec, {}), **video.options}
    stream: Any = container.add_stream(video.codec, rate=30, options=settings)
    stream.width, stream.height = video.width, video.height
    stream.pix_fmt = "yuvj420p" if video.codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = Fraction(1, 30) if video.codec == "mpeg4" else MILLISECONDS
    if video.title:
        stream.metadata["title"] = video.title
    stream.metadata.update(video.tags)
    if video.rotation:
        stream.set_display_rotation(video.rotation)
    return stream


def _encode_video(stream: Any, video: Video) -> list[Any]:
    packets = [packet for frame in frames_of(video) for packet in stream.encode(frame)]
    return [*packets, *stream.encode(None)]


def _encode_tone(container: av.container.OutputContainer, start_ms: int, stop_ms: int) -> list[Any]:
    stream: Any = container.add_stream("libopus", rate=48_000, layout="mono")
    packets: list[Any] = []
    for t_ms in range(start_ms, stop_ms, 20):
        samples = (8000 * np.sin(np.arange(960) * 0.05)).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, t_ms * 48, Fraction(1, 48_000)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def write_sizes(path: Path, codec: str, sizes: Sequence[tuple[int, int]], count: int = 20) -> Path:
    """Write one track whose picture size changes every `count` frames: several encoders, one stream."""
    with av.open(str(path), "w") as container:
        width, height = sizes[0]
        first = Video(codec=codec, times_ms=grid_ms(count), width=width, height=height)
        stream = _add_video(container, first)
        packets = _encode_video(stream, first)
        for number, (width, height) in enumerate(sizes[1:], 1):
            video = replace(first, width=width, height=height, times_ms=_part(number, count))
            packets += [_move(packet, stream) for packet in _encode_video(_make_encoder(video), video)]
        last_dts = -(10**9)
        for packet in packets:
            packet.dts = last_dts = max(packet.dts, last_dts + 1)
            container.mux(packet)
    leave_real_time()
    return path


def _part(number: int, count: int) -> list[int]:
    return grid_ms((number + 1) * count)[number * count :]


def _make_encoder(video: Video) -> Any:
    encoder: Any = av.CodecContext.create(video.codec, "w")
    encoder.width, encoder.height = video.width, video.height
    encoder.pix_fmt = "yuvj420p" if video.codec == "mjpeg" else "yuv420p"
    encoder.time_base = MILLISECONDS
    encoder.options = {**OPTIONS[video.codec], **video.options}
    return encoder


def _move(packet: Any, stream: Any) -> Any:
    packet.stream = stream
    return packet


def write_moved(
    source: Path,
    path: Path,
    *,
    edit: Callable[[int, bytes], bytes] | None = None,
    shift_s: Fraction = Fraction(0),
) -> Path:
    """Copy the packets of the first video track, each edited, or moved in time."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is None or packet.pts is None:
                continue
            copy: Any = av.Packet(edit(number, bytes(packet)) if edit else bytes(packet))
            shift = int(shift_s / packet.time_base)
            copy.pts, copy.dts = packet.pts + shift, packet.dts + shift
            copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
            new.mux(_move(copy, stream))
    return path


def write_cover(source: Path, path: Path) -> Path:
    """Copy a file and give it a cover picture."""
    picture = av.CodecContext.create("png", "w")
    encoder: Any = picture
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "gray"
    encoder.time_base = MILLISECONDS
    frame = av.VideoFrame.from_ndarray(np.zeros((64, 64), np.uint8), format="gray")
    frame.pts, frame.time_base = 0, MILLISECONDS
    cover = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        new.add_attachment("cover.png", "image/png", cover)
        for packet in old.demux():
            if packet.dts is not None:
                new.mux(_move(packet, streams[packet.stream_index]))
    return path


def decoded_times_us(path: Path, stream: int = 0) -> list[int]:
    """Every frame's time by a full decode, on the container's own clock, to the nearest microsecond."""
    with av.open(str(path)) as container:
        return [
            round(frame.pts * frame.time_base * 1_000_000)
            for frame in container.decode(container.streams.video[stream])
            if frame.pts is not None and frame.time_base is not None
        ]
