"""Measures how many meetings one worker carries on this machine, where it bends, and what a full one does.

    .venv/bin/python benchmarks/worker_load.py [--quick]

A real LiveKit server, one worker with a process for each meeting, offline providers, and in each room a
person of its own who shares a 720p screen of five frames a second, encoded once for all (`audience.py`).
Meetings are added one after the other and stay; at 10, 25 and 50 of them a window is measured. In the first
meeting somebody types questions.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from livekit import api

from audience import audience_part
from full_worker import QUIET, fill_worker, measure_full_worker, read_load
from live_meetings import (
    LiveStack,
    delete_room,
    find_end,
    find_ended,
    find_jobs,
    find_others,
    frame_times,
    read_events,
    run_with_stack,
    wait_for,
)
from measure import report
from meetctl.errors import MeetctlError, ServiceError
from meetctl.stack.rooms import dispatch_agent
from running_processes import family, observe, read_memory
from typed_questions import ask_typed, join_to_ask
from worker_load_report import MEETINGS, PEOPLE, REST, Findings, Level, SessionEnds, make_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit import rtc

    from meetctl.domain.events import Event
    from running_processes import Window

AGENT = "meetctl-load"
SMALL_AGENT = "meetctl-full"
SMALL_PLACES = 3
"""Of the worker that is filled where the machine could not fill the large one."""
LEVELS = (10, 25, 50)
QUICK_LEVELS = (1, 3)
WARM_UP_S = 5.0
WINDOW_S = 25.0
QUICK_S = 6.0
QUESTIONS = 3
JOIN_LIMIT_S = 30.0
"""A meeting that sees nothing after this time is not held, and no further one is begun."""
RAMP_LIMIT_S = 120.0
"""How long the meetings of one level may take to begin, all together."""
END_LIMIT_S = 60.0
LEAST_FREE_BYTES = 1_500_000_000
"""With less memory left no further meeting is begun."""
FLUSH_S = 1.0
"""How often a meeting journals the frames that it saw."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One worker and its meetings, more and more of them."""

    stack: LiveStack
    worker: int
    asker: rtc.Room
    options: argparse.Namespace
    journals: dict[str, Path] = field(default_factory=dict)
    """Of the meetings that see their screen, by room."""
    rooms: list[str] = field(default_factory=list)
    audiences: list[int] = field(default_factory=list)
    """Processes that hold the people."""


def room_name(number: int) -> str:
    """Return the name of a meeting's room."""
    return f"load-{number}"


async def measure_level(run: Run, wanted: int) -> Level:
    """Add meetings until there are so many, or no more begin, and measure a window of those that run.

    Raises:
        ServiceError: None of them began, or one of them has ended in the window.
    """
    join_s: list[float] = []
    obstacle = None
    try:
        await add_meetings(run, wanted, join_s)
    except (ServiceError, api.TwirpError) as error:
        if not run.journals:
            raise
        obstacle = str(error)
    await asyncio.sleep(run.options.warm_up)
    load = read_load(run.stack, AGENT)
    journals = list(run.journals.values())
    jobs = find_jobs(run.worker, journals)
    memory = [read_memory(job) for job in jobs]
    window, cores = await observe_machine(run, jobs)
    sessions = [read_events(journal) for journal in journals]
    times = [frame_times(events, window) for events in sessions]
    answers_s = await ask_questions(run)
    return Level(
        wanted=wanted,
        held=len(journals),
        obstacle=obstacle,
        join_s=join_s,
        load=load,
        cores=cores,
        memory=memory,
        seen_fps=[len(seen) / window.seconds for seen in times],
        kept_fps=[count_kept(events, window) / window.seconds for events in sessions],
        longest_gap_s=max((b - a for seen in times for a, b in pairwise(seen)), default=0) / 1e6,
        late_s=[late for events in sessions for late in journaling_delays(events, window)],
        asked=run.options.questions,
        answers_s=answers_s,
    )


async def add_meetings(run: Run, wanted: int, join_s: list[float]) -> None:
    """Begin one meeting after the other, each once the one before sees its screen; note how long each took.

    Raises:
        ServiceError: One did not begin in time, or there is too little memory for it.
    """
    give_up_s = time.monotonic() + RAMP_LIMIT_S
    rooms = [room_name(number) for number in range(len(run.rooms), wanted)]
    run.rooms += rooms
    audience = audience_part(run.stack, f"audience-{wanted}", rooms)
    run.audiences.append((await run.stack.supervisor.start(audience)).identity.pid)
    for number, room in enumerate(rooms, start=wanted - len(rooms) + 1):
        if psutil.virtual_memory().available < LEAST_FREE_BYTES:
            raise ServiceError(f"memory was too short for meeting {number}")
        if time.monotonic() > give_up_s:
            raise ServiceError(f"meeting {number} was not reached within {RAMP_LIMIT_S:g} s")
        begin_s = time.monotonic()
        await dispatch_agent(run.stack.livekit, room, AGENT, {})
        run.journals[room] = await wait_for(
            f"the screen in meeting {number}",
            functools.partial(find_watching, run.stack, room),
            JOIN_LIMIT_S,
        )
        join_s.append(time.monotonic() - begin_s)


def find_watching(stack: LiveStack, room: str) -> Path | None:
    """Return the journal of a room's session once it has seen frames."""
    journal = stack.journal_of(room)
    if journal is None or not any(event.type == "video.frames" for event in read_events(journal)):
        return None
    return journal


async def observe_machine(run: Run, jobs: Sequence[psutil.Process]) -> tuple[Window, dict[str, float]]:
    """Return a window, and how many cores each kind of processes used in it."""
    groups = {MEETINGS: list(jobs), **find_others(run.stack, run.worker, jobs)}
    groups[PEOPLE] = [psutil.Process(), *(process for pid in run.audiences for process in family(pid))]
    window = await observe([process for group in groups.values() for process in group], run.options.window)
    cores = {name: sum(window.cpu_s[p.pid] for p in group) / window.seconds for name, group in groups.items()}
    cores[REST] = max(0.0, window.busy_s / window.seconds - sum(cores.values()))
    return window, cores


async def ask_questions(run: Run) -> list[float]:
    """Type some questions in the first meeting, and return how long each answer took to begin."""
    answers_s = []
    for _ in range(run.options.questions):
        try:
            answers_s.append(await ask_typed(run.asker, run.journals[room_name(0)]))
        except ServiceError as error:
            # The others may be answered; that one was not stands in the report.
            print(f"  {error.message}", file=sys.stderr)
    return answers_s


def count_kept(events: Sequence[Event], window: Window) -> int:
    """Return how many frames were kept in the window."""
    return sum(event.type == "frame.kept" and window.begin <= event.ts <= window.end for event in events)


def journaling_delays(events: Sequence[Event], window: Window) -> list[float]:
    """Return by how many seconds each second of frames was journaled too late: the loop was held up."""
    at = [
        datetime.fromisoformat(event.ts)
        for event in events
        if event.type == "video.frames" and window.begin <= event.ts <= window.end
    ]
    return [max(0.0, (later - earlier).total_seconds() - FLUSH_S) for earlier, later in pairwise(at)]


async def end_meetings(run: Run) -> SessionEnds:
    """End all rooms at once, and return what the sessions say of themselves."""
    for room in run.rooms:
        await delete_room(run.stack, room)
    journals = run.stack.journals()
    # A session that does not end in time is counted, and nothing else.
    with suppress(ServiceError):
        await wait_for("the end", lambda: all(map(find_ended, journals)) or None, END_LIMIT_S)
    ends = [end.fields for journal in journals if (end := find_end(read_events(journal))) is not None]
    return SessionEnds(
        sessions=len(journals),
        ended=len(ends),
        minutes=sum(end["duration_s"] for end in ends) / 60,
        longest_stall_ms=max((end["loop"]["longest_ms"] for end in ends), default=0),
        stalls=sum(end["loop"]["blocked"] for end in ends),
    )


async def measure_all(stack: LiveStack, findings: Findings, options: argparse.Namespace) -> None:
    """Measure every level that the machine holds, and a full worker; note each finding as it comes."""
    places = max(options.levels)
    worker = await stack.start_worker(AGENT, *QUIET, "--max-meetings", str(places))
    async with AsyncExitStack() as leaving:
        asker = await leaving.enter_async_context(join_to_ask(stack, room_name(0)))
        run = Run(stack=stack, worker=worker, asker=asker, options=options)
        for wanted in options.levels:
            print(f"  {wanted} meetings", file=sys.stderr)
            findings.levels.append(await measure_level(run, wanted))
            if findings.levels[-1].obstacle:
                break
        if len(run.journals) == places:
            print("  the full worker", file=sys.stderr)
            try:
                findings.full = await measure_full_worker(stack, AGENT, places)
            except ServiceError as error:
                # The machine is too busy for yet another worker: a small one is filled instead.
                print(f"  {error.message}", file=sys.stderr)
        print("  the end of all meetings", file=sys.stderr)
        findings.ends = await end_meetings(run)
    if findings.full is None:
        print("  a small worker that is full", file=sys.stderr)
        await stack.supervisor.stop(AGENT)
        await fill_worker(stack, SMALL_AGENT, SMALL_PLACES)
        findings.full = await measure_full_worker(stack, SMALL_AGENT, SMALL_PLACES)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure how many meetings a worker carries.")
    parser.add_argument("--quick", action="store_true", help="a few short meetings, only printed")
    options = parser.parse_args()
    options.levels = QUICK_LEVELS if options.quick else LEVELS
    options.warm_up, options.window = (QUICK_S, QUICK_S) if options.quick else (WARM_UP_S, WINDOW_S)
    options.questions = 1 if options.quick else QUESTIONS
    return options


def main() -> int:
    """Measure, print a report and keep it in results/; return the exit status."""
    options = parse_options()
    findings = Findings()
    try:
        asyncio.run(run_with_stack(lambda stack: measure_all(stack, findings, options)))
    except (MeetctlError, api.TwirpError) as error:
        if not findings.levels:
            print(f"worker_load: {error}\n{getattr(error, 'hint', '') or ''}", file=sys.stderr)
            return int(error.exit_code) if isinstance(error, MeetctlError) else 1
        findings.failure = f"what came afterwards, because {error}"
    text = make_report(findings, window_s=options.window)
    if options.quick:
        print(text)
    else:
        report("worker_load", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
