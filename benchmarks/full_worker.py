"""What happens to meetings when a worker has no place left."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from live_meetings import wait_for
from meetctl.errors import ServiceError
from meetctl.stack.rooms import dispatch_agent

if TYPE_CHECKING:
    from live_meetings import LiveStack

QUIET = ("--greeting", "", "--no-announce", "--record", "off")
"""A worker whose agents neither speak first nor record."""
REPORT_LIMIT_S = 15.0
BEYOND_S = 8.0
"""How long a meeting that nobody should take is given to be taken all the same."""
BEGIN_LIMIT_S = 60.0
_HTTP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FullWorker:
    """A worker all of whose places were taken, and what became of two further meetings."""

    places: int
    load: float
    """What it told the LiveKit server."""
    took_more: bool
    """Whether it took one more, while there was no other worker."""
    offered: int
    """How many meetings it was offered though it was full, and refused."""
    other_s: float
    """How long it took until a meeting that was dispatched then began at another worker."""
    was_taken_later: bool
    """Whether the one that nobody took was taken when there was another worker."""


def read_load(stack: LiveStack, part: str) -> float:
    """Return the load that a worker reports."""
    (url,) = [one.url for one in stack.supervisor.parts if one.name == part]
    try:
        with urllib.request.urlopen(f"{url}/worker", timeout=_HTTP_LIMIT_S) as response:
            return float(json.loads(response.read()).get("worker_load", 0.0))
    except OSError as error:
        raise ServiceError(f"{part} does not tell its load: {error}") from error


async def fill_worker(stack: LiveStack, agent: str, places: int) -> None:
    """Start a worker, and take all of its places with meetings to which nobody comes."""
    await stack.start_worker(agent, *QUIET, "--max-meetings", str(places))
    for place in range(places):
        room = f"{agent}-{place}"
        await dispatch_agent(stack.livekit, room, agent, {})
        await wait_for_session(stack, room)


async def measure_full_worker(stack: LiveStack, agent: str, places: int) -> FullWorker:
    """Send two more meetings to a worker that is full: one while it is alone, one beside another worker.

    The worker's agent and its part of the stack have the same name.
    """

    def full_load() -> float | None:
        load = read_load(stack, agent)
        return load if load >= 1 else None

    load = await wait_for(f"{agent}'s report that it is full", full_load, REPORT_LIMIT_S)
    beyond, after = f"{agent}-beyond", f"{agent}-after"
    await dispatch_agent(stack.livekit, beyond, agent, {})
    await asyncio.sleep(BEYOND_S)
    took_more = stack.journal_of(beyond) is not None
    other = replace(stack, directory=stack.directory / f"{agent}-other")
    other.directory.mkdir()
    await other.start_worker(agent, *QUIET, name=f"{agent}-other")
    begin_s = time.monotonic()
    await dispatch_agent(stack.livekit, after, agent, {})
    await wait_for_session(other, after)
    other_s = time.monotonic() - begin_s
    log = (stack.directory / f"{agent}.log").read_text(encoding="utf-8")
    return FullWorker(
        places=places,
        load=load,
        took_more=took_more,
        offered=log.count("refused a meeting"),
        other_s=other_s,
        was_taken_later=other.journal_of(beyond) is not None,
    )


async def wait_for_session(stack: LiveStack, room: str) -> None:
    """Wait until there is a session in a room."""
    await wait_for(f"the agent in {room}", lambda: stack.journal_of(room), BEGIN_LIMIT_S)
