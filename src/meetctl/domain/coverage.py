"""How much of what changed on the screen the kept frames show, and how late."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Method = Literal["decode", "packets", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What one policy's kept frames show of a track's visible changes."""

    method: Method
    """How the changes were found: in decoded pictures, estimated from packets, or not at all."""
    changes: int | None
    """How many visible changes there were; None where they were not looked for."""
    seen: int | None
    """How many of them a kept frame shows before the next change."""
    delays_us: tuple[int, ...] = ()
    """For each seen change, the time until the frame that shows it; ascending."""
    missed_us: tuple[int, ...] = ()
    """When the changes were that no kept frame shows."""

    @property
    def ratio(self) -> float | None:
        """Share of changes seen; None where there were none, or nobody looked."""
        return self.seen / self.changes if self.changes and self.seen is not None else None

    def delay_s(self, percent: int) -> float | None:
        """Return a percentile of the delays, in seconds, by nearest rank; None without delays."""
        if not self.delays_us:
            return None
        rank = max(0, -(-percent * len(self.delays_us) // 100) - 1)
        return self.delays_us[rank] / 1_000_000


_WEAKNESS: tuple[Method, ...] = ("decode", "packets", "off")

NOT_LOOKED_FOR = Coverage(method="off", changes=None, seen=None)


def measure_coverage(changes_us: Sequence[int] | None, kept_us: Sequence[int], method: Method) -> Coverage:
    """Hold the kept frames' times against the times of the changes, both ascending.

    A change is seen if a frame was kept at its time or later, and before the next change.

    >>> coverage = measure_coverage([1_000_000, 5_000_000], [0, 2_000_000, 3_000_000], "decode")
    >>> coverage.changes, coverage.seen, coverage.ratio, coverage.delay_s(50), coverage.missed_us
    (2, 1, 0.5, 1.0, (5000000,))
    """
    if changes_us is None:
        return Coverage(method=method, changes=None, seen=None)
    delays: list[int] = []
    missed: list[int] = []
    for change_us, next_us in zip(changes_us, [*changes_us, None][1:], strict=True):
        index = bisect_left(kept_us, change_us)
        if index < len(kept_us) and (next_us is None or kept_us[index] < next_us):
            delays.append(kept_us[index] - change_us)
        else:
            missed.append(change_us)
    return Coverage(
        method=method,
        changes=len(changes_us),
        seen=len(delays),
        delays_us=tuple(sorted(delays)),
        missed_us=tuple(missed),
    )


def join_coverage(parts: Sequence[Coverage]) -> Coverage:
    """Add up what was found in several tracks or recordings; unknown where any part is."""
    method: Method = max((part.method for part in parts), key=_WEAKNESS.index, default="off")
    if any(part.changes is None or part.seen is None for part in parts):
        return Coverage(method=method, changes=None, seen=None)
    return Coverage(
        method=method,
        changes=sum(part.changes or 0 for part in parts),
        seen=sum(part.seen or 0 for part in parts),
        delays_us=tuple(sorted(delay for part in parts for delay in part.delays_us)),
        missed_us=tuple(sorted(missed for part in parts for missed in part.missed_us)),
    )
