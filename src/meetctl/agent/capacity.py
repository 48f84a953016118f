"""How many meetings one worker takes at a time."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock

LAUNCH_S = 60.0
"""After this time an accepted meeting that does not run has gone to another worker, or failed to start."""
SERVER_TARGET_LOAD = 0.7
"""From this load on LiveKit's server offers no more meetings (its `agents.target_load`, by default)."""


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

    def settle(self, job: str) -> None:
        """Note that an accepted job runs by now, or never will: its place is counted by whether it runs.

        A meeting may be over before anybody observes it.
        """
        with self._lock:
            self._accepted_s.pop(job, None)

    def observe(self, running: Collection[str]) -> float:
        """Note which jobs run now, and return the load to report to LiveKit's server.

        It grows with the meetings, stays below the server's target while there is a place, so that the last
        one is offered a meeting too, and is 1 when there is none.

        An accepted job that has been seen running keeps its place no longer than it runs.
        """
        now_s = self._clock.monotonic()
        with self._lock:
            self._accepted_s = {
                accepted: at_s
                for accepted, at_s in self._accepted_s.items()
                if accepted not in running and now_s - at_s < LAUNCH_S
            }
        if len(running) >= self._max_meetings:
            return 1.0
        return SERVER_TARGET_LOAD * len(running) / self._max_meetings
