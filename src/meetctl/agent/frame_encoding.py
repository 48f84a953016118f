"""Encoding what is sent, off the event loop."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.live_media import LiveFrame
    from meetctl.ports import FrameEncoder

logger = logging.getLogger(__name__)


class FrameEncoding:
    """One thread that encodes a meeting's frames, in the order in which they are given to it."""

    def __init__(self, encoder: FrameEncoder, journal: MeetingJournal) -> None:
        self._encoder = encoder
        self._journal = journal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame-encoder")

    async def jpeg(self, name: str, frame: LiveFrame, width: int, height: int) -> bytes | None:
        """Return the frame as JPEG in this size; None where it cannot be encoded, which the journal tells."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._encoder.jpeg, frame, width, height)
        except Exception as error:
            # Whatever one frame does to the encoder, the meeting goes on without that frame, and says so.
            logger.exception("%s could not be encoded", name)
            self._journal.write("error", {"component": "frame encoder", "error": type(error).__name__})
            return None

    def close(self) -> None:
        """Take no more frames."""
        self._thread.shutdown(wait=False)
