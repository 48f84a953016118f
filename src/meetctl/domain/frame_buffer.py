"""The kept frames that the next request may take."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass

from meetctl.domain.attachment import choose_attached

CAPACITY = 10
"""How many frames are held where the window needs no more."""

SPREAD_US = 2_100_000
"""How far the newest frame may lie after the time that a request takes frames up to: a frame's time is at
most a second from its arrival, before or after, and a request trails its own time by a little more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """A frame that the sampler kept, as it is sent."""

    id: str
    """Its name in the journal, such as "frame-000012"."""
    track: str
    t_us: int
    """Time on the media clock in microseconds."""
    width: int
    """Width in pixels as it was seen; it may be sent smaller."""
    height: int
    sent_width: int
    sent_height: int
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedFrame:
    """A frame that the model asked to look at closely, in its own size."""

    id: str
    """Its name in the journal, such as "look-000001"."""
    track: str
    t_us: int
    """Time on the media clock in microseconds."""
    width: int
    height: int
    detail: str
    """How closely the model is asked to look."""
    jpeg: bytes


class FrameBuffer:
    """The newest kept frames of all tracks together, in the order of their times."""

    def __init__(self, *, window: int) -> None:
        """Hold what requests for the last `window` frames may take."""
        self._window = window
        self._frames: list[KeptFrame] = []
        self.whole_from_us = 0
        """From this time on it has every frame that was added; times are whole milliseconds."""

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[KeptFrame]:
        return iter(self._frames)

    def add(self, frame: KeptFrame) -> None:
        """Add a frame in its place; the oldest that no request can take any more go."""
        insort(self._frames, frame, key=lambda kept: (kept.t_us, kept.track))
        settled_us = self._frames[-1].t_us - SPREAD_US
        recent = sum(1 for kept in self._frames if kept.t_us > settled_us)
        gone = self._frames[: -max(CAPACITY, self._window + recent)]
        if gone:
            self.whole_from_us = max(self.whole_from_us, gone[-1].t_us + 1000)
            del self._frames[: len(gone)]

    def widen(self, window: int) -> None:
        """Hold from now on what requests for the last `window` frames may take."""
        self._window = max(self._window, window)

    def clear(self) -> None:
        """Forget every frame."""
        self._frames.clear()

    def last(self, window: int, as_of_us: int, since_us: int = 0) -> tuple[KeptFrame, ...]:
        """Return the last `window` frames from `since_us` to `as_of_us`, both included, oldest first.

        >>> def frame(t_us: int) -> KeptFrame:
        ...     return KeptFrame(
        ...         id=f"frame-{t_us}",
        ...         track="TR_1",
        ...         t_us=t_us,
        ...         width=2,
        ...         height=2,
        ...         sent_width=2,
        ...         sent_height=2,
        ...         jpeg=b"",
        ...     )
        >>> buffer = FrameBuffer(window=2)
        >>> for t_us in (1, 3, 2, 4):
        ...     buffer.add(frame(t_us))
        >>> [kept.t_us for kept in buffer.last(2, 3)]
        [2, 3]
        """
        return tuple(choose_attached(self._frames, as_of_us, window, since_us))
