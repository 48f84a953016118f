"""A scripted person's microphone: speech in real time, and the quiet of a room in between."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from meetctl.errors import ServiceError
from meetctl.stack.participant.voice import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.ports import Clock

_BLOCK = SAMPLE_RATE // 50
_QUEUE_MS = 200
"""How far the published audio is ahead: a stall of the event loop shorter than this is not heard."""

_NOISE_LEVEL = 3
"""Largest sample of the room's noise: inaudible, but no digital silence, which no real microphone sends."""

_CLOSE_TIMEOUT_S = 1.0


class Microphone:
    """A published microphone track that never falls silent for good, as a real one doesn't."""

    def __init__(self, room: rtc.Room, clock: Clock) -> None:
        self._room = room
        self._clock = clock
        self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=_QUEUE_MS)
        self._waiting: deque[tuple[npt.NDArray[np.int16], asyncio.Future[float]]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Publish the track.

        Raises:
            ServiceError: The LiveKit server refuses it.
        """
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        try:
            await self._room.local_participant.publish_track(track, options)
        except rtc.participant.PublishTrackError as error:
            raise ServiceError(f"the LiveKit server refused a microphone: {error.message}") from error
        self._pump = asyncio.create_task(self._run())

    async def play(self, samples: npt.NDArray[np.int16]) -> float:
        """Play mono samples at SAMPLE_RATE and return, when the last was played, its monotonic second.

        Raises:
            ServiceError: The microphone is not, or no longer, open.
        """
        if self._pump is None or self._pump.done():
            raise ServiceError("the microphone is not open: the connection to the LiveKit server has ended")
        played: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((samples, played))
        end_s = await played
        await asyncio.sleep(max(0.0, end_s - self._clock.monotonic()))
        return end_s

    async def close(self) -> None:
        """Fall silent for good; a second call does nothing."""
        pump, self._pump = self._pump, None
        if pump is None:
            return
        self._closing = True
        # A block on its way is let through: the library complains about one that nobody waits for any more.
        await asyncio.wait({pump}, timeout=_CLOSE_TIMEOUT_S)
        pump.cancel()
        # One that failed before has told whoever was speaking.
        await asyncio.gather(pump, return_exceptions=True)
        await self._source.aclose()

    async def _run(self) -> None:
        """Feed the track for ever; the source itself paces it to real time."""
        noise = np.random.default_rng(1).integers(-_NOISE_LEVEL, _NOISE_LEVEL + 1, SAMPLE_RATE, np.int16)
        blocks = noise.reshape(-1, _BLOCK)
        quiet = 0
        try:
            while not self._closing:
                if self._waiting:
                    samples, played = self._waiting[0]
                    if not await self._send_all(samples):
                        return
                    self._waiting.popleft()
                    if not played.done():
                        played.set_result(self._clock.monotonic() + self._source.queued_duration)
                else:
                    await self._send(blocks[quiet % len(blocks)])
                    quiet += 1
        finally:
            for _, played in self._waiting:
                if not played.done():
                    played.set_exception(
                        ServiceError("the microphone was closed in the middle of a sentence")
                    )
            self._waiting.clear()

    async def _send_all(self, samples: npt.NDArray[np.int16]) -> bool:
        """Send a whole sentence; False when the microphone is closed in the middle of it."""
        padded = np.pad(samples, (0, -len(samples) % _BLOCK))
        for block in padded.reshape(-1, _BLOCK):
            if self._closing:
                return False
            await self._send(block)
        return True

    async def _send(self, block: npt.NDArray[np.int16]) -> None:
        await self._source.capture_frame(rtc.AudioFrame(block.tobytes(), SAMPLE_RATE, 1, _BLOCK))
