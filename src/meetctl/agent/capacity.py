"""How many meetings one worker takes at a time."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock

LAUNCH_S = 60.0
"""After this time an accepted meeting that does not run has gone to another worker, or failed to start."""


class Capacity:
    """Counts the meetings that run, and those accepted that do not run yet; safe to use from any thread."""

    def __init__(self, max_meetings: int, *, clock: Clock) -> None:
        self._max_meetings = max_meetings
        self._clock = clock
        self._accepted_s: dict[str, float] = {}
        self._lock = Lock()

    def admit(self, job: str, running: Collection[str]) -> bool:
        """Tell whether there is a place for one more job, and keep it for this one."""
        self.observe(running)
        with self._lock:
            if len(running) + len(self._accepted_s) >= self._max_meetings:
                return False
            self._accepted_s[job] = self._clock.monotonic()
            return True

    def observe(self, running: Collection[str]) -> float:
        """Note which jobs run now, and return their share of the places.

        An accepted job that has been seen running keeps its place no longer than it runs, so this is to be
        called every few seconds.
        """
        now_s = self._clock.monotonic()
        with self._lock:
            self._accepted_s = {
                accepted: at_s
                for accepted, at_s in self._accepted_s.items()
                if accepted not in running and now_s - at_s < LAUNCH_S
            }
        return len(running) / self._max_meetings
