"""A meeting's recording, which may begin, pause and go on while the meeting runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from meetctl.domain.live_media import RecordingEnd
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from meetctl.core.config import Recording
    from meetctl.domain.live_media import LiveFrame, VideoTrack
    from meetctl.ports import MeetingRecorder

OpenRecorder: TypeAlias = Callable[[Callable[[str], None]], "MeetingRecorder"]
"""Opens the session's recorder; its argument is told, from any thread, why it stopped early."""


class RecordingSwitch:
    """The MeetingRecorder port over a recorder that is opened when something is recorded for the first time.

    While it is off, nothing of what is seen and heard is written.
    """

    def __init__(
        self, recording: Recording, *, open_recorder: OpenRecorder, on_stopped: Callable[[str], None]
    ) -> None:
        """Begin with a way to record; `on_stopped` is told once, from any thread, why it stopped early."""
        self.recording = recording
        """How the meeting is recorded now."""
        self._open_recorder = open_recorder
        self._on_stopped = on_stopped
        self._listeners: list[Callable[[Recording], None]] = []
        self._stopped: str | None = None
        self._recorder = open_recorder(self._stop) if recording.is_on else None

    @property
    def has_recorded(self) -> bool:
        """Whether anything was to be recorded so far."""
        return self._recorder is not None

    def listen(self, listener: Callable[[Recording], None]) -> None:
        """Tell `listener` of every change from now on, in the order in which the listeners came."""
        self._listeners.append(listener)

    def change(self, recording: Recording) -> bool:
        """Record in another way from now on; "off" pauses. Tells whether that is a change at all.

        Raises:
            OutputError: The recording has stopped early, as on a full disk, and cannot go on.
        """
        if recording == self.recording:
            return False
        if recording.is_on and self._stopped is not None:
            raise OutputError(f"the recording has stopped and cannot go on: {self._stopped}")
        if recording.is_on and self._recorder is None:
            self._recorder = self._open_recorder(self._stop)
        self.recording = recording
        for listener in self._listeners:
            listener(recording)
        return True

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> bool:
        """Take one frame; False when it could not be taken."""
        return (
            self.recording.is_on and self._recorder is not None and self._recorder.write_video(track, frame)
        )

    def end_video(self, track: str) -> None:
        """Finish a track's segment, also one that was begun before a pause."""
        if self._recorder is not None:
            self._recorder.end_video(track)

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        """Take a piece of one voice."""
        if self.recording.is_on and self._recorder is not None:
            self._recorder.write_audio(voice, t_us, sample_rate, samples)

    def finish(self) -> RecordingEnd:
        """Finish what was recorded; nothing at all where it was never on. Blocks; call it once."""
        if self._recorder is None:
            return RecordingEnd(frames=0, dropped=0, segments=0)
        return self._recorder.finish()

    def _stop(self, reason: str) -> None:
        self._stopped = reason
        self._on_stopped(reason)
