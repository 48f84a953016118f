"""A recorder that keeps what it is given, in memory, and stops when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.live_media import RecordingEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.domain.live_media import LiveFrame, VideoTrack


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of a track in one size."""

    track: VideoTrack
    width: int
    height: int
    times_us: list[int] = field(default_factory=list)


class InMemoryMeetingRecorder:
    """The MeetingRecorder port without files."""

    def __init__(self, *, on_stopped: Callable[[str], None] | None = None) -> None:
        self.segments: list[Segment] = []
        self.voices: dict[str, list[tuple[int, int, bytes]]] = {}
        """For each voice its pieces: when, at what rate, the samples."""
        self.is_behind = False
        """Set to refuse frames, as a recorder does whose disk is slow."""
        self.is_finished = False
        self._on_stopped = on_stopped
        self._open: dict[str, Segment] = {}
        self._last_us: dict[str, int] = {}
        self._dropped = 0
        self._stopped: str | None = None

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> bool:
        width, height = frame.width, frame.height
        needed = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        if (
            self.is_behind
            or self.is_finished
            or self._stopped is not None
            or frame.t_us <= self._last_us.get(track.id, -1)
            or memoryview(frame.data).nbytes != needed
        ):
            self._dropped += 1
            return False
        segment = self._open.get(track.id)
        if segment is None or (segment.width, segment.height) != (width, height):
            segment = self._open[track.id] = Segment(track=track, width=width, height=height)
            self.segments.append(segment)
        segment.times_us.append(frame.t_us)
        self._last_us[track.id] = frame.t_us
        return True

    def end_video(self, track: str) -> None:
        self._open.pop(track, None)

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        self.voices.setdefault(voice, []).append((t_us, sample_rate, samples))

    def finish(self) -> RecordingEnd:
        self.is_finished = True
        return RecordingEnd(
            frames=sum(len(segment.times_us) for segment in self.segments),
            dropped=self._dropped,
            segments=len(self.segments),
            stopped=self._stopped,
        )

    def stop(self, reason: str) -> None:
        """Fail, as a recorder does whose disk is full."""
        self._stopped = reason
        if self._on_stopped is not None:
            self._on_stopped(reason)
