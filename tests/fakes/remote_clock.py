"""The time of another machine, by this one's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.ports import Clock


class FakeRemoteClock:
    """The RemoteClock port: `ahead_s` before the given clock; None for one that does not tell."""

    def __init__(self, clock: Clock, *, ahead_s: float | None = 0.0) -> None:
        self.is_reachable = True
        self._clock = clock
        self._ahead_s = ahead_s

    async def now(self) -> datetime | None:
        if not self.is_reachable:
            raise ServiceError("the fake machine cannot be reached")
        if self._ahead_s is None:
            return None
        return (self._clock.now() + timedelta(seconds=self._ahead_s)).replace(microsecond=0)
