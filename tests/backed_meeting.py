"""Whole meetings with a backend for tests: the stack of `tests/live_meeting.py` and a real tRPC server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents.types import TOPIC_CHAT
from tests.backend_peer import Peer, run_backend_peer
from tests.live_agent import AGENT
from tests.live_meeting import LiveStack, clean_home, serve
from tests.local_stack import run_livekit_server
from tests.offline_server import running_offline_server

from meetctl.domain.tenancy import Tenant
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from tests.live_meeting import Event, LiveMeeting


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedStack(LiveStack):
    """All that meetings with a backend need."""

    peer: Peer
    variables: Mapping[str, str]
    """The worker's variables besides those that name the server and the providers."""

    def tenant_meeting(self, room: str, *flags: str, tier: str = "pro") -> LiveMeeting:
        """Return a meeting in a room of a tenant of its own, who has these features."""
        tenant = Tenant(id=f"tenant-of-{room}", tier=tier)
        self.peer.set_tenant(room, tenant)
        for flag in flags:
            self.peer.set_flag(tenant.id, flag)
        return self.meeting(room)


@contextmanager
def run_backed_stack(
    directory: Path,
    *options: str,
    backend_key: str | None = None,
    model_key: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[BackedStack]:
    """Run a server, offline providers, a backend, and a worker with these options and variables.

    With a `model_key` the worker takes the offline model for OpenAI's own, and pays its price.
    """
    for name in ("home", "livekit", "offline"):
        (directory / name).mkdir(parents=True)
    with (
        run_backend_peer() as peer,
        clean_home(directory / "home"),
        run_livekit_server(directory / "livekit") as livekit,
        running_offline_server(directory / "offline") as offline,
    ):
        if backend_key is not None:
            peer.stop()
            peer.key = backend_key
            peer.start()
        variables = {"API_BASE_URL": peer.url, "AGENT_API_KEY": peer.key}
        if model_key is not None:
            variables |= {"OPENAI_API_KEY": model_key, "OPENAI_BASE_URL": f"{offline.url}/v1"}
        variables |= environment or {}
        with serve(directory / "worker", livekit, offline.url, *options, environment=variables) as worker:
            yield BackedStack(livekit=livekit, offline=offline, worker=worker, peer=peer, variables=variables)


class Typist:
    """A person who neither speaks nor shows anything, but types, and reads what the agent writes."""

    def __init__(self, meeting: LiveMeeting, room: rtc.Room) -> None:
        self.room = room
        self._meeting = meeting
        self._reading: set[asyncio.Task[None]] = set()
        self.read: list[str] = []
        """What was written to everybody."""
        room.register_text_stream_handler(TOPIC_CHAT, self._receive)

    async def type(self, text: str) -> None:
        """Write to the agent."""
        await self.room.local_participant.send_text(text, topic=TOPIC_CHAT)

    async def prompt(self, text: str) -> None:
        """Write to the agent, and wait until the model has answered; the answer may still be spoken."""
        known = len(self._meeting.events("llm.request", outcome="done"))
        await self.type(text)
        await self._meeting.wait_for("llm.request", count=known + 1, outcome="done")

    async def ask(self, text: str) -> str:
        """Write to the agent, wait until the turn is over, and return the answer."""
        known = len(self._meeting.events("transcript", role="assistant"))
        await self.ask_in_vain(text, outcome="done")
        return str(self._meeting.events("transcript", role="assistant")[known]["text"])

    async def ask_in_vain(self, text: str, *, outcome: str = "failed") -> Event:
        """Write to the agent, and wait until the turn has ended with an outcome."""
        known = len(self._meeting.events("turn.ended"))
        await self.type(text)
        await self._meeting.wait_for("turn.ended", count=known + 1)
        ended = self._meeting.events("turn.ended")[known]
        assert ended["outcome"] == outcome, ended
        return ended

    def _receive(self, reader: rtc.TextStreamReader, _: str) -> None:
        task = asyncio.create_task(self._read(reader))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        self.read.append(await reader.read_all())


@asynccontextmanager
async def typing(
    meeting: LiveMeeting, identity: str = "maya", *, agent: str = AGENT
) -> AsyncIterator[Typist]:
    """Be in a meeting with the agent as a person who types."""
    access = meeting.stack.livekit
    room = rtc.Room()
    typist = Typist(meeting, room)
    # The agent's voice is subscribed to, though nobody listens: livekit-agents does not speak before.
    await room.connect(access.url, mint_token(access, meeting.room, identity, identity))
    try:
        await meeting.invite_agent(agent=agent)
        yield typist
    finally:
        await room.disconnect()
