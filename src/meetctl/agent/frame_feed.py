"""All that the agent sees: the watched tracks, the frames kept of them, and what a request takes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meetctl.agent.frame_encoding import FrameEncoding
from meetctl.agent.media_clock import MILLISECOND_US, MediaClock, TrackClock
from meetctl.agent.track_feed import TrackFeed, VideoOutlets
from meetctl.domain.frame_buffer import FrameBuffer, KeptFrame, LookedFrame
from meetctl.domain.policy_span import PolicySpan, document_span, make_sampler, span_at
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
MOST_WAITING_BYTES = 128_000_000
"""How much of kept frames may wait to be encoded: 10 frames of 4K, 40 of 1080p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The frames that one request takes."""

    now_us: int
    """Media time of the request, which the frames' ages are counted from."""
    as_of_us: int
    """No frame after this media time was taken, and all that came until then were known."""
    frames: tuple[KeptFrame, ...]
    looked: tuple[LookedFrame, ...] = ()
    """What the model has asked to look at closely in this turn."""
    detail: str | None = None
    """How closely the model is asked to look at `frames`; None for as the session began."""


class FrameFeed:
    """Watches tracks, keeps frames by the sampler, and holds the last ones ready to be sent.

    Every change holds from a media time on that no frame has had yet, so that whoever reads the journal
    knows exactly which frames it is for. A frame from before a change that comes after it is too late.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        media_clock: MediaClock,
        encoder: FrameEncoder | None,
        journal: MeetingJournal,
        recorder: MeetingRecorder | None,
        recording: Recording,
        look_detail: str = "high",
    ) -> None:
        """Begin with a policy; `look_detail` is how closely the model looks when it asks to.

        Without an encoder frames are kept by the same rule, in the journal and the recording, and none is
        ever made ready for a model.
        """
        self.kept = 0
        """How many frames were kept."""
        self._media_clock = media_clock
        self._encoding = None if encoder is None else FrameEncoding(encoder, journal)
        self._journal = journal
        self._recording = recording
        self._outlets = VideoOutlets(journal=journal, recorder=recorder, keep=self._keep)
        self._spans = [PolicySpan(from_us=0, policy=policy)]
        self._buffer = FrameBuffer(window=policy.window)
        self._look_detail = look_detail
        self._looked: list[LookedFrame] = []
        self._looks = 0
        self._behind = False
        self._feeds: dict[str, TrackFeed] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._waiting: deque[int] = deque()
        self._waiting_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_as_of_us = -1
        self._last_change_us = 0
        self._unseen_us = -MILLISECOND_US
        """Until this media time nothing counts as seen: then the eyes were shut for the last time."""
        self._flushing: asyncio.Task[None] | None = None

    @property
    def policy(self) -> Policy:
        """What frames are kept and sent by now."""
        return self._spans[-1].policy

    @property
    def sees(self) -> bool:
        """Whether the agent looks at all."""
        return self._spans[-1].sees

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
                sampler=make_sampler(self._spans),
                recording=self._recording,
                outlets=self._outlets,
            )
        ending = self._ending.pop(track.id, None)
        self._watching[track.id] = asyncio.create_task(
            self._follow(feed, frames, after=ending), name=f"video-{track.id}"
        )

    def unwatch(self, track: str) -> Coroutine[Any, Any, None]:
        """Look at a track no longer, from this call on; await what it returns to wait for the end.

        So a track may be watched anew right after the call, whenever the end is waited for.
        """
        task = self._watching.pop(track, None)
        if task is not None:
            self._ending[track] = task
            task.cancel()
        return _wait_for_end(task)

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
        as_of_us = max(as_of_us, self._unseen_us)
        self._last_as_of_us = max(self._last_as_of_us, as_of_us)
        span = span_at(self._spans, as_of_us)
        return Attachment(
            now_us=now_us,
            as_of_us=as_of_us,
            frames=self._buffer.last(span.window, as_of_us, span.attaches_from_us),
            looked=tuple(self._looked),
            detail=span.policy.detail,
        )

    def change_policy(self, policy: Policy) -> None:
        """Keep and send by another policy from now on; its model is of no account here."""
        self._change(policy, sees=self.sees)

    def shut_eyes(self) -> None:
        """See nothing, and forget what was seen: nothing is kept, sent or recorded until they open again."""
        self._change(self.policy, sees=False)

    def open_eyes(self) -> None:
        """See again; requests take frames from now on only."""
        self._change(self.policy, sees=True)

    def change_recording(self, recording: Recording) -> None:
        """Record frames in another way from now on; with "off", none."""
        from_us = self._begin_change()
        self._recording = recording
        for feed in self._feeds.values():
            feed.change_recording(recording)
        self._journal.write("recording.changed", {"mode": recording.text, "from_us": from_us}, t_us=from_us)

    async def look(self) -> LookedFrame | None:
        """Take what is on the screen now in its own size and full detail; None where there is nothing to see.

        That is the newest frame of the track that was watched last. It goes with every request that
        follows, until it is forgotten.
        """
        feeds = [self._feeds[track] for track in reversed(self._watching)]
        track, frame = next(((feed.track, feed.newest) for feed in feeds if feed.newest), (None, None))
        if self._encoding is None or track is None or frame is None:
            return None
        jpeg = await self._encoding.jpeg("a close look", frame, frame.width, frame.height)
        if jpeg is None or frame.t_us <= self._unseen_us:
            return None
        self._looks += 1
        looked = LookedFrame(
            id=f"look-{self._looks:06d}",
            track=track.id,
            t_us=frame.t_us,
            width=frame.width,
            height=frame.height,
            detail=self._look_detail,
            jpeg=jpeg,
        )
        self._looked.append(looked)
        self._journal.write("frame.looked", _document_look(looked), t_us=looked.t_us)
        return looked

    def forget_looked(self) -> None:
        """Send no longer what was looked at closely: the turn it was for is over."""
        self._looked.clear()

    async def unwatch_all(self) -> None:
        """Look at nothing any more, until something is watched again."""
        for track in list(self._watching):
            await self.unwatch(track)

    async def close(self) -> None:
        """Stop watching, and forget every frame."""
        await self.unwatch_all()
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing])
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._encoding is not None:
            self._encoding.close()
        self._forget()

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
                if self.sees and not self._is_behind():
                    feed.see(received, after_us=self._last_as_of_us)
        except Exception as error:
            # Whatever a vendor's stream fails with, the other tracks and the conversation go on.
            logger.exception("track %s is not seen any more", feed.track.id)
            self._journal.write("error", {"component": "video track", "error": type(error).__name__})
        finally:
            feed.pause()

    def _is_behind(self) -> bool:
        """Tell whether so much waits to be encoded that frames are let go unseen; told once each time."""
        was_behind, self._behind = self._behind, self._waiting_bytes >= MOST_WAITING_BYTES
        if self._behind and not was_behind:
            logger.warning("encoding is behind; frames are not seen until it has caught up")
            self._journal.write("error", {"component": "frame encoder", "error": "Behind"})
        return self._behind

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL_S)
            for feed in self._feeds.values():
                feed.flush()

    def _change(self, policy: Policy, *, sees: bool) -> None:
        """Begin a span, unless nothing changes."""
        before = self._spans[-1]
        if (policy, sees) == (before.policy, before.sees):
            return
        from_us = self._begin_change()
        attaches_from_us = before.attaches_from_us
        if sees and not before.sees:
            attaches_from_us = from_us
            self._unseen_us = from_us - MILLISECOND_US
        elif policy.window > before.policy.window:
            attaches_from_us = max(attaches_from_us, self._buffer.whole_from_us)
        span = PolicySpan(from_us=from_us, policy=policy, sees=sees, attaches_from_us=attaches_from_us)
        self._spans.append(span)
        self._buffer.widen(policy.window)
        for feed in self._feeds.values():
            feed.change_rate(span.fps, from_us)
        if not sees:
            self._unseen_us = from_us
            self._forget()
        self._journal.write("policy.changed", document_span(span), t_us=from_us)

    def _begin_change(self) -> int:
        """Return the media time that a change holds from: after all frames seen, and all changes before."""
        now_us = self._media_clock.now_us()
        seen_us = [feed.newest_us for feed in self._feeds.values() if feed.newest_us is not None]
        if not (now_us or seen_us or self._last_change_us):
            return 0  # there has been nothing yet that it could not hold for
        from_us = max(now_us, *(t_us + MILLISECOND_US for t_us in (self._last_change_us, *seen_us)))
        self._last_change_us = from_us
        self._last_as_of_us = max(self._last_as_of_us, from_us - MILLISECOND_US)
        return from_us

    def _forget(self) -> None:
        """Let go of every picture."""
        for feed in self._feeds.values():
            feed.pause()
        self._buffer.clear()
        self._looked.clear()

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
        if self._encoding is None:
            return
        self._waiting.append(frame.t_us)
        self._waiting_bytes += len(frame.data)
        encoding = self._encode(self._encoding, name, track, frame)
        task = asyncio.create_task(encoding, name=f"encode-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _encode(self, encoding: FrameEncoding, name: str, track: VideoTrack, frame: LiveFrame) -> None:
        side = span_at(self._spans, frame.t_us).policy.side
        width, height = sent_size(frame.width, frame.height, side)
        try:
            jpeg = await encoding.jpeg(name, frame, width, height)
        finally:
            self._waiting.remove(frame.t_us)
            self._waiting_bytes -= len(frame.data)
        if jpeg is None or frame.t_us <= self._unseen_us:
            return
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


async def _wait_for_end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        await asyncio.wait([task])


def _document_look(looked: LookedFrame) -> dict[str, Any]:
    return {
        "frame": looked.id,
        "track": looked.track,
        "t_us": looked.t_us,
        "width": looked.width,
        "height": looked.height,
        "detail": looked.detail,
    }
