"""Pictures of kept frames, read from the recording of the meeting's bundle while others go on."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.domain.frame_picture import FramePicture
    from meetctl.domain.state.looks import KeptFrame
    from meetctl.domain.view.dashboard import Meeting

MOST_PICTURES = 256
"""So many are remembered: a film strip in several sizes. Each is some ten kilobytes, a large one a few
hundred."""

_Key = tuple["Path", str | None, int, int]


class RecordedPictures:
    """The FramePictures port over recordings on this machine.

    One frame is read at a time, in a thread; the next waits. Whoever is cancelled stops the reading.
    """

    def __init__(self) -> None:
        self._pictures: OrderedDict[_Key, FramePicture] = OrderedDict()
        self._turn = asyncio.Semaphore(1)

    async def read(self, meeting: Meeting, frame: KeptFrame, *, side: int) -> FramePicture | None:
        """Return a frame, its longer side at most `side` pixels; None where no recording has it.

        Raises:
            MediaError: The meeting's recording is missing, or cannot be read.
        """
        if meeting.bundle is None:
            return None
        key = (meeting.bundle, frame.track, frame.t_us, side)
        async with self._turn:
            known = self._pictures.get(key)
            if known is not None:
                self._pictures.move_to_end(key)
                return known
            picture = await _read_in_thread(*key)
            if picture is not None:
                self._pictures[key] = picture
                if len(self._pictures) > MOST_PICTURES:
                    self._pictures.popitem(last=False)
            return picture


async def _read_in_thread(bundle: Path, track: str | None, t_us: int, side: int) -> FramePicture | None:
    unwanted = threading.Event()

    def read() -> FramePicture | None:
        from meetctl.adapters.media_av.single_frames import read_frame

        return read_frame(bundle, track, t_us, side, unwanted.is_set)

    try:
        return await asyncio.to_thread(read)
    except asyncio.CancelledError:
        unwanted.set()
        raise
