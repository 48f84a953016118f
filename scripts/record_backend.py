"""Record what the README shows of a meeting with a platform's backend: docs/transcripts/backend-*.txt.

PYTHONPATH=. python scripts/record_backend.py

Holds a short meeting on this machine, with the tRPC server of the tests and without any key: a person types a
question that the tenant's knowledge answers, an operator steers the agent and sends it away. It needs what
the live tests need, jq and curl besides, and the port 9464.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from livekit import rtc
from tests.backend_peer import Peer, run_backend_peer

from docs.transcripts import DIRECTORY, FILES, JOURNAL, METRICS, WITH_BACKEND
from meetctl.adapters.control_sender import send_control
from meetctl.adapters.system_clock import SystemClock
from meetctl.core.local_stack import LiveKitAccess
from meetctl.core.places import cache_directory
from meetctl.domain.tenancy import Personality, Tenant
from meetctl.stack.rooms import dispatch_agent, mint_token

MEETCTL = Path(sys.executable).with_name("meetctl")
ROOM = "standup"
LIMIT_S = 90
DELIVERED_S = 6
"""After this a running meeting has delivered what came before: it does so every five seconds."""


def main() -> None:
    """Hold the meeting, and keep what was printed."""
    cache = cache_directory().parent
    with TemporaryDirectory(prefix="meetctl-record-") as home, run_backend_peer() as peer:
        fill(peer)
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "XDG_CACHE_HOME": str(cache),
            "MEETCTL_SESSIONS": f"{home}/sessions",
            "API_BASE_URL": peer.url,
            "AGENT_API_KEY": peer.key,
        }
        with running_stack(environment) as access, running_worker(environment):
            asyncio.run(hold_meeting(access, Path(home, "sessions")))


def fill(peer: Peer) -> None:
    """Give the backend a tenant with a room."""
    peer.set_tenant(ROOM, Tenant(id="acme", tier="enterprise", name="Acme"))
    peer.set_flag("acme", "use_advanced_vision")
    peer.set_personality("acme", Personality(greeting="Hello, I am Acme's assistant."))
    peer.add_knowledge("acme", "kb-17", "Refunds are paid within 14 days.", title="Refund policy")


@contextmanager
def running_stack(environment: Mapping[str, str]) -> Iterator[LiveKitAccess]:
    """Run a LiveKit server and offline providers."""
    subprocess.run([MEETCTL, "up"], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        told = subprocess.run(
            [
                "bash",
                "-c",
                f'eval "$({MEETCTL} status --env)"; echo "$LIVEKIT_URL $LIVEKIT_API_KEY $LIVEKIT_API_SECRET"',
            ],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        url, key, secret = told.stdout.split()
        yield LiveKitAccess(url=url, api_key=key, api_secret=secret)
    finally:
        subprocess.run([MEETCTL, "down"], env=environment, check=True)


@contextmanager
def running_worker(environment: Mapping[str, str]) -> Iterator[None]:
    """Run the worker, whose words are a transcript."""
    path = DIRECTORY / FILES[WITH_BACKEND]
    with path.open("wb") as file:
        worker = subprocess.Popen([MEETCTL, *WITH_BACKEND.split()[1:]], env=environment, stderr=file)
    try:
        asyncio.run(until(lambda: "ready:" in path.read_text(encoding="utf-8"), "the worker is ready"))
        # What it says of its meetings goes to the same file, but is not shown.
        ready = path.read_text(encoding="utf-8")
        yield
    finally:
        worker.terminate()
        worker.wait()
    path.write_text(ready, encoding="utf-8")


async def hold_meeting(access: LiveKitAccess, sessions: Path) -> None:
    """Ask, steer, and send the agent away; then keep what the journal and the metrics say."""

    def said() -> list[Mapping[str, Any]]:
        return [one for one in events(sessions, "transcript") if one["role"] == "assistant"]

    room = rtc.Room()
    await room.connect(access.url, mint_token(access, ROOM, "maya", "Maya"))
    await dispatch_agent(access, ROOM, "meetctl", {})
    await until(lambda: len(said()) == 1, "the greeting")
    await room.local_participant.send_text("When are refunds paid?", topic="lk.chat")
    await until(lambda: len(said()) == 2, "the answer")
    orders: list[tuple[str, dict[str, Any]]] = [
        ("policy", {"fps": 2, "detail": "low"}),
        ("say", {"text": "Five minutes left."}),
    ]
    for op, args in orders:
        await send_control(access, ROOM, op, args, clock=SystemClock())
    await until(lambda: len(said()) == 3, "what it was told to say")
    await asyncio.sleep(DELIVERED_S)
    keep(METRICS, sessions)
    await send_control(access, ROOM, "leave", {}, clock=SystemClock())
    await until(lambda: events(sessions, "session.ended"), "the end")
    await room.disconnect()
    keep(JOURNAL, journals(sessions)[0].parent)


def keep(command: str, directory: Path, environment: Mapping[str, str] | None = None) -> None:
    """Keep what a command of the shell prints."""
    path = f"{MEETCTL.parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**(environment or os.environ), "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    (DIRECTORY / FILES[command]).write_text(process.stdout, encoding="utf-8")


def journals(sessions: Path) -> list[Path]:
    """Return the journals of the sessions so far."""
    return list(sessions.glob("*/events.jsonl"))


def events(sessions: Path, kind: str) -> list[Mapping[str, Any]]:
    """Return the events of a kind; a line that is still being written is left out."""
    lines = [line for path in journals(sessions) for line in path.read_text("utf-8").splitlines(True)]
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in found if event["type"] == kind]


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It never holds.
    """
    for _ in range(10 * LIMIT_S):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"did not come about: {what}")


if __name__ == "__main__":
    main()
