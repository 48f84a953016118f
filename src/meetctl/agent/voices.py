"""The agent's own voice, for the recording, as it was played."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from livekit.agents.voice import io

if TYPE_CHECKING:
    from livekit import rtc

    from meetctl.agent.media_clock import MediaClock
    from meetctl.ports import MeetingRecorder

AGENT_VOICE = "agent"
PLAYHEAD_STEP_S = 0.05


class VoiceTap(io.AudioOutput):
    """Passes the agent's voice on to the room, and records of it what is played.

    Speech comes here faster than it is spoken, and the room's output tells only when it begins and ends;
    so a playhead moves through it in real time, as the track's own does.
    """

    def __init__(
        self, room_output: io.AudioOutput, *, media_clock: MediaClock, recorder: MeetingRecorder
    ) -> None:
        super().__init__(
            label="meetctl recording",
            next_in_chain=room_output,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self._media_clock = media_clock
        self._recorder = recorder
        self._pieces: deque[rtc.AudioFrame] = deque()
        self._playhead_us: int | None = None
        self._is_held = False
        self._playing: asyncio.Task[None] | None = None

    @property
    def sample_rate(self) -> int | None:
        """What the room's output wants."""
        return self.next_in_chain.sample_rate if self.next_in_chain else None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a piece of speech."""
        if self.next_in_chain:
            await self.next_in_chain.capture_frame(frame)
        await super().capture_frame(frame)
        self._pieces.append(frame)
        if self._playing is None or self._playing.done():
            self._playing = asyncio.create_task(self._play(), name="voice-recording")

    def flush(self) -> None:
        """Say that the speech is complete."""
        super().flush()
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        """Drop what has not been spoken."""
        self._pieces.clear()
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        """Hold the voice."""
        if self._playhead_us is not None:
            self._record_until(self._media_clock.now_us())
            self._is_held, self._playhead_us = True, None
        super().pause()

    def resume(self) -> None:
        """Let the voice go on; the session says so before each speech too, long before it is heard."""
        if self._is_held:
            self._start()
        super().resume()

    def on_playback_started(self, *, created_at: float) -> None:
        """Note that speech has begun."""
        super().on_playback_started(created_at=created_at)
        self._start()

    def on_playback_finished(
        self, *, playback_position: float, interrupted: bool, synchronized_transcript: str | None = None
    ) -> None:
        """Record the rest of what was spoken."""
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )
        if not interrupted and self._playhead_us is not None:
            self._record_until(None)
        self._pieces.clear()
        self._is_held, self._playhead_us = False, None

    def _start(self) -> None:
        self._is_held = False
        self._media_clock.begin()
        self._playhead_us = self._media_clock.now_us()

    async def _play(self) -> None:
        while self._pieces:
            if self._playhead_us is not None:
                self._record_until(self._media_clock.now_us())
            await asyncio.sleep(PLAYHEAD_STEP_S)

    def _record_until(self, now_us: int | None) -> None:
        """Record the pieces that are due at `now_us`; all of them for None."""
        while self._pieces and self._playhead_us is not None:
            if now_us is not None and self._playhead_us > now_us:
                return
            piece = self._pieces.popleft()
            self._recorder.write_audio(
                AGENT_VOICE, self._playhead_us, piece.sample_rate, piece.data.tobytes()
            )
            self._playhead_us += piece.samples_per_channel * 1_000_000 // piece.sample_rate
