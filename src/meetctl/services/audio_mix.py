"""Mixing voices that come in pieces, each at its place on a common line of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]


class AudioMix:
    """Sums what is heard at the same moment and hands it out in order; where nothing is, there is silence.

    It holds what lies between the sample that is taken next and the furthest one that was added.
    """

    def __init__(self, position: int) -> None:
        self._position = position
        self._sums: npt.NDArray[np.int32] = np.zeros(0, np.int32)

    @property
    def position(self) -> int:
        """The sample that is taken next; nothing can be added before it."""
        return self._position

    @property
    def end(self) -> int:
        """The sample after the last one that was added, or the position."""
        return self._position + len(self._sums)

    def add(self, start: int, samples: Samples) -> int:
        """Add one voice's samples from `start` on; return how many came too late and are left out."""
        late = min(max(0, self._position - start), len(samples))
        samples = samples[late:]
        if not len(samples):
            return late
        first = start + late - self._position
        last = first + len(samples)
        if last > len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros(last - len(self._sums), np.int32)])
        self._sums[first:last] += samples
        return late

    def take(self, count: int) -> Samples:
        """Return the next `count` samples, what is too loud cut off at 16 bits."""
        sums, self._sums = self._sums[:count], self._sums[count:]
        self._position += count
        mixed: Samples = np.zeros(count, np.int16)
        mixed[: len(sums)] = sums.clip(-32768, 32767)
        return mixed
