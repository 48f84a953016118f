"""Reading one frame of a bundle by its track and time, small: nothing else of the recording is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from meetctl.adapters.media_av.bundle import find_video
from meetctl.adapters.media_av.opening import discard_others, has_decoder, open_media, to_us, video_streams
from meetctl.adapters.media_av.sizes import codec_name
from meetctl.domain.frame_picture import FramePicture
from meetctl.domain.vision_tokens import sent_size

_TRACK_TAG = "MEETCTL_TRACK"
"""What the recorder notes in each stream; recordings that were made otherwise have none."""

_SAME_US = 1_000
"""A recording's times are whole milliseconds."""

_SEEK_BACK_US = 1_000_000
"""Seeking lands on the keyframe before; where it is inexact, a little earlier is still right."""


def read_frame(
    bundle: Path, track: str | None, t_us: int, side: int, is_unwanted: Callable[[], bool] = lambda: False
) -> FramePicture | None:
    """Return the frame of a track at a media time, its longer side at most `side` pixels.

    None where the recording has no such frame, or when `is_unwanted` became true meanwhile. A recording
    that is still being written is read as far as it goes.

    Raises:
        MediaError: There is no recording, or it cannot be read.
    """
    for media in find_video(bundle):
        with open_media(media) as container:
            for stream in _streams_of(container, track):
                frame = _find(container, stream, t_us, is_unwanted)
                if frame is not None:
                    return _shrink(frame, side)
        if is_unwanted():
            return None
    return None


def _streams_of(container: InputContainer, track: str | None) -> list[VideoStream]:
    """Return the track's streams; where streams have no names of tracks, a single one is every track's."""
    streams = [stream for stream in video_streams(container) if has_decoder(stream)]
    named = [stream for stream in streams if _TRACK_TAG in stream.metadata]
    if track is None or not named:
        return streams if len(streams) == 1 else []
    return [stream for stream in named if stream.metadata[_TRACK_TAG] == track]


def _find(
    container: InputContainer, stream: VideoStream, t_us: int, is_unwanted: Callable[[], bool]
) -> VideoFrame | None:
    if stream.time_base is None:
        return None
    discard_others(container, [stream])
    stream.thread_type = av.codec.context.ThreadType.NONE  # threads cost more than they save for one frame
    if codec_name(stream) == "h264":
        # A third of the work; its block edges are not to be seen in a picture this small.
        stream.codec_context.options = {"skip_loop_filter": "all"}
    target = int(max(0, t_us - _SEEK_BACK_US) / (stream.time_base * 1_000_000))
    # A file that is still being written has no index: it is read from its beginning.
    with suppress(av.error.FFmpegError):
        container.seek(target, stream=stream, backward=True)
    for frame in _decode_from_keyframe(container, stream, t_us, is_unwanted):
        if frame.pts is None or frame.time_base is None:
            continue
        distance_us = to_us(frame.pts, frame.time_base) - t_us
        if abs(distance_us) < _SAME_US:
            return None if frame.is_corrupt else frame
        if distance_us > 0:
            return None
    return None


def _decode_from_keyframe(
    container: InputContainer, stream: VideoStream, t_us: int, is_unwanted: Callable[[], bool]
) -> Iterator[VideoFrame]:
    """Decode from the last keyframe at or before a time; packets before it are read and let go."""
    waiting: list[Packet[VideoStream]] = []
    try:
        for packet in container.demux(stream):
            if is_unwanted():
                return
            if packet.pts is None or packet.time_base is None:
                break  # the end: what is left in the decoder comes out below
            at_us = to_us(packet.pts, packet.time_base)
            if packet.is_keyframe and at_us < t_us + _SAME_US:
                waiting.clear()
            waiting.append(packet)
            if at_us > t_us:
                yield from _decode_all(waiting)
                waiting.clear()
        yield from _decode_all(waiting)
        yield from stream.codec_context.decode(None)
    except av.error.FFmpegError:
        return  # damaged from here on, or not yet written


def _decode_all(packets: list[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    for packet in packets:
        yield from packet.decode()


def _shrink(frame: VideoFrame, side: int) -> FramePicture:
    width, height = sent_size(frame.width, frame.height, side)
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation=Interpolation.AREA)
    plane = small.planes[0]
    pixels, row = bytes(plane), plane.line_size
    rgb = b"".join(pixels[y * row : y * row + width * 3] for y in range(height))
    return FramePicture(width=width, height=height, rgb=rgb)
