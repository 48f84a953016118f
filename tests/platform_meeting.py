"""Whole meetings with the platform's backend behind them: people who type, and what the backend was told."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from livekit import rtc
from livekit.agents.types import TOPIC_CHAT
from prometheus_client.parser import text_string_to_metric_families
from tests.backend_peer import run_backend_peer
from tests.live_agent import AGENT, HANG_S, until
from tests.live_meeting import LiveStack, clean_home, serve
from tests.local_stack import run_livekit_server
from tests.offline_server import running_offline_server

from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from tests.backend_peer import Peer, Transformer
    from tests.live_agent import Worker
    from tests.live_meeting import Event, LiveMeeting

USES = ("llm.request", "stt.usage", "tts.usage")
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformStack(LiveStack):
    """All that meetings need, and the backend of the platform."""

    peer: Peer

    async def sample(self, name: str, **labels: str) -> float:
        """Return a metric as the worker's port serves it; 0 for one that is not there."""
        registration = self.worker.registration()
        assert registration is not None
        url = f"http://127.0.0.1:{registration['prometheus_port']}/metrics"
        async with ClientSession() as http, http.get(url) as response:
            text = await response.text()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def wait_for_sample(self, value: float, name: str, **labels: str) -> None:
        """Wait until a metric has a value."""
        for _ in range(round(HANG_S / LOOK_EVERY_S)):
            if await self.sample(name, **labels) == value:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        pytest.fail(f"{name} is {await self.sample(name, **labels)}, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAnswer:
    """What the agent answered to a typed message."""

    turn: int
    text: str


class Typist:
    """A person who types: nothing of it is lost on a busy machine."""

    def __init__(self, meeting: LiveMeeting, room: rtc.Room) -> None:
        self.meeting = meeting
        self.room = room

    async def ask(self, text: str) -> TypedAnswer:
        """Type, and wait for the end of the turn; it must have been answered."""
        known = len(self.meeting.events("turn.ended"))
        await self.room.local_participant.send_text(text, topic=TOPIC_CHAT)
        ended = (await self.meeting.wait_for("turn.ended", count=known + 1))[known]
        assert ended["outcome"] == "done"
        said = self.meeting.events("transcript", role="assistant", turn=ended["turn"])
        return TypedAnswer(turn=ended["turn"], text=" ".join(event["text"] for event in said))


@asynccontextmanager
async def listen_in(stack: LiveStack, room: str, identity: str) -> AsyncIterator[rtc.Room]:
    """Be in a room as somebody whom the agent can speak to: without a listener it would not."""
    joined = rtc.Room()
    await joined.connect(stack.livekit.url, mint_token(stack.livekit, room, identity, identity))
    try:
        yield joined
    finally:
        await joined.disconnect()


@asynccontextmanager
async def type_in(
    stack: LiveStack, room: str, metadata: Mapping[str, object] | str = "", *, agent: str = AGENT
) -> AsyncIterator[Typist]:
    """Be in a meeting with the agent, as its only person."""
    meeting = stack.meeting(room)
    async with listen_in(stack, room, "maya") as joined:
        await meeting.invite_agent(metadata, agent=agent)
        yield Typist(meeting, joined)


@contextmanager
def run_platform(
    directory: Path, *options: str, transformer: Transformer = "superjson"
) -> Iterator[PlatformStack]:
    """Run a server, offline providers, a backend, and a worker with these options."""
    for name in ("home", "livekit", "offline"):
        (directory / name).mkdir(parents=True)
    with ExitStack() as running:
        peer = running.enter_context(run_backend_peer(transformer))
        running.enter_context(clean_home(directory / "home"))
        livekit = running.enter_context(run_livekit_server(directory / "livekit"))
        offline = running.enter_context(running_offline_server(directory / "offline"))
        worker = running.enter_context(
            serve(directory / "worker", livekit, offline.url, *options, environment=environment_of(peer))
        )
        yield PlatformStack(livekit=livekit, offline=offline, worker=worker, peer=peer)


def environment_of(peer: Peer) -> dict[str, str]:
    """Return the variables with which a worker finds the backend."""
    return {
        "API_BASE_URL": peer.url,
        "AGENT_API_KEY": peer.key,
        "MEETCTL_BACKEND_TRANSFORMER": peer.transformer,
    }


def read_delivered(bundle: Path) -> dict[str, Any]:
    """Return how far a session was delivered."""
    document: dict[str, Any] = json.loads((bundle / "delivered.json").read_bytes())
    return document


async def wait_until_delivered(bundle: Path, worker: Worker) -> None:
    """Wait until nothing of a session waits for the backend any more."""

    def is_complete() -> bool:
        return bool(read_delivered(bundle)["complete"])

    await until(is_complete, "everything is delivered", lambda: f"{read_delivered(bundle)} {worker.said()}")


def uses_of(meeting: LiveMeeting) -> list[Event]:
    """Return what the journal has of uses that are billed."""
    return [event for event in meeting.events() if event["type"] in USES and event.get("outcome") != "failed"]


def assert_counted_once(peer: Peer, meeting: LiveMeeting, tenant_id: str) -> None:
    """The backend must have counted what journal and session.json have, for this tenant and nobody else."""
    used = uses_of(meeting)
    session_id = meeting.session["session_id"]
    counted = [record for record in peer.usage() if record.session_id == session_id]
    assert used
    assert counted == [record for record in peer.usage(tenant_id) if record.session_id == session_id]
    assert [
        (record.key, record.kind, record.at, record.provider, record.model, record.usd, record.basis)
        for record in counted
    ] == [
        (
            f"{session_id}:{event['seq']}",
            event["type"],
            event["ts"],
            event["provider"],
            event["model"],
            Decimal(event["usd"]),
            event["basis"],
        )
        for event in used
    ]
    totals: dict[tuple[str, str, str], Decimal] = {}
    for record in counted:
        for unit, quantity in record.quantities.items():
            key = (record.provider, record.model, unit)
            totals[key] = totals.get(key, Decimal(0)) + quantity
    cost = {
        (line["provider"], line["model"], line["unit"]): line["quantity"] for line in meeting.session["cost"]
    }
    assert {key: float(quantity) for key, quantity in totals.items()} == pytest.approx(cost, abs=1e-4)
    told = [event for event in peer.events() if event.session_id == session_id]
    assert told == [event for event in peer.events(tenant_id) if event.session_id == session_id]
    assert told[0].kind == "session.started"
    assert told[-1].kind == "session.ended"
    assert len({event.key for event in told}) == len(told)


def sent_keys(peer: Peer, session_id: str) -> list[str]:
    """Return the key of each use that was reported since the backend started, repeats included."""
    return [
        record["idempotencyKey"]
        for procedure, value in peer.calls()
        if procedure == "livekit.trackUsage"
        for record in value["events"]
        if record["sessionId"] == session_id
    ]


def backend_changes(events: list[Event]) -> list[tuple[str, str | None, list[str]]]:
    """Return what the journal says of a backend that failed and came back: what, why, what is missing."""
    return [
        (event["type"].partition(".")[2], event.get("reason"), event["missing"])
        for event in events
        if event["type"] in ("backend.degraded", "backend.recovered")
    ]
