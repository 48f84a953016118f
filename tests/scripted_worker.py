"""A worker that a test answers for: it is registered at a real LiveKit server, and starts no agent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from livekit import api
from livekit.protocol import agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meetctl.core.local_stack import LiveKitAccess


class ScriptedWorker:
    """A registered worker, and what the server asks of it, in order."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def next_message(self) -> agent.ServerMessage:
        """Return the next thing that the server says."""
        message = agent.ServerMessage()
        message.ParseFromString(await self._websocket.receive_bytes())
        return message

    async def next_offer(self) -> agent.Job:
        """Return the job that is offered next; nothing else may come before it."""
        message = await self.next_message()
        assert message.HasField("availability"), message
        return message.availability.job

    async def next_assigned(self) -> str:
        """Return the id of the job that the server gives to this worker; nothing else may come before it."""
        message = await self.next_message()
        assert message.HasField("assignment"), message
        return message.assignment.job.id

    async def accept(self, job: agent.Job) -> None:
        """Say that this worker takes a job."""
        answer = agent.AvailabilityResponse(
            job_id=job.id, available=True, participant_identity=f"agent-{job.id}"
        )
        await self._send(agent.WorkerMessage(availability=answer))

    async def register(self, agent_name: str) -> None:
        """Tell the server what is served here, and wait for its answer."""
        request = agent.RegisterWorkerRequest(
            type=agent.JobType.JT_ROOM, agent_name=agent_name, version="1", ping_interval=30
        )
        await self._send(agent.WorkerMessage(register=request))
        message = await self.next_message()
        assert message.HasField("register"), message

    async def _send(self, message: agent.WorkerMessage) -> None:
        await self._websocket.send_bytes(message.SerializeToString())


@asynccontextmanager
async def run_scripted_worker(access: LiveKitAccess, agent_name: str) -> AsyncIterator[ScriptedWorker]:
    """Be a worker with room for any number of agents."""
    token = api.AccessToken(access.api_key, access.api_secret).with_grants(api.VideoGrants(agent=True))
    headers = {"Authorization": f"Bearer {token.to_jwt()}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{access.url}/agent", headers=headers) as websocket,
    ):
        worker = ScriptedWorker(websocket)
        await worker.register(agent_name)
        yield worker
