"""Decoding a track once, and making of each frame only what somebody asks for."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from meetctl.adapters.media_av.opening import discard_others, has_decoder, open_media, origin_us, to_us
from meetctl.adapters.media_av.sizes import codec_name
from meetctl.domain.recording import MediaPart, Recording, Track, take_recorded
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

_SMOOTHED_LAST = frozenset({"h264"})
"""Codecs that may be decoded without smoothing block edges, a sixth of the work: at most 0.3 % of cells
then differ by more than a level of brightness. VP8's pictures drift away without it."""

_REPORT_EVERY = 32


def decode_track(
    recording: Recording, track: Track, progress: Progress, *, coarse: bool
) -> Iterator[Picture]:
    """Decode one track, in presentation order.

    Frames that cannot be decoded, or only with parts made up, are left out; so are those that a file
    which is still being written has got since it was read.

    Raises:
        MediaError: The file is gone, or is no longer what was read.
    """
    recorded = take_recorded(track)
    ends = [*(part.first for part in track.parts[1:]), len(recorded.t_us)]
    for part, end in zip(track.parts, ends, strict=True):
        times_us = recorded.t_us[part.first : end] if track.further else recorded.t_us
        for place, frame in _decode_part(recording, part, times_us, progress, coarse=coarse):
            index = part.first + place
            if track.recorded is not None:
                index = track.recorded[index]
            yield DecodedPicture(index, times_us[place], frame)


def _decode_part(
    recording: Recording, part: MediaPart, times_us: array[int], progress: Progress, *, coarse: bool
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode one stream of one file; yield each good frame with its place in `times_us`."""
    with open_media(part.media) as container:
        stream = _find_stream(container, part)
        discard_others(container, [stream])
        stream.thread_type = av.codec.context.ThreadType.AUTO
        if coarse and codec_name(stream) in _SMOOTHED_LAST:
            stream.codec_context.options = {"skip_loop_filter": "all"}
        origin = origin_us(container, on_media_clock=recording.kind == "bundle")
        count, place = len(times_us), -1
        for t_us, frame in _decode(container, stream):
            found = _find_frame(times_us, t_us - origin, place)
            if found == count:
                break
            place = found
            if not place % _REPORT_EVERY:
                progress(f"looking at {part.media.name}", place, count, "frames")
            if not frame.is_corrupt:
                yield place, frame
            if place == count - 1:
                break  # what follows is of other streams


def _find_stream(container: av.container.InputContainer, part: MediaPart) -> av.VideoStream:
    streams = container.streams
    stream = streams[part.stream] if part.stream < len(streams) else None
    if not isinstance(stream, av.VideoStream) or not has_decoder(stream):
        raise MediaError(f"{part.media} no longer has the video it had a moment ago")
    return stream


def _find_frame(times_us: array[int], t_us: int, last: int) -> int:
    """Return which of the frames this is; the one after `last` where the time is none of theirs.

    Decoders make up times where a container has none for a packet (AVI has only decoding times), and
    several frames may have the same time.
    """
    if t_us > times_us[-1]:
        return len(times_us)
    following = last + 1
    if following < len(times_us) and times_us[following] == t_us:
        return following
    index = bisect_left(times_us, t_us)
    return index if times_us[index] == t_us else min(following, len(times_us))


def _decode(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode what can be decoded, each frame with its time: one damaged packet does not end the recording."""
    for packet in _demux(container, stream):
        try:
            frames = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                yield to_us(frame.pts, frame.time_base), frame


def _demux(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[Packet[av.VideoStream]]:
    """Read up to where the demuxer gives up; that it does has been said when the file was read."""
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError:
        return


class DecodedPicture:
    """The Picture port over PyAV's frame."""

    __slots__ = ("__dict__", "_frame", "index", "t_us")

    def __init__(self, index: int, t_us: int, frame: VideoFrame) -> None:
        self.index = index
        self.t_us = t_us
        self._frame = frame

    @cached_property
    def _luma(self) -> npt.NDArray[np.uint8]:
        pixels = _sample(_luma_plane(self._frame), LUMA_ROWS * _SAMPLES, LUMA_COLUMNS * _SAMPLES)
        return _mean_cells(pixels)

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


def _mean_cells(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Average each cell's pixels; adding slices is three times as fast as a sum over reshaped axes."""
    rows = pixels[:, 0::_SAMPLES].astype(np.uint16)
    for offset in range(1, _SAMPLES):
        rows += pixels[:, offset::_SAMPLES]
    cells = rows[0::_SAMPLES].copy()
    for offset in range(1, _SAMPLES):
        cells += rows[offset::_SAMPLES]
    means: npt.NDArray[np.uint8] = (cells // (_SAMPLES * _SAMPLES)).astype(np.uint8)
    return means
