"""All that is heard: each audio track is received once, for the recording and for the agent's ears."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from meetctl.agent.microphone_tap import MicrophoneTap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit import rtc

    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.media_clock import MediaClock
    from meetctl.agent.room_ears import RoomEars
    from meetctl.ports import MeetingRecorder

logger = logging.getLogger(__name__)


class AudioFeed:
    """Receives tracks, records them where there is a recording, and lets the ears hear the microphones."""

    def __init__(
        self,
        *,
        media_clock: MediaClock,
        recorder: MeetingRecorder | None,
        ears: RoomEars | None,
        journal: MeetingJournal,
    ) -> None:
        """Receive nothing yet; where only a recording is made, there are no ears."""
        self._media_clock = media_clock
        self._recorder = recorder
        self._ears = ears
        self._journal = journal
        self._following: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def follow(
        self, track: str, voice: str, sound: AsyncIterator[rtc.AudioFrame], *, is_heard: bool, is_muted: bool
    ) -> None:
        """Receive a track's sound from now on; `voice` is whose it is, `is_heard` if the ears hear it."""
        if track in self._following:
            return
        if is_heard and self._ears is not None:
            self._ears.open(track, voice, is_muted=is_muted)
        tap = (
            MicrophoneTap(voice, media_clock=self._media_clock, recorder=self._recorder)
            if self._recorder is not None
            else None
        )
        self._following[track] = asyncio.create_task(self._receive(track, sound, tap), name=f"audio-{track}")

    def set_muted(self, track: str, *, is_muted: bool) -> None:
        """Note that a person has muted or opened a microphone."""
        if self._ears is not None:
            self._ears.set_muted(track, is_muted=is_muted)

    def unfollow(self, track: str) -> None:
        """Receive a track no longer."""
        task = self._following.pop(track, None)
        self._close_ears(track)
        if task is not None:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Receive nothing any more."""
        for track in list(self._following):
            self.unfollow(track)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _receive(
        self, track: str, sound: AsyncIterator[rtc.AudioFrame], tap: MicrophoneTap | None
    ) -> None:
        try:
            async for frame in sound:
                self._media_clock.begin()
                if tap is not None:
                    tap.hear(frame)
                if self._ears is not None:
                    self._ears.hear(track, frame)
                # After a stall there is much at once: then everybody's is heard side by side, not in a row.
                await asyncio.sleep(0)
        except Exception as error:
            # Whatever a vendor's stream fails with, everybody else is heard, and the meeting goes on.
            logger.exception("track %s is not heard any more", track)
            self._journal.write("error", {"component": "audio track", "error": type(error).__name__})
        self._close_ears(track)

    def _close_ears(self, track: str) -> None:
        if self._ears is not None:
            self._ears.close(track)
