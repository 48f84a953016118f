"""How long the event loop is kept from its work, measured while a meeting runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock

STEP_S = 0.01
BLOCKED_S = 0.05
"""A loop that is held for this long delays everybody's audio."""


@dataclass(slots=True)
class LoopMonitor:
    """Sleeps briefly, over and over, and notes how much too late it wakes."""

    clock: Clock
    longest_s: float = 0.0
    blocked: int = 0
    """How often it woke at least `BLOCKED_S` too late."""

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            before_s = self.clock.monotonic()
            await asyncio.sleep(STEP_S)
            late_s = self.clock.monotonic() - before_s - STEP_S
            self.longest_s = max(self.longest_s, late_s)
            self.blocked += late_s >= BLOCKED_S
