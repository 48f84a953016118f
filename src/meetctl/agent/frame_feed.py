"""All that the agent sees: the watched tracks, the frames kept of them, and what a request takes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.agent.media_clock import MILLISECOND_US, MediaClock, TrackClock
from meetctl.agent.track_feed import TrackFeed, VideoOutlets
from meetctl.domain.frame_buffer import FrameBuffer, KeptFrame
from meetctl.domain.sampler import Sampler
from meetctl.domain.vision_tokens import sent_size

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.rtc_video import ReceivedFrame
    from meetctl.core.config import Recording
    from meetctl.domain.live_media import LiveFrame, VideoTrack
    from meetctl.domain.policy import Policy
    from meetctl.ports import FrameEncoder, MeetingRecorder

logger = logging.getLogger(__name__)

LATENESS_US = 200_000
"""How long a frame may take from its own time to us and still be counted on by a request."""

FLUSH_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The frames that one request takes."""

    now_us: int
    """Media time of the request, which the frames' ages are counted from."""
    as_of_us: int
    """No frame after this media time was taken, and all that came until then were known."""
    frames: tuple[KeptFrame, ...]


class FrameFeed:
    """Watches tracks, keeps frames by the sampler, and holds the last ones ready to be sent."""

    def __init__(
        self,
        policy: Policy,
        *,
        media_clock: MediaClock,
        encoder: FrameEncoder,
        journal: MeetingJournal,
        recorder: MeetingRecorder | None,
        recording: Recording,
    ) -> None:
        self.policy = policy
        self.kept = 0
        """How many frames were kept."""
        self._media_clock = media_clock
        self._encoder = encoder
        self._journal = journal
        self._recording = recording
        self._outlets = VideoOutlets(journal=journal, recorder=recorder, keep=self._keep)
        self._buffer = FrameBuffer(window=policy.window)
        self._feeds: dict[str, TrackFeed] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._waiting: deque[int] = deque()
        self._encoding: set[asyncio.Task[None]] = set()
        self._encoders = ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame-encoder")
        self._last_as_of_us = -1
        self._flushing: asyncio.Task[None] | None = None

    @property
    def unrecorded(self) -> int:
        """How many frames the recorder could not take."""
        return sum(feed.unrecorded for feed in self._feeds.values())

    def watch(self, track: VideoTrack, frames: AsyncIterator[ReceivedFrame]) -> None:
        """Look at a track from now on; one that was watched before goes on where it was."""
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_regularly(), name="video-frames")
        feed = self._feeds.get(track.id)
        if feed is None:
            feed = self._feeds[track.id] = TrackFeed(
                track,
                clock=TrackClock(self._media_clock),
                sampler=Sampler(self.policy.fps),
                recording=self._recording,
                outlets=self._outlets,
            )
        ending = self._ending.pop(track.id, None)
        self._watching[track.id] = asyncio.create_task(
            self._follow(feed, frames, after=ending), name=f"video-{track.id}"
        )

    async def unwatch(self, track: str) -> None:
        """Look at a track no longer."""
        task = self._watching.pop(track, None)
        if task is not None:
            self._ending[track] = task
            task.cancel()
            await asyncio.wait([task])

    def attach(self) -> Attachment:
        """Choose the frames for a request made now.

        The choice is exact: whoever has all kept frames and `as_of_us` comes to the same one. So frames
        count only up to a time until which none can still be missing: what each track has shown, and what
        is encoded. A track that shows nothing new is waited for no longer than frames are usually late.
        """
        now_us = self._media_clock.now_us()
        as_of_us = now_us
        for track in self._watching:
            newest_us = self._feeds[track].newest_us
            if newest_us is not None:
                as_of_us = min(as_of_us, max(newest_us, now_us - LATENESS_US))
        if self._waiting:
            as_of_us = min(as_of_us, min(self._waiting) - MILLISECOND_US)
        self._last_as_of_us = max(self._last_as_of_us, as_of_us)
        return Attachment(
            now_us=now_us, as_of_us=as_of_us, frames=self._buffer.last(self.policy.window, as_of_us)
        )

    async def close(self) -> None:
        """Stop watching, and forget every frame."""
        for track in list(self._watching):
            await self.unwatch(track)
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing])
        if self._encoding:
            await asyncio.wait(self._encoding)
        self._encoders.shutdown(wait=False)
        self._buffer.clear()

    async def _follow(
        self,
        feed: TrackFeed,
        frames: AsyncIterator[ReceivedFrame],
        *,
        after: asyncio.Task[None] | None,
    ) -> None:
        if after is not None:
            await asyncio.wait([after])
        try:
            async for received in frames:
                feed.see(received, after_us=self._last_as_of_us)
        except Exception as error:
            # Whatever a vendor's stream fails with, the other tracks and the conversation go on.
            logger.exception("track %s is not seen any more", feed.track.id)
            self._journal.write("error", {"component": "video track", "error": type(error).__name__})
        finally:
            feed.pause()

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL_S)
            for feed in self._feeds.values():
                feed.flush()

    def _keep(self, track: VideoTrack, frame: LiveFrame) -> None:
        name = f"frame-{self.kept:06d}"
        self.kept += 1
        self._journal.write(
            "frame.kept",
            {
                "frame": name,
                "track": track.id,
                "t_us": frame.t_us,
                "width": frame.width,
                "height": frame.height,
            },
            t_us=frame.t_us,
        )
        self._waiting.append(frame.t_us)
        task = asyncio.create_task(self._encode(name, track, frame), name=f"encode-{name}")
        self._encoding.add(task)
        task.add_done_callback(self._encoding.discard)

    async def _encode(self, name: str, track: VideoTrack, frame: LiveFrame) -> None:
        width, height = sent_size(frame.width, frame.height, self.policy.side)
        loop = asyncio.get_running_loop()
        try:
            jpeg = await loop.run_in_executor(self._encoders, self._encoder.jpeg, frame, width, height)
        except Exception as error:
            # Whatever one frame does to the encoder, the meeting goes on without that frame, and says so.
            logger.exception("%s could not be encoded", name)
            self._journal.write("error", {"component": "frame encoder", "error": type(error).__name__})
            return
        finally:
            self._waiting.remove(frame.t_us)
        self._buffer.add(
            KeptFrame(
                id=name,
                track=track.id,
                t_us=frame.t_us,
                width=frame.width,
                height=frame.height,
                sent_width=width,
                sent_height=height,
                jpeg=jpeg,
            )
        )
