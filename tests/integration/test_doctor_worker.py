"""`meetctl doctor` beside a real worker: it takes the dispatch, and nothing is spent or kept."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.live_agent import AGENT, ask
from tests.live_meeting import run_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MeetctlRunner
    from tests.live_meeting import LiveStack

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with run_stack(tmp_path_factory.mktemp("stack"), "--idle-processes", "1") as stack:
        yield stack


async def wait_until_idle(stack: LiveStack) -> None:
    """Wait until no job runs, so that whatever it would have done has been done."""
    for _ in range(600):
        _, text = await ask(stack.worker.url("/worker"))
        if not json.loads(text).get("active_jobs"):
            return
        await asyncio.sleep(0.1)
    pytest.fail("the job of the check still runs")


def test_a_worker_takes_the_dispatch_spends_nothing_and_serves_meetings_afterwards(
    meetctl: MeetctlRunner, stack: LiveStack
) -> None:
    env = {
        "LIVEKIT_URL": stack.livekit.url,
        "LIVEKIT_API_KEY": stack.livekit.api_key,
        "LIVEKIT_API_SECRET": stack.livekit.api_secret,
        "MEETCTL_OFFLINE_URL": stack.offline.url,
        "MEETCTL_AGENT_NAME": AGENT,
    }
    used = stack.offline.ask("GET", "/usage")
    done = meetctl("doctor", "--only", "dispatch", "--only", "media", "--json", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    registration = stack.worker.registration()
    assert registration is not None
    (dispatch, udp, _) = json.loads(done.stdout)["checks"]
    assert (dispatch["status"], udp["status"]) == ("pass", "pass")
    assert f"worker {registration['worker_id']} took a dispatch of agent {AGENT!r}" in dispatch["message"]

    asyncio.run(wait_until_idle(stack))
    assert stack.offline.ask("GET", "/usage") == used
    assert stack.worker.journals() == []
    assert "Traceback" not in stack.worker.said()
    asyncio.run(hold_meeting(stack))


async def hold_meeting(stack: LiveStack) -> None:
    """Have the agent come into a room and leave it again."""
    meeting = stack.meeting("after-the-check")
    await meeting.invite_agent()
    assert meeting.events("session.started")
    await meeting.close_room()
    await meeting.end("room closed")
