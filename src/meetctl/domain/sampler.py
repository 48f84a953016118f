"""The one sampler: which frames are kept, decided on the media clock by timestamps alone.

The live agent offers frames one by one, the replay a whole column at a time; both go through the
same class, so a replay keeps exactly the frames that the agent kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter

RESTART_US = 1_000_000
"""How far a timestamp must fall behind the newest one to mean a restarted track, not a late frame.

Frames that arrive out of order are late by a jitter buffer's length, some tenths of a second; a
track that is published again starts over. The bound does not depend on the rate, so a lower rate
never keeps more.
"""

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Rate:
    """The rate of one stretch of time."""

    from_us: int
    """Where the stretch begins; the first one has no beginning."""
    fps: Fraction | None
    interval_us: int
    """The smallest whole number of microseconds that is at least 1/fps."""
    anew_us: int
    """Frames kept before this do not count any more: where a rate of 0 last came to an end."""


class Sampler:
    """Keep a frame if it is the first, or if 1/fps has passed since the last kept one.

    >>> sampler = Sampler(Fraction(1))
    >>> [sampler.offer(t_us) for t_us in (0, 500_000, 1_000_000, 1_999_999, 2_000_000)]
    [True, False, True, False, True]
    """

    __slots__ = ("_last_kept_us", "_newest_us", "_rates")

    def __init__(self, fps: Fraction | None) -> None:
        """Take `fps` frames a second; 0 keeps none, None keeps every frame.

        Raises:
            ValueError: `fps` is negative.
        """
        self._rates = [_Rate(0, fps, _interval_us(fps), 0)]
        self._last_kept_us: int | None = None
        self._newest_us: int | None = None

    def change_rate(self, fps: Fraction | None, from_us: int) -> None:
        """Judge frames by another rate from `from_us` on; earlier ones, however late, by those before.

        The last kept frame goes on counting, whatever rate it was kept by; but where a rate of 0 ends, the
        next frame is a first one again.

        >>> sampler = Sampler(Fraction(1))
        >>> sampler.change_rate(Fraction(4), 1_500_000)
        >>> [t_us for t_us in range(0, 2_000_001, 250_000) if sampler.offer(t_us)]
        [0, 1000000, 1500000, 1750000, 2000000]

        Raises:
            ValueError: `fps` is negative, or `from_us` before the beginning of the rate before.
        """
        before = self._rates[-1]
        if len(self._rates) > 1 and from_us < before.from_us:
            raise ValueError(f"a change at {from_us} us is before the last one, at {before.from_us} us")
        anew_us = from_us if before.fps == 0 else before.anew_us
        self._rates.append(_Rate(from_us, fps, _interval_us(fps), anew_us))

    def offer(self, t_us: int) -> bool:
        """Tell whether the frame at `t_us` (microseconds on the media clock) is kept."""
        rate = self._rates[-1]
        if t_us < rate.from_us:
            rate = self._rates[self._place_of(t_us)]
        newest, last_kept = self._newest_us, self._last_kept_us
        if newest is not None and t_us < newest - RESTART_US:
            newest = last_kept = None
        self._newest_us = t_us if newest is None else max(newest, t_us)
        if last_kept is not None and last_kept < rate.anew_us:
            last_kept = None
        is_due = last_kept is None or t_us - last_kept >= rate.interval_us
        if rate.fps is None or (is_due and rate.fps != 0):
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
        if len(self._rates) == 1:
            return self._select_stretch(times_us, 0, count, self._rates[0])
        kept: list[int] = []
        low = 0
        while low < count:
            place = self._place_of(times_us[low])
            last = place + 1 == len(self._rates)
            high = count if last else bisect_left(times_us, self._rates[place + 1].from_us, low)
            kept += self._select_stretch(times_us, low, high, self._rates[place])
            low = high
        return kept

    def _select_stretch(self, times_us: Sequence[int], low: int, high: int, rate: _Rate) -> Sequence[int]:
        """Decide about the frames from `low` until before `high`, all of one stretch."""
        if low == high:
            return range(0)
        is_kept = self.offer(times_us[low])
        newest_us = self._newest_us or 0  # offer() has set it
        self._newest_us = max(newest_us, times_us[high - 1])
        if rate.fps is None:
            self._last_kept_us = times_us[high - 1]
            return range(low, high)
        if rate.fps == 0:
            return range(0)
        kept = [low] if is_kept else []
        index, stride = low, 1
        while True:
            # offer() has set it: a first frame is kept, and any other follows a kept one.
            due_us = (self._last_kept_us or 0) + rate.interval_us
            # At a steady frame rate the next kept frame is as far away as the last one was.
            guess = index + stride
            if not (guess < high and times_us[guess - 1] < due_us <= times_us[guess]):
                guess = _first_at_or_after(times_us, due_us, index + 1, high)
            if guess == high:
                return kept
            index, stride = guess, guess - index
            kept.append(index)
            self._last_kept_us = times_us[index]

    def _place_of(self, t_us: int) -> int:
        """Return the place of the rate that holds at a time."""
        return bisect_left(self._rates, t_us + 1, 1, key=attrgetter("from_us")) - 1


def _interval_us(fps: Fraction | None) -> int:
    if fps is not None and fps < 0:
        raise ValueError(f"a frame rate cannot be negative: {fps}")
    return -(-_MICROSECONDS * fps.denominator // fps.numerator) if fps else 0


def _first_at_or_after(times_us: Sequence[int], due_us: int, low: int, count: int) -> int:
    """Find by galloping, then bisecting: kept frames are near each other at high rates."""
    step = 4
    high = low
    while high < count and times_us[high] < due_us:
        low = high + 1
        high += step
        step *= 4
    return bisect_left(times_us, due_us, low, min(high, count))
