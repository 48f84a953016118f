"""Tiny films for tests of the command line, written through PyAV: a grey that changes every second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-11-16"


def draw_film(
    path: Path, *, seconds: int = 4, fps: int = 10, size: tuple[int, int] = (320, 240), codec: str = "h264"
) -> Path:
    """Write a film that says when it was made, with a change of the whole picture at each full second."""
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = f"{DAY}T09:00:00Z"
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * fps):
            picture = np.full((size[1], size[0], 3), 40 + 50 * (number // fps % 4), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
