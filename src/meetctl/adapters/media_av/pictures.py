"""Decoding a track once, and making of each frame only what somebody asks for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.frame import VideoFrame

from meetctl.adapters.media_av.opening import discard_others, open_media, origin_us
from meetctl.domain.recording import Recording, Track
from meetctl.domain.vision_tokens import sent_size
from meetctl.errors import MediaError

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.ports import Picture, Progress

LUMA_ROWS, LUMA_COLUMNS = 45, 80
"""The grid that stands for a frame's brightness; a cell is 16x16 pixels at 720p, a line of small text."""

_SAMPLES = 4
"""Pixels looked at in each direction of a cell: a mean over 16 tells text from background."""

_JPEG_QUALITY = 75
"""What livekit-agents encodes with (agents/utils/images/image.py), so that an export shows what was sent."""

_REPORT_EVERY = 32


def decode_track(recording: Recording, track: Track, progress: Progress) -> Iterator[Picture]:
    """Decode one track, in presentation order; frames that cannot be decoded are left out.

    Raises:
        MediaError: The codec has no decoder here.
    """
    with open_media(track.media) as container:
        stream = container.streams[track.stream]
        if not isinstance(stream, av.VideoStream) or stream.time_base is None:
            raise MediaError(f"{track.media} no longer has the video it had a moment ago")
        discard_others(container, [stream])
        stream.thread_type = av.codec.context.ThreadType.AUTO
        origin = origin_us(container, on_media_clock=recording.kind == "bundle")
        scale, per = stream.time_base.numerator * 1_000_000, stream.time_base.denominator
        count, index = len(track.t_us), 0
        for frame in _decode(container, stream):
            if frame.pts is None:
                continue
            t_us = frame.pts * scale // per - origin
            index = bisect_left(track.t_us, t_us)
            if index == count or track.t_us[index] != t_us:
                continue
            if not index % _REPORT_EVERY:
                progress(f"looking at {track.media.name}", index, count, "frames")
            yield DecodedPicture(index, t_us, frame)


def _decode(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[VideoFrame]:
    """Decode what can be decoded: one damaged packet does not end the recording."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            continue


class DecodedPicture:
    """The Picture port over PyAV's frame."""

    __slots__ = ("__dict__", "_frame", "index", "t_us")

    def __init__(self, index: int, t_us: int, frame: VideoFrame) -> None:
        self.index = index
        self.t_us = t_us
        self._frame = frame

    @cached_property
    def _luma(self) -> npt.NDArray[np.uint8]:
        points = _sample(_luma_plane(self._frame), LUMA_ROWS * _SAMPLES, LUMA_COLUMNS * _SAMPLES)
        cells = points.reshape(LUMA_ROWS, _SAMPLES, LUMA_COLUMNS, _SAMPLES)
        sums = cells.sum(axis=3, dtype=np.uint16).sum(axis=1, dtype=np.uint16)
        means: npt.NDArray[np.uint8] = (sums // (_SAMPLES * _SAMPLES)).astype(np.uint8)
        return means

    def luma(self) -> npt.NDArray[np.uint8]:
        """Return the mean brightness of each cell, shape (45, 80), 0 to 255."""
        return self._luma

    def jpeg(self, side: int | None = None) -> bytes:
        """Return the frame upright as JPEG, its longest side at most `side` pixels, never enlarged."""
        image = self._frame.to_image()  # type: ignore[no-untyped-call]
        if self._frame.rotation:
            image = image.rotate(self._frame.rotation, expand=True)
        size = sent_size(image.width, image.height, side)
        if size != image.size:
            image = image.resize(size)
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
        return buffer.getvalue()


def _luma_plane(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """Return the full-size brightness, without a copy where the format keeps it apart."""
    if not frame.format.name.startswith(("yuv4", "yuvj4", "nv12", "gray")) or frame.format.name[-2:] in (
        "le",
        "be",
    ):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    pixels = np.frombuffer(memoryview(plane), np.uint8)
    return pixels.reshape(plane.height, plane.line_size)[:, : plane.width]


def _sample(plane: npt.NDArray[np.uint8], rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Pick evenly spread pixels; by slicing, which is faster, where the picture's sides are multiples."""
    height, width = plane.shape
    if height % rows == 0 and width % columns == 0:
        return plane[:: height // rows, :: width // columns]
    down = np.linspace(0, height - 1, rows).astype(np.intp)
    across = np.linspace(0, width - 1, columns).astype(np.intp)
    return plane[down][:, across]
