"""Record what docs/join.md and docs/rooms.md show: the agent on its way into a room, and the rooms.

PYTHONPATH=. python scripts/record_rooms.py

A person joins a room on this machine and shares a screen, the agent comes and is taken out again; without
any key. It needs what the live tests need.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.live_agent import environment_of
from tests.live_meeting import run_stack

from docs.transcripts import DIRECTORY, FILES, ROOMS
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from tests.live_meeting import LiveStack

MEETCTL = Path(sys.executable).with_name("meetctl")
GREETING = "Hello, I am the assistant. I can hear you and see what you share."
COLUMNS = 110


def main() -> None:
    """Hold the meeting, and keep what the commands print."""
    with TemporaryDirectory(prefix="meetctl-record-") as directory:
        options = ("--agent-name", "meetctl", "--greeting", GREETING)
        with run_stack(Path(directory), *options) as stack:
            asyncio.run(hold_meeting(stack))


async def hold_meeting(stack: LiveStack) -> None:
    """Let somebody share a screen, and run the commands one after the other."""
    access = stack.livekit
    async with ScriptedPerson("maya", "Maya") as maya:
        await maya.join(access.url, mint_token(access, "standup", maya.identity, maya.name))
        await maya.share_screen(SlidePictures())
        for command in ROOMS:
            await asyncio.to_thread(keep, command, stack)


def keep(command: str, stack: LiveStack) -> None:
    """Keep what a command prints on both streams, in the order in which a terminal shows it."""
    process = subprocess.run(
        [MEETCTL, *shlex.split(command)[1:]],
        env={
            **os.environ,
            **environment_of(stack.livekit, stack.offline.url),
            "MEETCTL_SESSIONS": str(stack.worker.sessions),
            "COLUMNS": str(COLUMNS),
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    (DIRECTORY / FILES[command]).write_text(process.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
