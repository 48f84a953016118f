"""An encoder whose pictures are their own description, and which can be held up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from meetctl.domain.live_media import LiveFrame

HELD_S = 30
"""After this a test that has forgotten to let frames through fails instead of hanging."""


class DescribingEncoder:
    """The FrameEncoder port without pixels."""

    def __init__(self, *, is_held: bool = False, broken: Collection[int] = ()) -> None:
        self.threads: set[str] = set()
        """Names of the threads that encoded."""
        self._is_held = is_held
        self._broken = broken
        self._allowed = threading.Semaphore(0)

    def jpeg(self, frame: LiveFrame, width: int, height: int) -> bytes:
        self.threads.add(threading.current_thread().name)
        if self._is_held and not self._allowed.acquire(timeout=HELD_S):
            raise TimeoutError("nobody let the frame through")
        if frame.t_us in self._broken:
            raise ValueError("a picture of somebody's secrets")
        return f"{frame.t_us} {width}x{height}".encode()

    def allow(self, frames: int = 1) -> None:
        """Let the next frames through."""
        self._allowed.release(frames)
