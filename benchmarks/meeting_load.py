"""Measures what meetings cost their worker: CPU time, memory, frames seen and how long the event loop stood.

    .venv/bin/python benchmarks/meeting_load.py [--quick] [--rounds N] [--window SECONDS]

A real LiveKit server, the worker with a process for each meeting, and offline providers. A person's screen
costs a third of a core to send, so there is one person, in one room, and the agent is dispatched into it once
for each meeting: each of its processes subscribes, decodes, samples, records and journals as in a room of its
own. The server is told that they do not hear one another.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import statistics
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from livekit import api

from live_meetings import (
    LiveStack,
    delete_room,
    find_end,
    find_ended,
    find_jobs,
    find_others,
    frame_times,
    list_people,
    open_api,
    read_events,
    run_with_stack,
    wait_for,
)
from measure import machine, markdown_table, report
from meetctl.errors import MeetctlError
from meetctl.stack.livekit_server import NAME as SERVER
from meetctl.stack.offline_part import NAME as OFFLINE
from meetctl.stack.rooms import dispatch_agent
from meetctl.stack.supervisor import Part
from running_processes import Memory, observe, read_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AGENT = "meetctl-load"
PERSON = "load"
PUBLISHER = Path(__file__).with_name("load_participant.py")
MODES = ("off", "sampled", "full")
COUNTS = (1, 5, 10)
QUICK_COUNTS = (1, 2)
WARM_UP_S = 15.0
WINDOW_S = 40.0
QUICK_S = 6.0
MAX_MEETINGS = 100
"""Far more than are held at a time: a meeting that has ended keeps its place for a while."""
JOIN_LIMIT_S = 120.0
END_LIMIT_S = 90.0
FPS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What so many meetings took in one window; CPU times in cores."""

    meetings: int
    record: str
    job_cores: list[float]
    memory: list[Memory]
    growth_mb_per_min: float
    """By how much the processes' own memory grew over the window, the mean of all."""
    worker_cores: float
    """The worker's other processes."""
    server_cores: float
    offline_cores: float
    busy_cores: float
    """Everything that ran on the machine."""
    fps: list[float]
    longest_gap_s: float
    """Between two frames of a meeting."""
    unrecorded: int
    """Frames that the recorders could not take, in whole sessions."""
    longest_stall_ms: int
    stalls_per_min: float
    """Stalls of 50 ms and more in a minute of a meeting, over whole sessions."""

    @property
    def cores(self) -> float:
        """CPU seconds in each second of a meeting, the mean of all."""
        return statistics.mean(self.job_cores)

    def mean_mb(self, field: Callable[[Memory], float]) -> float:
        """Return the mean of one measure of memory."""
        return statistics.mean(map(field, self.memory))

    @property
    def shared_mb(self) -> float:
        """Memory of a meeting with its share of common pages; without them where the system does not say."""
        return self.mean_mb(lambda memory: memory.uss if memory.pss is None else memory.pss)


async def measure_meetings(
    stack: LiveStack, worker: int, count: int, record: str, options: argparse.Namespace
) -> Load:
    """Hold so many meetings at once, measure a window of them, and end them."""
    before = set(stack.journals())
    room = f"load-{len(before)}"
    await stack.supervisor.start(publisher_part(stack, room))
    for number in range(1, count + 1):
        await dispatch_agent(stack.livekit, room, AGENT, {"record": record})
        await wait_for(
            f"meeting {number} of {count} that sees the screen",
            functools.partial(watching, stack, before, number),
            JOIN_LIMIT_S,
        )
    await separate_agents(stack, room)
    await asyncio.sleep(options.warm_up)
    journals = [journal for journal in stack.journals() if journal not in before]
    jobs = find_jobs(worker, journals)
    others = find_others(stack, worker, jobs)
    memory_before = [read_memory(job) for job in jobs]
    window = await observe(
        [*jobs, *(process for group in others.values() for process in group)], options.window
    )
    memory = [read_memory(job) for job in jobs]
    await delete_room(stack, room)
    sessions = [
        await wait_for(
            f"the end of {journal.parent.name}", functools.partial(find_ended, journal), END_LIMIT_S
        )
        for journal in journals
    ]
    await stack.supervisor.stop(PERSON)
    ends = [end.fields for events in sessions if (end := find_end(events)) is not None]
    times = [frame_times(events, window) for events in sessions]
    minutes = sum(end["duration_s"] for end in ends) / 60
    grown_mb = statistics.mean(
        after.uss - earlier.uss for after, earlier in zip(memory, memory_before, strict=True)
    )
    cores = {name: sum(window.cpu_s[p.pid] for p in group) / window.seconds for name, group in others.items()}
    return Load(
        meetings=count,
        record=record,
        job_cores=[window.cpu_s[job.pid] / window.seconds for job in jobs],
        memory=memory,
        growth_mb_per_min=grown_mb / window.seconds * 60,
        worker_cores=cores["worker"],
        server_cores=cores[SERVER],
        offline_cores=cores[OFFLINE],
        busy_cores=window.busy_s / window.seconds,
        fps=[(len(seen) - 1) / (seen[-1] - seen[0]) * 1e6 if len(seen) > 1 else 0.0 for seen in times],
        longest_gap_s=max((b - a for seen in times for a, b in pairwise(seen)), default=0) / 1e6,
        unrecorded=sum(end["recorded"].get("dropped", 0) for end in ends),
        longest_stall_ms=max(end["loop"]["longest_ms"] for end in ends),
        stalls_per_min=sum(end["loop"]["blocked"] for end in ends) / minutes,
    )


def publisher_part(stack: LiveStack, room: str) -> Part:
    """Return the person who shares a screen in the room, as a process of its own."""

    async def probe(_pid: int) -> str | None:
        shares = [p for p in await list_people(stack, room) if p.identity == PERSON and len(p.tracks) > 1]
        return room if shares else None

    return Part(
        name=PERSON,
        command=(
            *(sys.executable, str(PUBLISHER), room, "--identity", PERSON),
            *("--seconds", "86400", "--fps", str(FPS)),
        ),
        environment=stack.livekit_environment,
        log=stack.directory / f"{PERSON}.log",
        ready=probe,
    )


async def separate_agents(stack: LiveStack, room: str) -> None:
    """Let no agent hear the others, which in rooms of their own it would not."""
    agents = [person for person in await list_people(stack, room) if person.identity != PERSON]
    async with open_api(stack) as livekit:
        for agent in agents:
            tracks = [track.sid for other in agents if other is not agent for track in other.tracks]
            await livekit.room.update_subscriptions(
                api.UpdateSubscriptionsRequest(
                    room=room, identity=agent.identity, track_sids=tracks, subscribe=False
                )
            )


def watching(stack: LiveStack, before: set[Path], count: int) -> bool | None:
    """Return True once so many new sessions have seen frames, None until then."""
    journals = [journal for journal in stack.journals() if journal not in before]
    seeing = [any(event.type == "video.frames" for event in read_events(journal)) for journal in journals]
    return True if sum(seeing) >= count else None


def make_report(loads: Sequence[Load], failure: str | None, options: argparse.Namespace) -> str:
    """Return the report: every number of meetings with every recording, and how both grow.

    `failure` says why some were not measured.
    """
    found = {
        (count, mode): [load for load in loads if (load.meetings, load.record) == (count, mode)]
        for count in options.counts
        for mode in MODES
    }
    groups = {key: group for key, group in found.items() if group}
    header = [
        *("meetings", "recorded", "CPU s in each second of a meeting, least / median"),
        *("MB of a meeting: its share / its own / resident", "grows by, MB/min"),
        *("frames seen/s, worst", "longest gap, s", "frames not recorded"),
        *("longest stall, ms", "stalls of 50 ms, each minute", "cores busy"),
    ]
    rows = [load_cells(group) for group in groups.values()]
    least = {key: min(group, key=lambda load: load.cores) for key, group in groups.items()}
    growth = [
        growth_cells(least[fewer, mode], least[more, mode])
        for mode in MODES
        for fewer, more in pairwise(options.counts)
        if (fewer, mode) in least and (more, mode) in least
    ]
    others = least[max(count for count, mode in least if mode == MODES[0]), MODES[0]]
    missing = [f"{count} with recording {mode}" for (count, mode), group in found.items() if not group]
    return "\n".join(
        [
            f"{options.window:g} s of meetings with a {FPS:g} fps 720p screen share, after "
            f"{options.warm_up:g} s; rounds, in turn: {options.rounds}. "
            f"{machine('livekit-agents', 'livekit', 'av')}.",
            "",
            "One person shares the screen in one room, into which the agent is dispatched once for each "
            "meeting: a person for each room would take the machine. Person, server and offline providers "
            "run on it too, so once its cores are all busy, the figures say what it could not do. Nobody "
            "speaks. Stalls and frames not recorded are of whole sessions, in which the later meetings join.",
            "",
            markdown_table(header, rows),
            "",
            "What each further meeting adds, of all processes of meetings together:",
            "",
            markdown_table(["recorded", "meetings", "CPU s in each second", "MB"], growth),
            "",
            f"Beside {others.meetings} meetings with recording off, in cores: the worker's other processes "
            f"{others.worker_cores:.2f}, the LiveKit server {others.server_cores:.2f}, the offline providers "
            f"{others.offline_cores:.2f}.",
            *(["", f"Not held, because {failure}: {', '.join(missing)} meetings."] if missing else []),
        ]
    )


def load_cells(group: Sequence[Load]) -> list[str]:
    """Return a line of the table from all its rounds."""
    best = min(group, key=lambda load: load.cores)
    return [
        str(best.meetings),
        best.record,
        f"{best.cores:.3f} / {statistics.median(load.cores for load in group):.3f}",
        f"{best.shared_mb:.0f} / {best.mean_mb(lambda m: m.uss):.0f} / {best.mean_mb(lambda m: m.rss):.0f}",
        f"{statistics.median(load.growth_mb_per_min for load in group):+.1f}",
        f"{min(min(load.fps) for load in group):.1f}",
        f"{max(load.longest_gap_s for load in group):.2f}",
        str(sum(load.unrecorded for load in group)),
        str(max(load.longest_stall_ms for load in group)),
        f"{statistics.median(load.stalls_per_min for load in group):.1f}",
        f"{statistics.median(load.busy_cores for load in group):.2f} of {os.cpu_count()}",
    ]


def growth_cells(fewer: Load, more: Load) -> list[str]:
    """Return what each meeting took that came to those that were there."""
    added = more.meetings - fewer.meetings
    cores = (sum(more.job_cores) - sum(fewer.job_cores)) / added
    memory_mb = (more.shared_mb * more.meetings - fewer.shared_mb * fewer.meetings) / added
    return [more.record, f"{fewer.meetings} to {more.meetings}", f"{cores:.3f}", f"{memory_mb:.0f}"]


async def measure_all(stack: LiveStack, options: argparse.Namespace) -> tuple[list[Load], str | None]:
    """Measure every number of meetings with every recording, in turn, with one worker.

    The first that the machine cannot hold ends it, with the reason: what was measured until then counts.
    """
    quiet = ("--greeting", "", "--no-announce", "--max-meetings", str(MAX_MEETINGS))
    worker = await stack.start_worker(AGENT, *quiet)
    loads = []
    for number in range(1, options.rounds + 1):
        for count in options.counts:
            for mode in MODES:
                print(
                    f"  round {number} of {options.rounds}: {count} meetings, recording {mode}",
                    file=sys.stderr,
                )
                try:
                    loads.append(await measure_meetings(stack, worker, count, mode, options))
                except (api.TwirpError, MeetctlError) as error:
                    if not loads:
                        raise
                    return loads, f"the LiveKit server or the worker did not answer in time ({error})"
    return loads, None


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure CPU and memory of meetings.")
    parser.add_argument("--quick", action="store_true", help="one or two short meetings, only printed")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--window", type=float, metavar="SECONDS")
    options = parser.parse_args()
    options.counts = QUICK_COUNTS if options.quick else COUNTS
    options.warm_up = QUICK_S if options.quick else WARM_UP_S
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.window = options.window or (QUICK_S if options.quick else WINDOW_S)
    return options


def main() -> int:
    """Measure, print a report and keep it in results/; return the exit status."""
    options = parse_options()
    try:
        loads, failure = asyncio.run(run_with_stack(lambda stack: measure_all(stack, options)))
    except MeetctlError as error:
        print(f"meeting_load: {error.message}\n{error.hint or ''}", file=sys.stderr)
        return int(error.exit_code)
    text = make_report(loads, failure, options)
    if options.quick:
        print(text)
    else:
        report("meeting_load", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
