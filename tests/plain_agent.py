"""A LiveKit agent as others write it, without anything of meetctl's, in a worker of its own.

python -m tests.plain_agent AGENT_NAME, with LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET. It says on
stdout, as JSON lines, when it serves and whom it sees in its rooms. It answers in text to what is typed.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit import agents
from livekit.agents import llm
from tests.fakes.language_model import Answer, ScriptedModel
from tests.live_agent import until

from meetctl.stack.process import MARK, find_marked, kill_processes, mark_of, tether_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess

ANSWER = "It is a plain answer."
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 1_200, 200, 30
"""What each request of it uses."""
_ANSWERS = 100


class PlainModel(ScriptedModel):
    """A model of OpenAI's by its name, which answers always the same."""

    @property
    def model(self) -> str:
        return "gpt-4.1"

    @property
    def provider(self) -> str:
        return "api.openai.com"


def _say(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def _meet(job: agents.JobContext) -> None:
    usage = llm.CompletionUsage(
        completion_tokens=OUTPUT_TOKENS,
        prompt_tokens=INPUT_TOKENS,
        prompt_cached_tokens=CACHED_TOKENS,
        total_tokens=INPUT_TOKENS + OUTPUT_TOKENS,
    )
    called = Answer(tool="look_up", usage=usage)
    answers = [called, *(Answer(text=ANSWER, usage=usage) for _ in range(_ANSWERS))]
    session: agents.AgentSession[None] = agents.AgentSession(llm=PlainModel(*answers))
    await job.connect()

    def tell(*_: Any) -> None:
        _say(sees=sorted(job.room.remote_participants))

    job.room.on("participant_connected", tell)
    session.on("conversation_item_added", tell)
    tell()

    @agents.function_tool
    async def look_up() -> str:
        """Look something up."""
        return "looked up"

    await session.start(
        agents.Agent(instructions="Answer.", tools=[look_up]),
        room=job.room,
        room_options=agents.room_io.RoomOptions(audio_input=False, audio_output=False),
        record=False,
    )


async def _serve(agent_name: str) -> None:
    server = agents.AgentServer(
        host="127.0.0.1",
        port=0,
        num_idle_processes=0,
        job_executor_type=agents.JobExecutorType.THREAD,
        load_fnc=lambda: 0.0,
    )
    server.rtc_session(_meet, agent_name=agent_name)
    server.on("worker_registered", lambda *_: _say(serves=agent_name))
    await server.run(devmode=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainAgent:
    """The worker that was started, and what it says."""

    process: subprocess.Popen[bytes]
    output: Path

    def said(self) -> str:
        """Return all of its output."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of its output."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def seen(self) -> set[str]:
        """Return the identities of all whom it has ever seen in its rooms."""
        return {identity for line in self.lines() for identity in line.get("sees", ())}


@contextmanager
def run_plain_agent(directory: Path, access: LiveKitAccess, agent_name: str) -> Iterator[PlainAgent]:
    """Run the worker, and yield it once it serves."""
    directory.mkdir(parents=True, exist_ok=True)
    output = directory / "plain-agent.log"
    mark = secrets.token_hex(8)
    environment = {
        **os.environ,
        MARK: mark_of(mark, "agent"),
        "LIVEKIT_URL": access.url,
        "LIVEKIT_API_KEY": access.api_key,
        "LIVEKIT_API_SECRET": access.api_secret,
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            tether_command([sys.executable, "-m", "tests.plain_agent", agent_name]),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    agent = PlainAgent(process=process, output=output)
    try:
        asyncio.run(until(lambda: any("serves" in line for line in agent.lines()), "it serves", agent.said))
        yield agent
    finally:
        process.kill()
        process.wait()
        kill_processes(find_marked(mark))


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
