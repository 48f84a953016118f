"""Why no worker took an order, as far as this machine can tell."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from meetctl.domain.workers import LocalWorker, explain_no_worker

URL = "wss://meet.example"
WORKER = LocalWorker(worker_id="AW_1", agent_name="meetctl", url=URL, pid=7, max_meetings=2, meetings=0)


@pytest.mark.parametrize(
    ("workers", "cause"),
    [
        ([], "no worker on this machine serves 'meetctl' for wss://meet.example"),
        (
            [replace(WORKER, agent_name="b"), replace(WORKER, agent_name="a")],
            "serves 'meetctl', only 'a', 'b'",
        ),
        ([replace(WORKER, url="ws://127.0.0.1:7880")], "serves ws://127.0.0.1:7880, not wss://meet.example"),
        ([replace(WORKER, meetings=2)], "worker full: all 2 places for 'meetctl' on this machine are taken"),
        ([replace(WORKER, meetings=2), replace(WORKER, meetings=3)], "worker full: all 4 places"),
        ([replace(WORKER, meetings=None)], r"\(process 7\) does not answer"),
        ([replace(WORKER, meetings=2), WORKER], "has a place free, but did not take the order"),
        ([replace(WORKER, url=f"{URL}/", meetings=1)], "has a place free"),
    ],
)
def test_the_cause_is_what_is_known(workers: list[LocalWorker], cause: str) -> None:
    found = explain_no_worker(tuple(workers), agent_name="meetctl", url=URL)
    assert re.search(cause, found.cause), found.cause
    assert found.hint
