"""Sessions of a real agent in a real room: running for certain, exported while they run, killed and ended."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.live_agent import dispatch, run_silent_providers, run_worker, until
from tests.local_stack import run_livekit_server

from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner
    from tests.live_agent import Worker

    from meetctl.core.local_stack import LiveKitAccess

pytestmark = pytest.mark.live


async def share(livekit: LiveKitAccess, worker: Worker, room: str, maya: ScriptedPerson) -> Path:
    """Let Maya share slides in a room, wait until the agent has kept two, and return its journal."""
    await maya.join(livekit.url, mint_token(livekit, room, maya.identity, maya.name))
    await dispatch(livekit, room)
    journal = await worker.journal_of(room)
    await maya.share_screen(SlidePictures(), 10)
    await worker.wait_for_event(journal, "frame.kept", count=2)
    return journal


def states(meetctl: MeetctlRunner, sessions: Path) -> dict[str, str]:
    document: dict[str, Any] = json.loads(
        meetctl("sessions", "list", "--json", "--sessions", sessions).stdout
    )
    return {one["room"]: one["state"] for one in document["sessions"]}


def test_a_meeting_runs_until_it_ends_or_is_killed_and_is_exported_meanwhile(
    tmp_path: Path, meetctl: MeetctlRunner
) -> None:
    sessions, archive = tmp_path / "sessions", tmp_path / "now.zip"

    async def hold(livekit: LiveKitAccess, worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya, ScriptedPerson("raj", "Raj") as raj:
            await share(livekit, worker, "ended", maya)
            killed = await share(livekit, worker, "killed", raj)
            assert await asyncio.to_thread(states, meetctl, sessions) == {
                "ended": "running",
                "killed": "running",
            }
            pruned = await asyncio.to_thread(
                meetctl, "sessions", "prune", "--older-than", "0s", "-y", "--sessions", sessions
            )
            assert pruned.stderr.count("runs, and stays") == 2
            exported = await asyncio.to_thread(meetctl, "sessions", "export", killed.parent, "-o", archive)
            assert exported.returncode == 0, exported.stderr
            process = worker.process_of(killed)
            process.kill()
            await until(lambda: process not in worker.processes(), "it is dead")
        await until(lambda: "running" not in states(meetctl, sessions).values(), "the other one ends")
        assert await asyncio.to_thread(states, meetctl, sessions) == {"ended": "ended", "killed": "killed"}

    async def run() -> None:
        with run_livekit_server(tmp_path / "livekit") as livekit:
            async with (
                run_silent_providers() as providers,
                run_worker(tmp_path, livekit, providers, "--record", "full", "--grace-s", "1") as worker,
            ):
                await hold(livekit, worker)

    asyncio.run(run())
    imported = meetctl("sessions", "import", archive, "--sessions", tmp_path / "elsewhere")
    assert imported.returncode == 0, imported.stderr
    bundle = Path(imported.stdout.strip())
    assert not (bundle / "meeting.mkv").exists()
    verified = meetctl("replay", "--verify", bundle)
    assert verified.returncode == 0, verified.stderr + verified.stdout
    for place in sessions.iterdir():
        shown = meetctl("sessions", "show", place, "--json")
        assert shown.returncode in (0, 5), shown.stderr
        assert json.loads(shown.stdout)["frames"]["kept"] >= 2
