"""Pictures of frames, drawn instead of read: stripes in colours, which a frame's name shifts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.frame_picture import FramePicture
from meetctl.domain.vision_tokens import sent_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.state.looks import KeptFrame
    from meetctl.domain.view.dashboard import Meeting

_COLOURS = ((220, 50, 47), (38, 139, 210), (133, 153, 0), (253, 246, 227), (0, 43, 54))


@dataclass
class FakePictures:
    """The FramePictures port over what is made up; it writes down what it is asked for."""

    missing: Sequence[str] = ()
    """Frames that no recording has."""
    error: Exception | None = None
    """What every call raises."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    """Frames whose reading was given up."""
    gate: asyncio.Event | None = None
    """Where there is one, nothing is read before it is set."""

    async def read(self, meeting: Meeting, frame: KeptFrame, *, side: int) -> FramePicture | None:
        """Return stripes."""
        self.asked.append((frame.frame, side))
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled.append(frame.frame)
                raise
        if meeting.bundle is None or frame.frame in self.missing:
            return None
        width, height = sent_size(frame.width or 16, frame.height or 9, side)
        shift = sum(place * byte for place, byte in enumerate(frame.frame.encode()))
        rows = [
            bytes(value for x in range(width) for value in _COLOURS[(shift + (x + y) // 3) % len(_COLOURS)])
            for y in range(height)
        ]
        return FramePicture(width=width, height=height, rgb=b"".join(rows))
