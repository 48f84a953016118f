"""A live frame's bytes as FFmpeg's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

if TYPE_CHECKING:
    from meetctl.domain.live_media import LiveFrame

LIMITED = ColorRange.MPEG
"""WebRTC's I420 keeps luma within 16 to 235."""

COLORSPACE = Colorspace.ITU601
"""WebRTC converts as BT.601 does: libyuv's I420ToARGB and ARGBToI420."""


def copy_frame(frame: LiveFrame) -> VideoFrame:
    """Copy a frame's planes into one of FFmpeg's, whose rows are padded; a sixth of a millisecond at 720p.

    Raises:
        ValueError: There are fewer or more bytes than the frame's size needs.
    """
    copy = VideoFrame(frame.width, frame.height, "yuv420p")
    pixels = np.frombuffer(frame.data, np.uint8)
    needed = sum(plane.width * plane.height for plane in copy.planes)
    if len(pixels) != needed:
        raise ValueError(f"{frame.width}x{frame.height} in I420 are {needed} bytes, not {len(pixels)}")
    start = 0
    for plane in copy.planes:
        stop = start + plane.width * plane.height
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = pixels[start:stop].reshape(plane.height, plane.width)
        start = stop
    copy.color_range = LIMITED
    copy.colorspace = COLORSPACE
    return copy
