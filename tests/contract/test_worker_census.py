"""What every census of workers promises: the fake, and the files and health ports of this machine."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from tests.fakes.worker_census import FakeWorkerCensus

from meetctl.adapters.local_workers import LocalWorkers
from meetctl.adapters.worker_file import WorkerFile
from meetctl.core.places import state_directory
from meetctl.core.worker_options import WorkerRegistration
from meetctl.domain.workers import LocalWorker

if TYPE_CHECKING:
    from meetctl.ports import WorkerCensus

URL = "ws://127.0.0.1:7880"


async def register(stack: AsyncExitStack, answer: object) -> LocalWorker:
    """Let this process be a worker whose health port answers so, and return how it is to be listed."""

    async def tell(_: web.Request) -> web.Response:
        return web.Response(text=answer) if isinstance(answer, str) else web.json_response(answer)

    app = web.Application()
    app.router.add_get("/worker", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: Any = runner.addresses[0][1]
    stack.enter_context(WorkerFile()).write(
        WorkerRegistration(
            worker_id="AW_1",
            agent_name="meetctl",
            url=URL,
            max_meetings=2,
            http_port=port,
            prometheus_port=None,
        )
    )
    return LocalWorker(
        worker_id="AW_1", agent_name="meetctl", url=URL, pid=os.getpid(), max_meetings=2, meetings=None
    )


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_machine_without_workers(kind: str) -> None:
    census: WorkerCensus = FakeWorkerCensus() if kind == "fake" else LocalWorkers()
    assert asyncio.run(census.list_workers()) == ()


@pytest.mark.parametrize(
    ("answer", "meetings", "is_full"),
    [
        ({"active_jobs": 2.0}, 2, True),
        ({"agent_name": "meetctl"}, 0, False),
        ("no JSON", None, False),
        ([], None, False),
    ],
)
@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_worker_is_listed_with_how_many_meetings_it_holds(
    kind: str, answer: object, meetings: int | None, is_full: bool
) -> None:
    async def count() -> None:
        async with AsyncExitStack() as stack:
            one = await register(stack, answer)
            expected = LocalWorker(
                worker_id=one.worker_id,
                agent_name=one.agent_name,
                url=one.url,
                pid=one.pid,
                max_meetings=one.max_meetings,
                meetings=meetings,
            )
            census: WorkerCensus = FakeWorkerCensus(expected) if kind == "fake" else LocalWorkers()
            assert await census.list_workers() == (expected,)
            assert expected.is_full is is_full

    asyncio.run(count())


def test_what_killed_workers_and_others_left_behind_is_left_out() -> None:
    directory = state_directory() / "workers"
    directory.mkdir(parents=True)
    gone = {"pid": os.getpid(), "created": 1.0, "worker_id": "AW_0", "agent_name": "meetctl", "url": URL}
    (directory / "1.json").write_text(json.dumps(gone), "utf-8")
    (directory / "2.json").write_text("{", "utf-8")
    (directory / "3.json").write_text("[]", "utf-8")
    assert asyncio.run(LocalWorkers().list_workers()) == ()
