"""The session's media clock: seconds since the first media, in whole milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock

MILLISECOND_US = 1_000
"""Matroska stores whole milliseconds, so nothing finer is ever decided on."""

FURTHEST_US = 1_000_000
"""A frame whose own time is this far from its arrival was stamped by another clock than this machine's."""


class MediaClock:
    """Tells the session's media time; it stands at 0 until the first media arrives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_us: int | None = None

    def begin(self, monotonic_us: int | None = None) -> None:
        """Say that there has been media since a moment, or now; only the first call counts."""
        if self._began_us is None:
            self._began_us = self.monotonic_us() if monotonic_us is None else monotonic_us

    def monotonic_us(self) -> int:
        """Return this machine's monotonic time in microseconds."""
        return round(self._clock.monotonic() * 1_000_000)

    def now_us(self) -> int:
        """Return the media time in microseconds, whole milliseconds."""
        return self.media_us(self.monotonic_us())

    def media_us(self, monotonic_us: int) -> int:
        """Return the media time of a moment, in whole milliseconds; 0 for all before the first media."""
        if self._began_us is None:
            return 0
        return max(0, round_time_us(monotonic_us - self._began_us))


class TrackClock:
    """Turns the timestamps of one track's frames into media time.

    WebRTC stamps a frame with the monotonic time at which it is to be shown, some milliseconds after it
    has arrived. Should it ever stamp by another clock, a frame's arrival ties that one to ours.
    """

    def __init__(self, media_clock: MediaClock) -> None:
        self._media_clock = media_clock
        self._offset_us = 0

    def time_us(self, timestamp_us: int) -> int:
        """Return the media time of the frame that has just arrived, in whole milliseconds."""
        arrived_us = self._media_clock.monotonic_us()
        if abs(timestamp_us - arrived_us) <= FURTHEST_US:
            self._offset_us = 0  # also after a frame that was taken for another clock's, being so late
        elif abs(timestamp_us + self._offset_us - arrived_us) > FURTHEST_US:
            self._offset_us = arrived_us - timestamp_us
        shown_us = timestamp_us + self._offset_us
        self._media_clock.begin(shown_us)
        return self._media_clock.media_us(shown_us)


def round_time_us(t_us: float) -> int:
    """Round to whole milliseconds.

    >>> round_time_us(33_366)
    33000
    """
    return round(t_us / MILLISECOND_US) * MILLISECOND_US
