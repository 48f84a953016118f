"""Record what docs/budgets.md shows of meetings with budgets: docs/transcripts/budget-*.txt.

PYTHONPATH=. python scripts/record_budget.py

Holds two short meetings of two tenants on this machine. The offline model answers, but is billed at OpenAI's
list prices, so that something is spent. It needs what the live tests need, and jq.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from livekit import rtc

from docs.transcripts import BUDGET_JOURNAL, COST_BUDGET
from meetctl.core.places import cache_directory
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import dispatch_agent, mint_token
from record_backend import MEETCTL, events, journals, keep, running_stack, until

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess

ROOMS = {"standup": ("acme", 9), "retro": ("acme", 2), "demo": ("globex", 1)}
"""Whose the rooms are, and how many questions are asked in them."""
WRITTEN_S = 3
"""After this each meeting has written down what it has spent, and knows of the others."""


def main() -> None:
    """Hold the meetings, and keep what is shown of them."""
    cache = cache_directory().parent
    with TemporaryDirectory(prefix="meetctl-record-") as home:
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "XDG_CACHE_HOME": str(cache),
            "MEETCTL_SESSIONS": f"{home}/sessions",
        }
        with running_stack(environment) as access:
            environment |= {
                "OPENAI_API_KEY": "sk-of-nobody",
                "OPENAI_BASE_URL": f"{offline_url(environment)}/v1",
                "MEETCTL_BUDGET_MEETING_USD": "0.10",
                "MEETCTL_BUDGET_TENANT_DAY_USD": "0.50",
            }
            with running_worker(environment, Path(home, "worker.log")):
                asyncio.run(hold_meetings(access, Path(home, "sessions"), environment))


def offline_url(environment: Mapping[str, str]) -> str:
    """Return where the stack's offline providers are."""
    told = subprocess.run([MEETCTL, "status", "--json"], env=environment, check=True, capture_output=True)
    (url,) = [part["url"] for part in json.loads(told.stdout)["parts"] if part["name"] == "offline-providers"]
    return str(url)


@contextmanager
def running_worker(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a worker until its meetings are over."""
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [MEETCTL, "agent", "start", "--greeting", "", "--no-announce", "--drain-s", "0"],
            env=environment,
            stderr=file,
        )
    try:
        asyncio.run(until(lambda: "ready:" in log.read_text(encoding="utf-8"), "the worker is ready"))
        yield
    finally:
        worker.terminate()
        worker.wait()


async def hold_meetings(access: LiveKitAccess, sessions: Path, environment: Mapping[str, str]) -> None:
    """Ask in all rooms, look where the budgets stand, and keep what the first journal says of them."""
    async with AsyncExitStack() as people:
        for room, (tenant, _) in ROOMS.items():
            person = await people.enter_async_context(ScriptedPerson("maya", "Maya"))
            await person.join(access.url, mint_token(access, room, "maya", "Maya"))
            await dispatch_agent(access, room, "meetctl", {"tenant": tenant})
            await person.share_screen(SlidePictures(), 10)
        await asyncio.gather(*(ask(access, sessions, room, times) for room, (_, times) in ROOMS.items()))
        await asyncio.sleep(WRITTEN_S)
        keep(COST_BUDGET, sessions, environment)
    (first,) = [path for path in journals(sessions) if "standup" in path.parent.name]
    keep(BUDGET_JOURNAL, first.parent)


async def ask(access: LiveKitAccess, sessions: Path, room: str, times: int) -> None:
    """Type a question several times, each after the answer to the one before."""
    connection = rtc.Room()
    await connection.connect(access.url, mint_token(access, room, "noor", "Noor"))
    # The agent listens to nobody whom it does not know yet.
    await until(lambda: "noor" in str(of_room(sessions, "participant.joined", room)), "the agent sees Noor")
    await until(lambda: of_room(sessions, "frame.kept", room), "the agent sees a frame")
    for number in range(1, times + 1):
        await connection.local_participant.send_text("What is on the slide?", topic="lk.chat")
        await until(lambda: len(of_room(sessions, "turn.ended", room)) >= number, "an answer")  # noqa: B023  awaited at once
    await connection.disconnect()


def of_room(sessions: Path, kind: str, room: str) -> list[Mapping[str, Any]]:
    """Return the events of a kind in a room."""
    return [one for one in events(sessions, kind) if one["room"] == room]


if __name__ == "__main__":
    main()
