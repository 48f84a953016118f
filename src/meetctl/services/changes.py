"""Finding visible changes in small pictures of decoded frames, and telling two pictures apart.

A visible change is a part of the picture that takes on a new look and keeps it. A pointer moves
over a part and leaves it as it was, a camera's picture never keeps still: neither is a change.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from meetctl.domain.packet_changes import is_large

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.domain.recording import Track

    Luma = npt.NDArray[np.uint8]

SAMPLE_US = 100_000
"""How often pictures are compared: ten a second places a change well within half a second."""

HOLD_US = 300_000
"""How long a new look must last to be one."""

LEVELS = 10
"""How many of 255 levels of brightness a cell must differ by; codecs' noise stays below."""

SHARE = Fraction(5, 1000)
"""Share of the picture that must change: a short line of text, but not a pointer."""

SPREAD_US = 300_000
"""Parts that change within this time belong to one change, such as a page that settles bit by bit."""


class ChangeDetector:
    """Takes one track's small pictures in order; tells where and when a new look held."""

    def __init__(self) -> None:
        self._settled: npt.NDArray[np.int16] | None = None
        self._look: npt.NDArray[np.int16]
        self._since_us: npt.NDArray[np.int64]
        self._pending: npt.NDArray[np.bool_]
        self._restless_us: npt.NDArray[np.int64]
        self._times_us: list[int] = []
        self._cells: dict[int, int] = {}
        self._cell_count = 0

    def add(self, t_us: int, luma: Luma) -> int:
        """Take the picture at `t_us`; return how many cells' new looks have just proved to hold."""
        picture = luma.astype(np.int16)
        self._times_us.append(t_us)
        if self._settled is None:
            self._settled = picture
            self._look = picture.copy()
            self._since_us = np.full(picture.shape, t_us, np.int64)
            self._pending = np.zeros(picture.shape, np.bool_)
            self._restless_us = self._since_us.copy()
            self._cell_count = picture.size
            return 0
        held = self._settle(t_us)
        moved = np.abs(picture - self._look) > LEVELS
        self._look[moved] = picture[moved]
        self._since_us[moved] = t_us
        self._restless_us[moved & ~self._pending] = t_us
        self._pending |= moved
        return held

    def _settle(self, t_us: int) -> int:
        """Accept looks that have lasted long enough until `t_us`; count those that are new."""
        if self._settled is None or not self._pending.any():
            return 0
        return self._accept(self._settled, self._pending & (t_us - self._since_us >= HOLD_US))

    def _settle_last(self, end_us: int) -> None:
        """Accept looks that began so shortly before the end that they could not last.

        Where something had been moving for longer, such as in a camera's picture, nothing began.
        """
        if self._settled is not None:
            self._accept(self._settled, self._pending & (end_us - self._restless_us <= HOLD_US))

    def _accept(self, settled: npt.NDArray[np.int16], held: npt.NDArray[np.bool_]) -> int:
        """Take these cells' looks as settled; count those that are new."""
        new = held & (np.abs(self._look - settled) > LEVELS)
        since, cells = np.unique(self._since_us[new], return_counts=True)
        for time_us, count in zip(since.tolist(), cells.tolist(), strict=True):
            self._cells[time_us] = self._cells.get(time_us, 0) + count
        settled[held] = self._look[held]
        self._pending &= ~held
        return int(np.count_nonzero(new))

    def is_change(self, cells: int) -> bool:
        """Tell whether that many cells are enough for a visible change."""
        return cells >= SHARE * self._cell_count

    def finish(self, track: Track, end_us: int) -> list[int]:
        """Return the times of all visible changes, each at the frame that brought it."""
        end_us = max(end_us, (self._times_us or [0])[-1])
        self._settle(end_us)
        self._settle_last(end_us)
        window: deque[tuple[int, int]] = deque()
        changes: list[tuple[int, int]] = []
        for time_us, cells in sorted(self._cells.items()):
            window.append((time_us, cells))
            while time_us - window[0][0] > SPREAD_US:
                window.popleft()
            if not self.is_change(sum(count for _, count in window)):
                continue
            strongest = max(window, key=itemgetter(1))
            if not changes or strongest[0] - changes[-1][0] > SPREAD_US:
                changes.append(strongest)
            elif strongest[1] > changes[-1][1]:
                changes[-1] = strongest
        return [self._locate(track, time_us) for time_us, _ in changes]

    def _locate(self, track: Track, sample_us: int) -> int:
        """Find the frame between two compared pictures that brought the change.

        It is the one with a packet too large for anything else. Where none stands out, the time is that
        of the picture in which the change was seen: late by less than a sample, but never early.
        """
        position = bisect_left(self._times_us, sample_us)
        before_us = self._times_us[position - 1] if position else sample_us
        first, last = bisect_right(track.t_us, before_us), bisect_right(track.t_us, sample_us)
        if last - first < 2:
            return sample_us
        largest = max(range(first, last), key=track.size_bytes.__getitem__)
        return track.t_us[largest] if is_large(track.size_bytes, track.keyframe, largest) else sample_us


class Gate:
    """Passes a picture on only if enough of it differs from the one passed before."""

    def __init__(self, percent: Fraction, candidates: Sequence[int]) -> None:
        self.kept: list[int] = []
        """Indexes of the frames that passed."""
        self._percent = percent
        self._candidates = candidates
        self._next = 0
        self._last: npt.NDArray[np.int16] | None = None

    def wants(self, index: int) -> bool:
        """Tell whether the frame at `index` is one that the sampler kept."""
        while self._next < len(self._candidates) and self._candidates[self._next] < index:
            self._next += 1
        return self._next < len(self._candidates) and self._candidates[self._next] == index

    def offer(self, index: int, luma: Luma) -> bool:
        """Decide on the frame at `index` by its small picture; tell whether it passed."""
        picture = luma.astype(np.int16)
        if self._last is not None:
            differing = int(np.count_nonzero(np.abs(picture - self._last) > LEVELS))
            if 100 * differing <= self._percent * picture.size:
                return False
        self._last = picture
        self.kept.append(index)
        return True
