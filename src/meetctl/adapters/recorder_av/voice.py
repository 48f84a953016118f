"""One voice's pieces, brought to the recording's sample rate and to their places in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

RATE_HZ = 48_000
"""The recording's sample rate, which is what WebRTC delivers and Opus is made for."""

_JITTER_US = 100_000
"""A piece that begins within this of where the one before ended follows it without a gap or an overlap: its
time says when it arrived, and networks deliver unevenly."""


def place_of(t_us: int) -> int:
    """Return the sample at a moment of the media clock."""
    return t_us * RATE_HZ // 1_000_000


class Voice:
    """Keeps a voice's pieces together as long as they follow each other, and its resampler's state."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._begin_us = 0
        self._heard = 0
        """Samples since it began to speak without a gap."""
        self._place = 0
        self._resampler: AudioResampler | None = None

    @property
    def _due_us(self) -> int:
        """When the next piece should begin."""
        return self._begin_us + self._heard * 1_000_000 // self._rate_hz

    def place(self, t_us: int, rate_hz: int, data: bytes) -> Iterator[tuple[int, Samples]]:
        """Return runs of samples at 48 kHz, each with the place of its first; signed 16 bit, mono.

        Raises:
            ValueError: The bytes are no whole samples.
        """
        samples = np.frombuffer(data, np.int16)
        if rate_hz != self._rate_hz or abs(t_us - self._due_us) > _JITTER_US:
            yield from self.finish()
            self._rate_hz, self._begin_us, self._heard, self._place = rate_hz, t_us, 0, place_of(t_us)
            if rate_hz != RATE_HZ:
                self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._heard += len(samples)
        yield from self._follow(samples)

    def finish(self) -> Iterator[tuple[int, Samples]]:
        """Return what the resampler still holds."""
        if self._resampler is not None:
            yield from self._append(self._resampler.resample(None))
            self._resampler = None

    def _follow(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        if self._resampler is None:
            yield self._place, samples
            self._place += len(samples)
        elif len(samples):
            frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = self._rate_hz
            yield from self._append(self._resampler.resample(frame))

    def _append(self, frames: list[AudioFrame]) -> Iterator[tuple[int, Samples]]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            yield self._place, samples
            self._place += len(samples)
