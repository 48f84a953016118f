"""How long the event loop was held."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.fakes.clock import LoopClock, VirtualTimeLoop, run_virtually

from meetctl.agent.loop_monitor import BLOCKED_S, LoopMonitor


def test_it_counts_what_holds_the_loop_and_knows_the_longest() -> None:
    async def scene() -> None:
        loop = cast("VirtualTimeLoop", asyncio.get_running_loop())
        monitor = LoopMonitor(LoopClock())
        watching = asyncio.create_task(monitor.watch())
        await asyncio.sleep(1)
        assert monitor.blocked == 0
        assert monitor.longest_s < BLOCKED_S
        for held_s in (0.03, 0.07, 0.2):
            loop.pass_time(held_s)  # as a long computation does
            await asyncio.sleep(0.1)
        watching.cancel()
        assert monitor.blocked == 2
        assert 0.18 < monitor.longest_s <= 0.2

    run_virtually(scene())
