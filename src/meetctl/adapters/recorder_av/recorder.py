"""The MeetingRecorder port: one thread that encodes and writes, so that the meeting never waits for it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING

from meetctl.adapters.recorder_av.backlog import Backlog
from meetctl.adapters.recorder_av.joining import join_segments
from meetctl.adapters.recorder_av.segments import Segments
from meetctl.domain.live_media import RecordingEnd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meetctl.domain.live_media import LiveFrame, VideoTrack

_BACKLOG_BYTES = 64_000_000
"""What may wait to be written: some 46 frames of 720p, a second and a half of a full recording."""

_AUDIO_BYTES = 8_000_000
"""What sound may wait beyond that, so that pictures never crowd it out."""

_AHEAD_US = 10_000_000
"""Sound that begins further ahead of now has no believable time, and would make minutes of silence."""

_WAKE_S = 0.1
"""How often silence is written when nothing arrives."""

_SETTLE_US = 100_000
"""How long a piece of sound that has arrived may wait for the writer, who may be at a large picture."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    track: VideoTrack
    frame: LiveFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _TrackEnd:
    track: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    voice: str
    t_us: int
    sample_rate: int
    samples: bytes
    now_us: int
    """When it arrived: whether it is late does not depend on how long it has waited here."""


class AvMeetingRecorder:
    """Records into a bundle's `segments/`, and joins them into `meeting.mkv` at the end.

    Files reach up to the last frame that was written, and up to a second before now in sound, even when the
    process is killed. What cannot be written ends the recording and nothing else. Frames and sound may come
    from any thread; a frame's bytes must not change after it was handed over.
    """

    def __init__(
        self,
        directory: Path,
        *,
        now_us: Callable[[], int],
        on_stopped: Callable[[str], None],
        backlog_bytes: int = _BACKLOG_BYTES,
    ) -> None:
        """Begin; nothing is written before something arrives.

        `now_us` tells the media clock's time from any thread. `on_stopped` is called at most once, from the
        writing thread, with a reason such as "no space is left".
        """
        self._directory = directory
        self._now_us = now_us
        self._on_stopped = on_stopped
        self._backlog_bytes = backlog_bytes
        self._backlog: Backlog[_Frame | _TrackEnd | _Piece] = Backlog()
        self._segments = Segments(directory)
        self._lock = Lock()
        self._last_us: dict[str, int] = {}
        self._offered = self._written = 0
        self._stopped: str | None = None
        self._thread = Thread(target=self._run, name="meeting recorder", daemon=True)
        self._thread.start()

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> bool:
        """Take one frame; False when writing is behind or has stopped, or the frame cannot be recorded.

        That is one that is not later than the track's frame before, or whose bytes are not its size's.
        """
        with self._lock:
            is_taken = (
                frame.t_us > self._last_us.get(track.id, -1)
                and memoryview(frame.data).nbytes == _i420_bytes(frame.width, frame.height) > 0
                and self._backlog.put(
                    _Frame(track=track, frame=frame), memoryview(frame.data).nbytes, self._backlog_bytes
                )
            )
            self._offered += 1
            if is_taken:
                self._last_us[track.id] = frame.t_us
            return is_taken

    def end_video(self, track: str) -> None:
        """Finish a track's segment; frames of the same track may still come later."""
        self._backlog.put(_TrackEnd(track=track), 0, self._backlog_bytes + _AUDIO_BYTES)

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        """Take a piece of one voice (mono, signed 16 bit, this machine's byte order) that began at `t_us`.

        Heard if it arrives at most half a second after it began, and at most ten seconds before.
        """
        now_us = self._now_us()
        if t_us - now_us > _AHEAD_US:
            return
        piece = _Piece(voice=voice, t_us=t_us, sample_rate=sample_rate, samples=samples, now_us=now_us)
        # Urgent, so that sound keeps up with the present however many pictures wait.
        self._backlog.put(piece, len(samples), self._backlog_bytes + _AUDIO_BYTES, is_urgent=True)

    def finish(self) -> RecordingEnd:
        """Write what is still waiting, join the segments, and say what was recorded. Blocks; call it once."""
        self._backlog.close()
        self._thread.join()
        join_segments(self._directory)
        return RecordingEnd(
            frames=self._written,
            dropped=self._offered - self._written,
            segments=self._segments.count,
            stopped=self._stopped,
        )

    def _run(self) -> None:
        try:
            while not self._backlog.is_drained:
                self._work(self._backlog.take(_WAKE_S))
            self._segments.close(self._now_us())
        except Exception as error:  # noqa: BLE001  whatever it is, the meeting goes on without a recording
            self._stop(_reason(error))

    def _work(self, item: _Frame | _TrackEnd | _Piece | None) -> None:
        match item:
            case _Frame():
                self._segments.write_video(item.track, item.frame)
                self._written += 1
            case _TrackEnd():
                self._segments.end_video(item.track)
            case _Piece():
                self._segments.advance(item.now_us)
                self._segments.write_audio(item.voice, item.t_us, item.sample_rate, item.samples)
        if not isinstance(item, _Piece):
            self._segments.advance(self._now_us() - _SETTLE_US)  # nobody may be speaking at all

    def _stop(self, reason: str) -> None:
        self._stopped = reason
        self._backlog.close()
        self._backlog.clear()
        self._segments.abandon()
        self._on_stopped(reason)


def _i420_bytes(width: int, height: int) -> int:
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def _reason(error: Exception) -> str:
    """Say in a few words why nothing can be written."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return "no space is left"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return f"{type(error).__name__}: {error}"
