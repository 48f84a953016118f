"""Processes that are killed while they deliver: the next one goes on, and each use counts once.

python -m tests.integration.test_delivery SESSIONS LEDGER [--live | --left]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.event_sink import OWNER

from meetctl.adapters.delivery_state import FileOutboxes, begin_outbox
from meetctl.adapters.event_log import EventLog
from meetctl.adapters.system_clock import SystemClock
from meetctl.agent.journal import MeetingJournal
from meetctl.domain.tenancy import UsageReceipt
from meetctl.services.delivery import Delivery
from meetctl.services.left_behind import LeftBehind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.tenancy import SessionEvent, UsageRecord

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
JOURNAL = "events.jsonl"
ADDRESS = "https://platform.test"
USES = 5
USE = {"audio_s": 60, "provider": "deepgram", "model": "nova-3", "usd": "0.0043", "basis": "reported"}


class Ledger(FakeBackend):
    """A backend whose ledger outlives the process: a file with a line for each thing it was told."""

    def __init__(self, path: Path, *, kills_after_usage: bool = False) -> None:
        super().__init__()
        self._path = path
        self._kills_after_usage = kills_after_usage

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        before = set(self.told)
        for record in records:
            self._tell(tenant_id, record.key)
        if self._kills_after_usage:
            # It has counted everything, and whoever asked is gone before it could note that.
            os.kill(os.getpid(), signal.SIGKILL)
        new = sum((tenant_id, record.key) not in before for record in records)
        return UsageReceipt(accepted=new, duplicates=len(records) - new)

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        self._tell(tenant_id, event.key)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Tenant and key of everything it was told, repeats included."""
        if not self._path.exists():
            return []
        return [tuple(json.loads(line)) for line in self._path.read_text().splitlines()]

    def _tell(self, tenant_id: str, key: str) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps([tenant_id, key]) + "\n")


def _begin(sessions: Path, backend: FakeBackend) -> tuple[MeetingJournal, Delivery]:
    directory = sessions / OWNER.session_id
    directory.mkdir(parents=True)
    outbox = begin_outbox(directory, JOURNAL, backend=ADDRESS)
    clock = SystemClock()
    journal = MeetingJournal(EventLog(directory / JOURNAL, OWNER, clock=clock, media_us=lambda: 0))
    delivery = Delivery(outbox, backend, tenant_id=lambda: OWNER.tenant_id)
    journal.listen(delivery.notice)
    return journal, delivery


async def _hold_meeting(sessions: Path, backend: Ledger) -> None:
    """Hold a session that never ends, and say when its journal has everything."""
    journal, delivery = _begin(sessions, backend)
    journal.write("session.started", {})
    for _ in range(USES):
        journal.write("stt.usage", USE)
    sys.stdout.write("written\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    delivery.begin()
    await asyncio.Event().wait()


async def _deliver_left(sessions: Path, backend: Ledger) -> None:
    await LeftBehind(FileOutboxes(sessions, JOURNAL, backend=ADDRESS), backend, SystemClock()).deliver()


def _start(part: str, sessions: Path, ledger: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.test_delivery", str(sessions), str(ledger), part],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def _kill_meeting(sessions: Path, ledger: Path, *, while_delivering: bool) -> None:
    with _start("--live", sessions, ledger) as meeting:
        assert meeting.stdout is not None
        assert meeting.stdout.readline() == "written\n"
        asyncio.run(_deliver_left(sessions, Ledger(ledger)))
        assert Ledger(ledger).told == [], "a session that runs is nobody else's"
        if while_delivering:
            meeting.communicate("go on\n", timeout=LIMIT_S)
        else:
            meeting.kill()
    assert meeting.returncode == -signal.SIGKILL


def _counted() -> list[tuple[str, str]]:
    return [("acme", f"{OWNER.session_id}:{seq}") for seq in range(USES + 1)]


def test_a_meeting_that_ends_delivers_everything_and_keeps_no_lock(sessions: Path) -> None:
    async def hold() -> FakeBackend:
        backend = FakeBackend()
        journal, delivery = _begin(sessions, backend)
        delivery.begin()
        for kind in ("session.started", *["stt.usage"] * USES, "transcript", "session.ended"):
            journal.write(kind, USE if kind == "stt.usage" else {})
        await delivery.finish(LIMIT_S)
        journal.close()
        return backend

    backend = asyncio.run(hold())
    assert [record.key for record in backend.usage("acme")] == [key for _, key in _counted()[1:]]
    assert [event.kind for event in backend.events("acme")] == ["session.started", "session.ended"]
    files = sorted(path.name for path in (sessions / OWNER.session_id).iterdir())
    assert files == ["delivered.json", JOURNAL]
    assert asyncio.run(FileOutboxes(sessions, JOURNAL, backend=ADDRESS).list_waiting()) == []


def test_a_meeting_killed_before_it_delivered_anything_is_delivered_by_the_next(
    sessions: Path, ledger: Path
) -> None:
    _kill_meeting(sessions, ledger, while_delivering=False)
    for _ in range(2):
        asyncio.run(_deliver_left(sessions, Ledger(ledger)))
    assert Ledger(ledger).told == _counted()


def test_usage_confirmed_to_a_killed_meeting_is_repeated_and_counts_once(
    sessions: Path, ledger: Path
) -> None:
    _kill_meeting(sessions, ledger, while_delivering=True)
    assert Ledger(ledger).told == _counted()
    with _start("--left", sessions, ledger) as worker:
        worker.communicate(timeout=LIMIT_S)
    assert worker.returncode == -signal.SIGKILL
    asyncio.run(_deliver_left(sessions, Ledger(ledger)))
    told = Ledger(ledger).told
    uses = _counted()[1:]
    assert told == _counted() + uses + uses
    assert len(set(told)) == USES + 1
    asyncio.run(_deliver_left(sessions, Ledger(ledger)))
    assert Ledger(ledger).told == told


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("sessions", type=Path)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--live", dest="run", action="store_const", const=_hold_meeting)
    parser.add_argument("--left", dest="run", action="store_const", const=_deliver_left)
    options = parser.parse_args()
    asyncio.run(options.run(options.sessions, Ledger(options.ledger, kills_after_usage=True)))
