"""What a real LiveKit server makes of orders that are answered late, given again, or taken back meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.local_stack import run_livekit_server
from tests.scripted_worker import run_scripted_worker

from meetctl.adapters.livekit_admin import LiveKitAdmin

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.conftest import MeetctlRunner

    from meetctl.core.local_stack import LiveKitAccess

AGENT = "slow"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


def test_an_order_that_is_answered_too_late_is_given_again_and_taken_once(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    environment = {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }

    def order() -> subprocess.CompletedProcess[str]:
        arguments = ["join", "standup", "--create", "--agent-name", AGENT, "--timeout", "12", "--json"]
        return meetctl(*arguments, env=environment)

    async def run() -> tuple[subprocess.CompletedProcess[str], str]:
        async with run_scripted_worker(server, AGENT) as worker:
            joining = asyncio.create_task(asyncio.to_thread(order))
            late = await worker.next_offer()
            given_again = await worker.next_offer()
            await worker.accept(late)
            await worker.accept(given_again)
            # The server has nothing to say to the late one, or it would have said it first.
            assert await worker.next_assigned() == given_again.id
            return await joining, given_again.dispatch_id

    done, dispatch = asyncio.run(run())
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document["failure"]["cause"].startswith("a worker took the order, but its agent has not joined")
    assert (document["dispatch"], document["taken_back"]) == (dispatch, False)
    assert "not taken yet" in done.stderr


def test_an_order_that_is_taken_back_while_it_is_offered_leaves_no_agent(server: LiveKitAccess) -> None:
    async def run() -> None:
        admin = LiveKitAdmin(server)
        try:
            async with run_scripted_worker(server, AGENT) as worker:
                await admin.create_room("review")
                order = await admin.create_dispatch("review", AGENT, metadata="")
                job = await worker.next_offer()
                await admin.delete_dispatch("review", order.id)
                await worker.accept(job)
                assert await worker.next_assigned() == job.id
                message = await worker.next_message()
                assert message.termination.job_id == job.id
        finally:
            await admin.aclose()

    asyncio.run(run())
