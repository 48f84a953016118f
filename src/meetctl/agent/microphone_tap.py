"""One participant's sound on its way into the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit import rtc

    from meetctl.agent.media_clock import MediaClock
    from meetctl.ports import MeetingRecorder

FURTHEST_US = 200_000
"""From this difference between counted and arrived audio on, the microphone has paused."""


class MicrophoneTap:
    """Places one person's sound in the recording."""

    def __init__(self, voice: str, *, media_clock: MediaClock, recorder: MeetingRecorder) -> None:
        self._voice = voice
        self._media_clock = media_clock
        self._recorder = recorder
        self._next_us: int | None = None

    def hear(self, frame: rtc.AudioFrame) -> None:
        """Record a piece right after the last one; samples are counted, because arrivals jitter."""
        self._media_clock.begin()
        length_us = frame.samples_per_channel * 1_000_000 // frame.sample_rate
        arrived_us = max(0, self._media_clock.now_us() - length_us)
        if self._next_us is None or abs(arrived_us - self._next_us) > FURTHEST_US:
            self._next_us = arrived_us
        self._recorder.write_audio(self._voice, self._next_us, frame.sample_rate, frame.data.tobytes())
        self._next_us += length_us
