"""Measures seeking in a recorded meeting of three hours: how long until the state at a time is there.

    .venv/bin/python benchmarks/replay_seek.py [--quick]

The journal is that of the ledger's benchmark, made longer. Every seek goes to a time chosen at random and
makes the whole view that the panels are shown; the same times are folded from the beginning, to compare.
Drawing is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import Any

from ledger_speed import make_events
from measure import machine, markdown_table, report
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.events import Event
from meetctl.domain.session_bundle import SessionBundle
from meetctl.domain.state import fold_events
from meetctl.domain.view.markers import find_markers
from meetctl.services.dashboard.player import Player
from meetctl.services.dashboard.timeline import Timeline

HOURS = 3
SEEKS = 500
QUICK_SEEKS = 50
FOLDS = 20
"""So many of the times are folded from the beginning: that takes long."""
TARGET_MS = 200
_ENVELOPE = ("type", "t")


def make_meeting(hours: float) -> list[Event]:
    """Return the events of one long meeting."""
    events: list[Event] = []
    for seq, fields in enumerate(islice(make_events(), 1_000_000)):
        t = float(fields.get("t", 0))
        if t > hours * 3600:
            break
        minute, second = divmod(int(t), 60)
        events.append(
            Event(
                seq=seq,
                ts=f"2026-11-01T{9 + minute // 60:02}:{minute % 60:02}:{second:02}.000000Z",
                t=t,
                type=fields["type"],
                session_id="s1",
                tenant_id=None,
                room="room",
                fields={name: value for name, value in fields.items() if name not in _ENVELOPE},
            )
        )
    return events


def time_ms(do: Callable[[], Any]) -> float:
    """Return how long a call took, in milliseconds."""
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile by nearest rank."""
    return sorted(values)[max(0, -(-percent * len(values) // 100) - 1)]


def make_player(events: list[Event]) -> Player:
    """Return a player that has read the meeting."""
    bundle = SessionBundle(session_id="s1", path=Path("s1"), state="ended")
    player = Player([bundle], lambda _: iter(events), clock=SystemClock())
    asyncio.run(read_all(player))
    return player


async def read_all(player: Player) -> None:
    """Let a player read its journal to the end."""
    async with aclosing(player.watch()) as views:
        async for _ in views:
            if not player.head.is_loading:
                return


def main() -> int:
    """Measure, print Markdown tables and keep them in results/; fail where the target is missed."""
    parser = argparse.ArgumentParser(description="Measure seeking in a recorded meeting.")
    parser.add_argument("--quick", action="store_true", help="fewer seeks, only printed")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    events = make_meeting(HOURS)
    player = make_player(events)
    chance = random.Random(7)
    times = [chance.uniform(0, player.head.end_s) for _ in range(QUICK_SEEKS if options.quick else SEEKS)]

    def seek(t: float) -> None:
        player.seek(t)
        player.view()
        player.recent_events("s1")

    seeks = [time_ms(lambda t=t: seek(t)) for t in times]  # type: ignore[misc]
    folds = [
        time_ms(lambda t=t: fold_events(event for event in events if event.t <= t))  # type: ignore[misc]
        for t in times[:FOLDS]
    ]
    build_ms = time_ms(lambda: Timeline().extend(events))
    marks_ms = time_ms(lambda: find_markers([event.t for event in events], events))
    ratio = statistics.median(folds) / statistics.median(seeks)
    rows = [
        ["a seek, with the view of all panels and the last 5,000 events", *_spread(seeks), ""],
        ["the same state, folded from the beginning", *_spread(folds), f"{ratio:.0f}x"],
    ]
    p95 = percentile(seeks, 95)
    verdict = "held" if p95 < TARGET_MS else "missed"
    text = "\n".join(
        [
            f"A meeting of {HOURS} hours, {len(events):,} events. {machine()}. "
            f"Load before it began: {load:.1f}.",
            "",
            markdown_table(["", "p50", "p95", "most", "against a seek"], rows),
            "",
            f"Folding all of it once, in the background while the screen is there: {build_ms / 1000:.1f} s; "
            f"finding its markers: {marks_ms:.0f} ms. Target, p95 of a seek below {TARGET_MS} ms: {verdict} "
            f"({TARGET_MS / p95:.0f} times below).",
        ]
    )
    if options.quick:
        print(text)
    else:
        report("replay_seek", text)
    return 0 if p95 < TARGET_MS else 1


def _spread(values: list[float]) -> list[str]:
    return [f"{value:.1f} ms" for value in (percentile(values, 50), percentile(values, 95), max(values))]


if __name__ == "__main__":
    sys.exit(main())
