"""Measures what becomes of meetings when one of two workers is killed, and when the other one is drained.

    .venv/bin/python benchmarks/two_workers.py [--quick]

A real LiveKit server, two workers that serve the same agent name, offline providers, and in each room a
person who shares a screen (`audience.py`). One worker is killed (kill -9: itself, not the processes of its
meetings, which end when they notice), its meetings are dispatched again, and a third worker comes; then the
worker that was left is drained.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from livekit import api

from audience import audience_part
from full_worker import QUIET
from live_meetings import (
    LiveStack,
    delete_room,
    find_ended,
    frame_times,
    list_people,
    read_events,
    run_with_stack,
    wait_for,
)
from measure import machine, markdown_table, report
from meetctl.errors import MeetctlError, ServiceError
from meetctl.stack.process import find_marked
from meetctl.stack.rooms import dispatch_agent
from meetctl.stack.supervisor import Supervisor
from running_processes import Window, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AGENT = "meetctl-pair"
FIRST, SECOND, THIRD = "first", "second", "third"
MEETINGS = 8
QUICK_MEETINGS = 3
LATE_MEETINGS = 3
"""Dispatched while a worker is drained."""
PLACES = 20
BEGIN_LIMIT_S = 90.0
WATCH_S = 20.0
QUICK_WATCH_S = 5.0
"""How long after the kill LiveKit may dispatch anew, at least, and the other meetings are watched."""
DRAIN_WATCH_S = 8.0
DRAIN_LIMIT_S = 120
GONE_LIMIT_S = 60.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that serves the agent's name, with a directory of its own."""

    name: str
    pid: int
    place: LiveStack


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Meetings that were dispatched at the same moment."""

    taken: dict[str, list[str]]
    """The rooms of each worker."""
    seconds: float
    """Until the last one saw its screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What a killed worker left."""

    lost: int
    gone_s: float
    """Until no process of it was there."""
    left_s: float
    """Until its agents were gone from their rooms."""
    ended: int
    """How many of the lost sessions wrote their end all the same."""
    last_event_s: float | None
    """From the kill to the last event of a lost session, the earliest of all; below 0 before the kill."""
    watched_s: float
    dispatched_by_server: int
    """How many lost meetings had an agent again by then."""
    others: int
    others_gap_s: float
    """The longest time between two frames of the other worker's meetings, while they were watched."""
    again_s: float | None
    """From a new dispatch of what was lost until all of it sees its screen; None where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What a drained worker did."""

    meetings: int
    gap_s: float
    """The longest time between two frames of its meetings, after the signal."""
    late_taken: int
    late_by_other: int
    end_s: float
    """From the end of its rooms to its own."""
    ended: int
    """How many of its sessions were ended well."""
    how: str


async def start_worker(stack: LiveStack, workers: Supervisor, name: str) -> Worker:
    """Start a worker that nobody misses when it ends: its supervisor has no one waiting for crashes."""
    place = replace(stack, directory=stack.directory / name, supervisor=workers)
    place.directory.mkdir()
    options = ("--max-meetings", str(PLACES), "--drain-s", str(DRAIN_LIMIT_S))
    pid = await place.start_worker(AGENT, *QUIET, *options, name=name)
    return Worker(name=name, pid=pid, place=place)


async def share_meetings(stack: LiveStack, pair: Sequence[Worker], rooms: Sequence[str]) -> Share:
    """Dispatch the agent into all rooms at the same moment, and see who takes them."""
    begin_s = time.monotonic()
    await asyncio.gather(*(dispatch_agent(stack.livekit, room, AGENT, {}) for room in rooms))

    def find_taken() -> dict[str, list[str]] | None:
        taken = {worker.name: [room for room in rooms if is_watching(worker, room)] for worker in pair}
        return taken if sum(map(len, taken.values())) == len(rooms) else None

    taken = await wait_for(f"{len(rooms)} meetings that see their screen", find_taken, BEGIN_LIMIT_S)
    return Share(taken=taken, seconds=time.monotonic() - begin_s)


def is_watching(worker: Worker, room: str) -> bool:
    """Tell whether a worker's agent has seen the screen in a room."""
    journal = worker.place.journal_of(room)
    return journal is not None and any(event.type == "video.frames" for event in read_events(journal))


async def kill_worker(
    victim: Worker, other: Worker, workers: Supervisor, share: Share, watch_s: float
) -> Kill:
    """Kill a worker, watch what becomes of all meetings, and dispatch those again that were lost."""
    lost, others = share.taken[victim.name], share.taken[other.name]
    killed, begin_s = utc_now(), time.monotonic()
    os.kill(victim.pid, signal.SIGKILL)
    gone_s, left_s = await asyncio.gather(
        time_until_gone(workers, victim, begin_s), time_until_left(victim.place, lost, begin_s)
    )
    await workers.next_crash()
    await asyncio.sleep(max(0.0, begin_s + watch_s - time.monotonic()))
    watched_s = time.monotonic() - begin_s
    gap_s = longest_gap_s(journals_of(other, others), since=killed)
    last = [read_events(journal)[-1].ts for journal in journals_of(victim, lost)]
    dispatched = [room for room in lost if other.place.journal_of(room) is not None]
    again = [room for room in lost if room not in dispatched]
    return Kill(
        lost=len(lost),
        gone_s=gone_s,
        left_s=left_s,
        ended=sum(find_ended(journal) is not None for journal in journals_of(victim, lost)),
        last_event_s=seconds_between(killed, min(last)) if last else None,
        watched_s=watched_s,
        dispatched_by_server=len(dispatched),
        others=len(others),
        others_gap_s=gap_s,
        again_s=(await share_meetings(other.place, [other], again)).seconds if again else None,
    )


async def time_until_gone(workers: Supervisor, worker: Worker, begin_s: float) -> float:
    """Wait until nothing of a worker runs, and return how long that took."""
    await wait_for(
        f"the end of all of {worker.name}",
        lambda: not find_marked(workers.id, worker.name) or None,
        GONE_LIMIT_S,
    )
    return time.monotonic() - begin_s


async def time_until_left(stack: LiveStack, rooms: Sequence[str], begin_s: float) -> float:
    """Wait until no agent is in the rooms any more, and return how long that took."""
    for room in rooms:
        while any(one.kind == api.ParticipantInfo.Kind.AGENT for one in await list_people(stack, room)):
            if time.monotonic() - begin_s > GONE_LIMIT_S:
                raise ServiceError(f"a killed agent is still in {room} after {GONE_LIMIT_S:g} s")
            await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - begin_s


async def drain_worker(drained: Worker, other: Worker, workers: Supervisor, rooms: Sequence[str]) -> Drain:
    """Send a worker the first signal, dispatch further meetings, and end its own after a while."""
    signalled = utc_now()
    os.kill(drained.pid, signal.SIGTERM)
    late = [f"late-{number}" for number in range(LATE_MEETINGS)]
    await asyncio.gather(*(dispatch_agent(other.place.livekit, room, AGENT, {}) for room in late))
    await asyncio.sleep(DRAIN_WATCH_S)
    journals = journals_of(drained, rooms)
    gap_s = longest_gap_s(journals, since=signalled)
    for room in rooms:
        await delete_room(drained.place, room)
    begin_s = time.monotonic()
    try:
        ended = await asyncio.wait_for(workers.next_crash(), GONE_LIMIT_S)
    except TimeoutError as error:
        raise ServiceError(f"the drained worker had not ended after {GONE_LIMIT_S:g} s") from error
    return Drain(
        meetings=len(journals),
        gap_s=gap_s,
        late_taken=len(journals_of(drained, late)),
        late_by_other=len(journals_of(other, late)),
        end_s=time.monotonic() - begin_s,
        ended=sum(find_ended(journal) is not None for journal in journals),
        how=(ended.detail or "").partition(";")[0],
    )


def journals_of(worker: Worker, rooms: Sequence[str]) -> list[Path]:
    """Return the journals of a worker's newest sessions in these rooms, as far as it had any."""
    return [journal for room in rooms if (journal := worker.place.journal_of(room)) is not None]


def longest_gap_s(journals: Sequence[Path], *, since: str) -> float:
    """Return the longest time between two frames of a meeting since then; up to now, if none came."""
    now = utc_now()
    window = Window(seconds=seconds_between(since, now), begin=since, end=now, cpu_s={}, busy_s=0.0)
    gaps_us = []
    for journal in journals:
        seen = frame_times(read_events(journal), window)
        gaps_us += [later - earlier for earlier, later in pairwise(seen)]
        if len(seen) < 2:
            return window.seconds
    return max(gaps_us, default=0) / 1e6


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds between two times of journals."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


async def measure(stack: LiveStack, meetings: int, watch_s: float) -> str:
    """Let two workers share the meetings, kill one, drain the other; return the report."""
    rooms = [f"pair-{number}" for number in range(meetings)]
    async with AsyncExitStack() as ending:
        workers = await ending.enter_async_context(Supervisor())
        pair = [await start_worker(stack, workers, name) for name in (FIRST, SECOND)]
        await stack.supervisor.start(audience_part(stack, "audience", rooms))
        print(f"  {meetings} meetings of two workers", file=sys.stderr)
        share = await share_meetings(stack, pair, rooms)
        survivor, victim = sorted(pair, key=lambda worker: len(share.taken[worker.name]))
        print("  one is killed", file=sys.stderr)
        kill = await kill_worker(victim, survivor, workers, share, watch_s)
        third = await start_worker(stack, workers, THIRD)
        print("  the other one is drained", file=sys.stderr)
        drain = await drain_worker(survivor, third, workers, rooms)
    return make_report(share, kill, drain)


def make_report(share: Share, kill: Kill, drain: Drain) -> str:
    """Return the report: what was counted and how long it took, in order."""
    counts = " and ".join(str(len(rooms)) for rooms in share.taken.values())
    total = sum(map(len, share.taken.values()))
    again = "–" if kill.again_s is None else f"all see their screen after {kill.again_s:.1f} s"
    rows = [
        [
            f"{total} meetings dispatched at once",
            f"taken: {counts}; all see their screen after {share.seconds:.1f} s",
        ],
        ["**one worker killed** (`kill -9`, the worker's own process)", f"{kill.lost} meetings lost"],
        ["its processes are gone after", f"{kill.gone_s:.1f} s"],
        ["its agents are gone from their rooms after", f"{kill.left_s:.1f} s"],
        ["lost sessions that wrote their end", f"{kill.ended} of {kill.lost}"],
        ["last event of a lost journal, the earliest", describe_last_event(kill.last_event_s)],
        [
            f"dispatched anew by LiveKit within {kill.watched_s:.0f} s",
            f"{kill.dispatched_by_server} of {kill.lost}",
        ],
        ["dispatched again by us", again],
        [
            f"the other worker's {kill.others} meetings: longest gap between frames",
            f"{kill.others_gap_s:.2f} s" if kill.others else "–",
        ],
        ["**the other worker drained** (SIGTERM)", f"{drain.meetings} meetings go on"],
        ["their longest gap between frames", f"{drain.gap_s:.2f} s"],
        [
            f"{LATE_MEETINGS} further meetings dispatched",
            f"{drain.late_taken} taken by it, {drain.late_by_other} by the third worker",
        ],
        ["sessions ended well when their rooms were closed", f"{drain.ended} of {drain.meetings}"],
        ["after which the worker", f"{drain.how}, after {drain.end_s:.1f} s"],
    ]
    return "\n".join(
        [
            "Two workers under one agent name, recording off, a person with a 5 fps 720p screen share in "
            f"each room. {machine('livekit-agents', 'livekit')}.",
            "",
            markdown_table(["what", "found"], rows),
            "",
            "A session that follows a lost one is a new one. That LiveKit dispatched none anew says nothing "
            "of later than it was watched."
            if kill.dispatched_by_server == 0
            else "A session that follows a lost one is a new one.",
        ]
    )


def describe_last_event(seconds: float | None) -> str:
    """Return when a journal ended, as seen from the kill; a dash for no journal."""
    if seconds is None:
        return "–"
    return f"{abs(seconds):.2f} s {'before' if seconds < 0 else 'after'} the kill"


def main() -> int:
    """Measure, print a report and keep it in results/; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure what becomes of meetings when a worker ends.")
    parser.add_argument("--quick", action="store_true", help="few meetings, only printed")
    quick = parser.parse_args().quick
    meetings, watch_s = (QUICK_MEETINGS, QUICK_WATCH_S) if quick else (MEETINGS, WATCH_S)
    try:
        text = asyncio.run(run_with_stack(lambda stack: measure(stack, meetings, watch_s)))
    except MeetctlError as error:
        print(f"two_workers: {error.message}\n{error.hint or ''}", file=sys.stderr)
        return int(error.exit_code)
    if quick:
        print(text)
    else:
        report("two_workers", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
