"""Frames from a subscribed track: upright, in I420, with WebRTC's own timestamps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc

QUEUED_FRAMES = 8
"""How many frames may wait for the event loop; the newest replace the oldest (a quarter second at 30 fps)."""

LEAST_SIDE = 16
"""Whatever is smaller is no picture: WebRTC sends a few frames of 8x8 pixels when a track ends."""

_TURNS: dict[Any, int] = {
    rtc.VideoRotation.VIDEO_ROTATION_0: 0,
    rtc.VideoRotation.VIDEO_ROTATION_90: 1,
    rtc.VideoRotation.VIDEO_ROTATION_180: 2,
    rtc.VideoRotation.VIDEO_ROTATION_270: 3,
}
"""By how many quarters each rotation turns a picture clockwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFrame:
    """A decoded frame, not yet placed on the media clock."""

    timestamp_us: int
    width: int
    height: int
    data: bytes | bytearray | memoryview
    """I420 planes without padding."""


async def receive_frames(track: rtc.Track) -> AsyncIterator[ReceivedFrame]:
    """Yield a track's frames until it ends; frames nobody takes in time are dropped, the oldest first."""
    stream = rtc.VideoStream.from_track(track=track, format=rtc.VideoBufferType.I420, capacity=QUEUED_FRAMES)
    try:
        async for event in stream:
            frame = event.frame
            if min(frame.width, frame.height) < LEAST_SIDE:
                continue
            data, width, height = turn_upright(
                frame.data, frame.width, frame.height, _TURNS.get(event.rotation, 0)
            )
            yield ReceivedFrame(timestamp_us=event.timestamp_us, width=width, height=height, data=data)
    finally:
        await stream.aclose()


def turn_upright(
    data: bytes | bytearray | memoryview, width: int, height: int, quarters: int
) -> tuple[bytes | bytearray | memoryview, int, int]:
    """Turn an I420 picture clockwise by quarters; return its planes, width and height."""
    if quarters == 0:
        return data, width, height
    planes = []
    start = 0
    for rows, columns in ((height, width), *[((height + 1) // 2, (width + 1) // 2)] * 2):
        plane = np.frombuffer(data, dtype=np.uint8, count=rows * columns, offset=start)
        planes.append(np.rot90(plane.reshape(rows, columns), -quarters).tobytes())
        start += rows * columns
    turned = (height, width) if quarters % 2 else (width, height)
    return b"".join(planes), *turned
