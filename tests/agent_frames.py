"""A frame feed over fakes, and tracks whose frames come one at a time."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.frame_encoder import DescribingEncoder
from tests.fakes.meeting_recorder import InMemoryMeetingRecorder

from meetctl.agent.frame_feed import FrameFeed
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.rtc_video import ReceivedFrame
from meetctl.core.config import Recording, parse_recording
from meetctl.domain.live_media import VideoTrack
from meetctl.domain.policy import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WAIT_S = 30
"""After this a test is stuck; nothing is measured by it."""
SAMPLED = parse_recording("sampled")


def make_track(name: str = "a") -> VideoTrack:
    return VideoTrack(id=f"TR_{name}", participant="maya", source="screen_share")


class LiveTrack:
    """A track whose frames the test sends; each has been seen when `send` returns."""

    def __init__(self, name: str = "a") -> None:
        self.video = make_track(name)
        self._queue: asyncio.Queue[ReceivedFrame | None] = asyncio.Queue()

    async def frames(self) -> AsyncIterator[ReceivedFrame]:
        while True:
            frame = await self._queue.get()
            if frame is None:
                self._queue.task_done()
                return
            yield frame
            self._queue.task_done()

    async def send(self, timestamp_us: int, width: int = 32, height: int = 16) -> None:
        data = bytes(width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2))
        await self._put(
            ReceivedFrame(timestamp_us=timestamp_us, width=width, height=height, data=memoryview(data))
        )

    async def end(self) -> None:
        await self._put(None)

    async def _put(self, frame: ReceivedFrame | None) -> None:
        self._queue.put_nowait(frame)
        async with asyncio.timeout(WAIT_S):
            await self._queue.join()


class Stage:
    """A feed, and everything around it that a test looks at."""

    def __init__(
        self,
        *,
        fps: Fraction | None = Fraction(1),
        window: int = 5,
        side: int | None = None,
        detail: str = "high",
        recording: Recording = SAMPLED,
        encoder: DescribingEncoder | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.media = MediaClock(self.clock)
        self.media.begin()
        self.began_us = self.clock.monotonic_us
        self.sink = InMemoryEventSink(clock=self.clock, media_us=self.media.now_us)
        self.journal = MeetingJournal(self.sink)
        self.encoder = encoder or DescribingEncoder()
        self.recorder = InMemoryMeetingRecorder()
        self.feed = FrameFeed(
            Policy(name="test", fps=fps, window=window, side=side, detail=detail),
            media_clock=self.media,
            encoder=self.encoder,
            journal=self.journal,
            recorder=self.recorder if recording.is_on else None,
            recording=recording,
        )

    async def show(self, track: LiveTrack, t_us: int, width: int = 32, height: int = 16) -> None:
        """Show a frame at a media time, on time."""
        if self.began_us + t_us > self.clock.monotonic_us:
            self.clock.advance_to(self.began_us + t_us)
        await track.send(self.began_us + t_us, width, height)

    async def encoded(self, *names: str) -> None:
        """Wait until frames have been encoded; all of them where none is named."""
        tasks = [
            task
            for task in asyncio.all_tasks()
            if task.get_name().startswith("encode-")
            and (not names or task.get_name().removeprefix("encode-") in names)
        ]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=WAIT_S)
            assert not pending

    def times(self, kind: str) -> list[int]:
        """The times in the journal's events of a type, in the order in which they were written."""
        times: list[int] = []
        for fields in self.sink.fields(kind):
            t_us = fields["t_us"]
            times += t_us if isinstance(t_us, list) else [t_us]
        return times
