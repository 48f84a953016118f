"""Sound from a subscribed track: mono, at one rate, in pieces of one length."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit import rtc

SAMPLE_RATE = 48_000
"""What is received: Opus's own rate, which the recording keeps."""
BLOCK_MS = 50

_QUEUED_PIECES = 100
"""How much of a track may wait for the event loop: five seconds."""


async def receive_sound(track: rtc.Track) -> AsyncIterator[rtc.AudioFrame]:
    """Yield a track's sound in pieces of BLOCK_MS, mono at SAMPLE_RATE; of too many the newest stay."""
    stream = rtc.AudioStream.from_track(
        track=track,
        sample_rate=SAMPLE_RATE,
        num_channels=1,
        frame_size_ms=BLOCK_MS,
        capacity=_QUEUED_PIECES,
    )
    try:
        async for event in stream:
            yield event.frame
    finally:
        await stream.aclose()
