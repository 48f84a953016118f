"""The one sampler: which frames are kept, decided on the media clock by timestamps alone.

The live agent offers frames one by one, the replay a whole column at a time; both go through the
same class, so a replay keeps exactly the frames that the agent kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

RESTART_US = 1_000_000
"""How far a timestamp must fall behind the newest one to mean a restarted track, not a late frame.

Frames that arrive out of order are late by a jitter buffer's length, some tenths of a second; a
track that is published again starts over. The bound does not depend on the rate, so a lower rate
never keeps more.
"""

_MICROSECONDS = 1_000_000


class Sampler:
    """Keep a frame if it is the first, or if 1/fps has passed since the last kept one.

    >>> sampler = Sampler(Fraction(1))
    >>> [sampler.offer(t_us) for t_us in (0, 500_000, 1_000_000, 1_999_999, 2_000_000)]
    [True, False, True, False, True]
    """

    __slots__ = ("_fps", "_interval_us", "_last_kept_us", "_newest_us")

    def __init__(self, fps: Fraction | None) -> None:
        """Take `fps` frames a second; 0 keeps none, None keeps every frame.

        Raises:
            ValueError: `fps` is negative.
        """
        if fps is not None and fps < 0:
            raise ValueError(f"a frame rate cannot be negative: {fps}")
        self._fps = fps
        # The smallest whole number of microseconds that is at least 1/fps.
        self._interval_us = -(-_MICROSECONDS * fps.denominator // fps.numerator) if fps else 0
        self._last_kept_us: int | None = None
        self._newest_us: int | None = None

    def offer(self, t_us: int) -> bool:
        """Tell whether the frame at `t_us` (microseconds on the media clock) is kept."""
        if self._fps is None:
            return True
        if self._fps == 0:
            return False
        newest, last_kept = self._newest_us, self._last_kept_us
        if newest is not None and t_us < newest - RESTART_US:
            newest = last_kept = None
        self._newest_us = t_us if newest is None else max(newest, t_us)
        if last_kept is None or t_us - last_kept >= self._interval_us:
            self._last_kept_us = t_us
            return True
        self._last_kept_us = last_kept
        return False

    def select(self, times_us: Sequence[int]) -> Sequence[int]:
        """Offer a whole column of ascending timestamps; return the indexes of those kept.

        Decides as `offer` would, one after the other, but skips from kept frame to kept frame.
        Columns may be offered in any number of pieces.

        >>> list(Sampler(Fraction(2)).select([0, 300_000, 600_000, 900_000, 1_200_000]))
        [0, 2, 4]
        """
        count = len(times_us)
        if self._fps is None:
            return range(count)
        if self._fps == 0 or count == 0:
            return range(0)
        kept = [0] if self.offer(times_us[0]) else []
        index, stride = 0, 1
        while True:
            # offer() has set it: a first frame is kept, and any other follows a kept one.
            due_us = (self._last_kept_us or 0) + self._interval_us
            # At a steady frame rate the next kept frame is as far away as the last one was.
            guess = index + stride
            if not (guess < count and times_us[guess - 1] < due_us <= times_us[guess]):
                guess = _first_at_or_after(times_us, due_us, index + 1)
            if guess == count:
                break
            index, stride = guess, guess - index
            kept.append(index)
            self._last_kept_us = times_us[index]
        self._newest_us = max(self._newest_us or times_us[-1], times_us[-1])
        return kept


def _first_at_or_after(times_us: Sequence[int], due_us: int, low: int) -> int:
    """Find by galloping, then bisecting: kept frames are near each other at high rates."""
    count, step = len(times_us), 4
    high = low
    while high < count and times_us[high] < due_us:
        low = high + 1
        high += step
        step *= 4
    return bisect_left(times_us, due_us, low, min(high, count))
