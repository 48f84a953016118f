"""Measures what a frame costs that is seen and not kept: in the sampler alone, and on its whole way.

    .venv/bin/python benchmarks/sampler_cost.py [--quick]

Frames are a millisecond apart and begin now, so that the real clock takes them as they are and a second's
policy keeps none of them but the first, which is not timed. Journal and recording are left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from fractions import Fraction
from typing import TYPE_CHECKING

from measure import machine, markdown_table, report
from meetctl.adapters.system_clock import SystemClock
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.media_clock import MediaClock, TrackClock
from meetctl.agent.rtc_video import ReceivedFrame
from meetctl.agent.track_feed import TrackFeed, VideoOutlets
from meetctl.core.config import Recording
from meetctl.domain.events import Event
from meetctl.domain.live_media import LiveFrame, VideoTrack
from meetctl.domain.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FPS = Fraction(1)
FRAMES = 900
"""Dropped frames of one pass; fewer than there are milliseconds until the next one is kept."""
PASSES = 400
QUICK_PASSES = 20
SOURCE_FPS = 30
TRACK = VideoTrack(id="TR_screen", participant="maya", source="screen_share")
PICTURE = bytes(1280 * 720 * 3 // 2)


class DiscardedEvents:
    """An EventSink that writes nothing."""

    def append(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event:
        """Return the event, and forget it."""
        t = 0.0 if t_us is None else t_us / 1_000_000
        return Event(seq=0, ts="", t=t, type=kind, session_id="", tenant_id=None, room="", fields=fields)

    def assign_tenant(self, tenant_id: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def time_loop(times_us: list[int]) -> int:
    """Return the nanoseconds of a loop that does nothing with the timestamps."""
    start_ns = time.perf_counter_ns()
    for _ in times_us:
        pass
    return time.perf_counter_ns() - start_ns


def time_sampler(times_us: list[int]) -> int:
    """Return the nanoseconds of offering every timestamp to a sampler that has just kept one."""
    sampler = Sampler(FPS)
    sampler.offer(times_us[0] - 1000)
    start_ns = time.perf_counter_ns()
    for t_us in times_us:
        sampler.offer(t_us)
    return time.perf_counter_ns() - start_ns


def time_feed(times_us: list[int]) -> int:
    """Return the nanoseconds of a track's whole feed for every frame, after one that it has just kept."""
    kept: list[LiveFrame] = []
    feed = TrackFeed(
        TRACK,
        clock=TrackClock(MediaClock(SystemClock())),
        sampler=Sampler(FPS),
        recording=Recording(mode="off"),
        outlets=VideoOutlets(
            journal=MeetingJournal(DiscardedEvents()),
            recorder=None,
            keep=lambda _, frame: kept.append(frame),
        ),
    )
    frames = [
        ReceivedFrame(timestamp_us=t_us, width=1280, height=720, data=PICTURE)
        for t_us in (times_us[0] - 1000, *times_us)
    ]
    feed.see(frames[0], after_us=-1)
    start_ns = time.perf_counter_ns()
    for frame in frames[1:]:
        feed.see(frame, after_us=-1)
    elapsed_ns = time.perf_counter_ns() - start_ns
    if len(kept) != 1 or feed.newest_us != FRAMES * 1000:
        raise SystemExit("sampler_cost: the frames were not all seen, or not all dropped")
    return elapsed_ns


def measure(passes: int) -> dict[str, list[float]]:
    """Return nanoseconds a frame of every pass, the three in turn."""
    costs: dict[str, list[float]] = {"the loop alone": [], "`Sampler.offer`": [], "`TrackFeed.see`": []}
    for _ in range(passes):
        for name, timed in zip(costs, (time_loop, time_sampler, time_feed), strict=True):
            begin_us = time.monotonic_ns() // 1000
            times_us = [begin_us + 1000 * number for number in range(1, FRAMES + 1)]
            costs[name].append(timed(times_us) / FRAMES)
    return costs


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    parser = argparse.ArgumentParser(description="Measure what a dropped frame costs.")
    parser.add_argument("--quick", action="store_true", help="few passes, only printed")
    quick = parser.parse_args().quick
    passes = QUICK_PASSES if quick else PASSES
    costs = measure(passes)
    loop_ns = min(costs["the loop alone"])
    rows = [
        [
            what,
            f"{min(runs):.0f}",
            f"{statistics.median(runs):.0f}",
            f"{min(runs) / loop_ns:.1f}x",
            f"{min(runs) * SOURCE_FPS / 1e9:.5%}",
        ]
        for what, runs in costs.items()
    ]
    header = ["for each frame", "least ns", "median ns", "of the loop", f"of a core at {SOURCE_FPS} fps"]
    what = f"Frames that are seen and not kept: {passes} passes over {FRAMES} each, in turn"
    text = "\n".join([f"{what}. {machine()}.", "", markdown_table(header, rows)])
    if quick:
        print(text)
    else:
        report("sampler_cost", text)


if __name__ == "__main__":
    main()
