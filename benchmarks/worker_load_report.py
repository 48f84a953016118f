"""What many meetings in one worker took, and the report of it."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audience import FPS, HEIGHT, WIDTH
from measure import machine, markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from full_worker import FullWorker
    from running_processes import Memory

ENOUGH_FRAMES = 0.9
"""A meeting that sees fewer of its frames is not carried well."""
ALL_BUSY = 0.95
"""Of the cores; then nobody can say what one more meeting costs."""
MEETINGS, PEOPLE, REST = "meetings", "people", "all else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """So many meetings at a time, in one window."""

    wanted: int
    held: int
    """How many saw their screen."""
    obstacle: str | None
    """Why there were no more."""
    join_s: list[float]
    """From the dispatch to the first frame seen, of each meeting that was added."""
    load: float
    """What the worker reported."""
    cores: dict[str, float]
    """CPU seconds in each second, by whose processes they are."""
    memory: list[Memory]
    """Of each meeting."""
    seen_fps: list[float]
    kept_fps: list[float]
    longest_gap_s: float
    """Between two frames of a meeting."""
    late_s: list[float]
    """By how much the second in which the frames seen are journaled was too long, each time."""
    asked: int
    answers_s: list[float]
    """From each typed question to the first sound of its answer."""

    @property
    def busy(self) -> float:
        """Everything that ran on the machine, in cores."""
        return sum(self.cores.values())

    @property
    def bends(self) -> list[str]:
        """What is no longer as it is with few meetings."""
        signs = {
            f"only {self.held} of {self.wanted} were held": self.held < self.wanted,
            "a meeting saw too few frames": min(self.seen_fps, default=0.0) < ENOUGH_FRAMES * FPS,
            "the cores were all busy": self.busy >= ALL_BUSY * (os.cpu_count() or 1),
            "a question was not answered": len(self.answers_s) < self.asked,
        }
        return [sign for sign, holds in signs.items() if holds]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnds:
    """What all sessions say of themselves at their end."""

    sessions: int
    ended: int
    minutes: float
    longest_stall_ms: int
    stalls: int
    """How often an event loop stood for 50 ms and more."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """All that was found so far; what is missing was not measured."""

    levels: list[Level] = field(default_factory=list)
    ends: SessionEnds | None = None
    full: FullWorker | None = None
    failure: str | None = None


def make_report(findings: Findings, *, window_s: float) -> str:
    """Return the report: each level, who used the machine, where it bends, and what a full worker does."""
    levels = findings.levels
    header = [
        *("meetings", "joined after, s: median / longest", "CPU s in each second of a meeting"),
        *("MB of a meeting: its share / its own / resident", "frames seen/s, worst", "kept/s, worst"),
        *("longest gap, s", "journaled late, ms: p95 / worst", "answer begins after, s: median / longest"),
        *("load reported", "cores busy"),
    ]
    groups = list(levels[0].cores)
    return "\n".join(
        [
            f"One worker, {window_s:g} s of so many meetings at a time, recording off, each with a "
            f"{FPS} fps {WIDTH}x{HEIGHT} screen share of its own. "
            f"{machine('livekit-agents', 'livekit', 'av')}.",
            "",
            "People, server and offline providers run on the same machine; the screens are encoded once for "
            "all, so people cost little. Meetings are added one by one and stay. Questions are typed in one "
            "of them, after the window.",
            "",
            markdown_table(header, [level_cells(level) for level in levels]),
            "",
            "Who kept the cores busy:",
            "",
            markdown_table(
                ["meetings", *groups],
                [[str(level.held), *(f"{level.cores[name]:.2f}" for name in groups)] for level in levels],
            ),
            "",
            describe_bend(levels),
            *(line for obstacle in obstacles(findings) for line in ("", f"Not held: {obstacle}.")),
            *(["", describe_ends(findings.ends)] if findings.ends else []),
            *(["", describe_full(findings.full)] if findings.full else []),
        ]
    )


def level_cells(level: Level) -> list[str]:
    """Return a line of the table."""
    memory = level.memory
    shared_mb = mean_mb(memory, lambda one: one.uss if one.pss is None else one.pss)
    return [
        f"{level.held}" if level.held == level.wanted else f"{level.held} (of {level.wanted})",
        middle_and_longest(level.join_s, 1),
        f"{level.cores[MEETINGS] / level.held:.3f}",
        f"{shared_mb:.0f} / {mean_mb(memory, lambda one: one.uss):.0f}"
        f" / {mean_mb(memory, lambda one: one.rss):.0f}",
        f"{min(level.seen_fps):.1f} of {FPS}",
        f"{min(level.kept_fps):.2f}",
        f"{level.longest_gap_s:.2f}",
        f"{percentile_95(level.late_s) * 1000:.0f} / {max(level.late_s, default=0.0) * 1000:.0f}",
        f"{middle_and_longest(level.answers_s, 2)} ({len(level.answers_s)} of {level.asked})",
        f"{level.load:.2f}",
        f"{level.busy:.2f} of {os.cpu_count()}",
    ]


def mean_mb(memory: Sequence[Memory], field_of: Callable[[Memory], float]) -> float:
    """Return the mean of one measure of memory."""
    return statistics.mean(map(field_of, memory))


def middle_and_longest(seconds: Sequence[float], digits: int) -> str:
    """Return the median and the longest; a dash for none."""
    if not seconds:
        return "–"
    return f"{statistics.median(seconds):.{digits}f} / {max(seconds):.{digits}f}"


def percentile_95(values: Sequence[float]) -> float:
    """Return what nineteen of twenty values stay below."""
    if len(values) < 2:
        return max(values, default=0.0)
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def describe_bend(levels: Sequence[Level]) -> str:
    """Return up to how many meetings everything was well, and what was not with more."""
    well = [level.held for level in levels if not level.bends]
    carried = (
        f"Up to {max(well)} meetings each saw at least {ENOUGH_FRAMES:.0%} of its frames, every question was "
        "answered, and there were cores to spare."
        if well
        else ""
    )
    bent = [f"At {level.held}: {', '.join(level.bends)}." for level in levels if level.bends]
    return " ".join(part for part in (carried, *bent) if part)


def obstacles(findings: Findings) -> list[str]:
    """Return why some of it was not measured."""
    found = [f"{one.wanted} meetings, because {one.obstacle}" for one in findings.levels if one.obstacle]
    return [*found, *([findings.failure] if findings.failure else [])]


def describe_ends(ends: SessionEnds) -> str:
    """Return what became of the sessions, as a sentence."""
    per_minute = ends.stalls / ends.minutes if ends.minutes else 0.0
    return (
        f"Whole sessions, from their start to the end of all rooms at once: {ends.ended} of {ends.sessions} "
        f"ended well; the longest stall of an event loop was {ends.longest_stall_ms} ms, stalls of 50 ms and "
        f"more were {per_minute:.1f} in each minute of a meeting."
    )


def describe_full(full: FullWorker) -> str:
    """Return what a full worker did, as sentences."""
    more = "took one more" if full.took_more else "took no more"
    later = "was taken too" if full.took_more else "stayed without an agent"
    if full.was_taken_later:
        later = "was taken by it, later"
    return (
        f"A worker with all of its {full.places} places taken reported a load of {full.load:g} and {more}; "
        f"it was offered, and refused, {full.offered}. With another worker beside it the next meeting began "
        f"there after {full.other_s:.1f} s; the one before it {later}."
    )
