"""One track's frames on their way: onto the media clock, through the sampler, into journal and recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.domain.live_media import LiveFrame, VideoTrack
from meetctl.domain.sampler import Sampler

if TYPE_CHECKING:
    from fractions import Fraction

    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.media_clock import TrackClock
    from meetctl.agent.rtc_video import ReceivedFrame
    from meetctl.core.config import Recording
    from meetctl.ports import MeetingRecorder


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOutlets:
    """Where frames go that have been seen."""

    journal: MeetingJournal
    recorder: MeetingRecorder | None
    keep: Callable[[VideoTrack, LiveFrame], None]
    """Takes each frame that the sampler kept."""


class TrackFeed:
    """One track from its publication to its end; it may pause and go on."""

    def __init__(
        self,
        track: VideoTrack,
        *,
        clock: TrackClock,
        sampler: Sampler,
        recording: Recording,
        outlets: VideoOutlets,
    ) -> None:
        self.track = track
        self.newest_us: int | None = None
        """Time of the newest frame seen."""
        self.newest: LiveFrame | None = None
        """The newest frame itself, until no more come."""
        self._clock = clock
        self._sampler = sampler
        self._recording = recording
        self._record_sampler = _make_record_sampler(recording)
        self._outlets = outlets
        self._batch: list[int] = []
        self._batch_kept = 0
        self._size: tuple[int, int] | None = None
        self._runs = False
        self.unrecorded = 0
        """Frames that the recorder could not take."""

    def see(self, received: ReceivedFrame, *, after_us: int) -> None:
        """Take a frame that has just arrived.

        A frame that is no newer than the last one, or than `after_us`, is late: a request has been told
        what was there at that time already, so it is left out as if it had been lost on the way.
        """
        t_us = self._clock.time_us(received.timestamp_us)
        if t_us <= max(after_us, -1 if self.newest_us is None else self.newest_us):
            return
        frame = LiveFrame(t_us=t_us, width=received.width, height=received.height, data=received.data)
        self._note_size(frame)
        self.newest_us, self.newest = t_us, frame
        kept = self._sampler.offer(t_us)
        if kept:
            self._outlets.keep(self.track, frame)
        self._batch.append(t_us)
        self._batch_kept += kept
        self._record(frame, kept=kept)

    def change_rate(self, fps: Fraction | None, from_us: int) -> None:
        """Keep frames at another rate from `from_us` on."""
        self._sampler.change_rate(fps, from_us)

    def change_recording(self, recording: Recording) -> None:
        """Record the frames that come from now on in another way."""
        if not recording.is_on and self._runs and self._outlets.recorder is not None:
            self._outlets.recorder.end_video(self.track.id)
        self._recording = recording
        self._record_sampler = _make_record_sampler(recording)

    def flush(self) -> None:
        """Write the times of the frames seen since the last call."""
        if not self._batch or self._size is None:
            return
        width, height = self._size
        self._outlets.journal.write(
            "video.frames",
            {
                "track": self.track.id,
                "t_us": self._batch,
                "kept": self._batch_kept,
                "width": width,
                "height": height,
            },
            t_us=self._batch[-1],
        )
        self._batch, self._batch_kept = [], 0

    def pause(self) -> None:
        """Say that no more frames come for now."""
        self.flush()
        self.newest = None
        if self._runs:
            self._runs = False
            self._outlets.journal.write("track.ended", {"track": self.track.id, "kind": "video"})
            if self._outlets.recorder is not None:
                self._outlets.recorder.end_video(self.track.id)

    def _note_size(self, frame: LiveFrame) -> None:
        size = (frame.width, frame.height)
        if self._runs and size == self._size:
            return
        self.flush()
        self._size = size
        if not self._runs:
            self._runs = True
            self._outlets.journal.write(
                "track.started",
                {
                    "track": self.track.id,
                    "participant": self.track.participant,
                    "source": self.track.source,
                    "kind": "video",
                    "width": frame.width,
                    "height": frame.height,
                },
                t_us=frame.t_us,
            )

    def _record(self, frame: LiveFrame, *, kept: bool) -> None:
        recorder = self._outlets.recorder
        if recorder is None or not self._recording.is_on:
            return
        # The recorder's own sampler sees every frame, so that its rate does not depend on what is kept.
        due = self._record_sampler is not None and self._record_sampler.offer(frame.t_us)
        if (kept or due or self._recording.mode == "full") and not recorder.write_video(self.track, frame):
            self.unrecorded += 1


def _make_record_sampler(recording: Recording) -> Sampler | None:
    return Sampler(recording.fps) if recording.mode == "rate" else None
