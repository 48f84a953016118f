"""How durations are spread: percentiles over any number of them, in bounded space."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

_DIGITS = 3
"""So many digits of a duration count; people are shown fewer."""

_LONGEST_MS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """All durations of one kind; below a second each counts to the millisecond, above to three digits.

    >>> spread = Spread()
    >>> for seconds in (0.4, 0.9, 1.2345, 0.5):
    ...     spread = spread.add(seconds)
    >>> spread.count, spread.percentile_s(50), spread.percentile_s(95)
    (4, 0.5, 1.23)
    """

    counts: tuple[tuple[int, int], ...] = ()
    """Milliseconds, ascending, and how often each occurred."""
    count: int = 0

    def add(self, seconds: float) -> Spread:
        """Return the spread with one more duration; one below zero changes nothing."""
        if seconds < 0:
            return self
        ms = _round(min(round(seconds * 1000), _LONGEST_MS))
        place = bisect_left(self.counts, (ms,))
        known = self.counts[place : place + 1]
        times = known[0][1] if known and known[0][0] == ms else 0
        rest = self.counts[place + (1 if times else 0) :]
        return Spread(counts=(*self.counts[:place], (ms, times + 1), *rest), count=self.count + 1)

    def percentile_s(self, percent: int) -> float | None:
        """Return a percentile in seconds, by nearest rank; None without any duration."""
        rank = max(1, -(-percent * self.count // 100))
        for ms, times in self.counts:
            rank -= times
            if rank <= 0:
                return ms / 1000
        return None


def _round(ms: int) -> int:
    step: int = 10 ** max(0, len(str(ms)) - _DIGITS)
    return (ms + step // 2) // step * step
