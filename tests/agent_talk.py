"""A session in text alone, with the agent that sees, over a scripted model."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, UserStateChangedEvent, function_tool, llm
from tests.agent_frames import WAIT_S, LiveTrack, Stage
from tests.agent_settings import GPT_4_1_RULE
from tests.fakes.language_model import Answer, ScriptedModel
from tests.fakes.price_book import InMemoryPriceBook

from meetctl.agent.conversation import Conversation
from meetctl.agent.requests import RequestLog
from meetctl.agent.usage import UsageMeter
from meetctl.agent.video_agent import RequestHooks, VideoAgent
from meetctl.core.config import ProviderAccess
from meetctl.domain.pricing import Price

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

SECOND_US = 1_000_000
OPENAI = ProviderAccess(name="openai", model="gpt-4.1", api_key="sk-secret")
BOOK = InMemoryPriceBook(
    [
        Price(
            provider="openai",
            model="gpt-4.1",
            unit=unit,
            usd=Decimal(usd),
            per=1_000_000,
            source="test",
            origin="test",
        )
        for unit, usd in (("input_tokens", 2), ("cached_input_tokens", 1), ("output_tokens", 8))
    ],
    [GPT_4_1_RULE],
    "2026-11-22",
)


class OnlyMaya:
    """Nobody else is ever there, so nobody listens to who speaks."""

    def now_us(self) -> int:
        return 0

    def since(self, begin_us: int) -> str | None:  # noqa: ARG002  the protocol has it
        return "maya"


class Talk:
    """A session in text alone, with the agent that sees."""

    def __init__(self, stage: Stage, model: ScriptedModel, session: AgentSession[Any]) -> None:
        self.stage = stage
        self.model = model
        self.session = session

    @property
    def requests(self) -> list[Mapping[str, Any]]:
        return self.stage.sink.fields("llm.request")

    def speak(self) -> None:
        """Let a person begin to speak, as they do before their words are known."""
        self.session.emit(
            "user_state_changed", UserStateChangedEvent(old_state="listening", new_state="speaking")
        )

    def asked(self, number: int = 0) -> list[llm.ChatMessage]:
        return [item for item in self.model.asked[number].context.items if item.type == "message"]


@function_tool
async def look_up() -> str:
    """Look something up."""
    return "Revenue is 12 million."


@asynccontextmanager
async def talking(
    *answers: Answer,
    frames: int = 3,
    stage: Stage | None = None,
    provider: ProviderAccess = OPENAI,
    make_log: Callable[[UsageMeter], RequestLog] | None = None,
    hooks: RequestHooks | None = None,
    tools: Callable[[Stage], list[llm.Tool]] = lambda _: [],
    model: ScriptedModel | None = None,
) -> AsyncIterator[Talk]:
    """Frames at 0 s, 1 s and so on; the question comes 0.4 s after the last."""
    stage = stage or Stage()
    track = LiveTrack()
    stage.feed.watch(track.video, track.frames())
    for number in range(frames):
        await stage.show(track, number * SECOND_US)
    stage.clock.advance(400_000)
    await stage.encoded()
    model = model or ScriptedModel(*answers)
    usage = UsageMeter(stage.journal, book=BOOK, clock=stage.clock)
    conversation = Conversation(stage.journal, speakers=OnlyMaya(), people=lambda: {"maya": "Maya"})
    agent = VideoAgent(
        session_id="s1",
        instructions="You help in a meeting.",
        frames=stage.feed,
        requests=make_log(usage)
        if make_log
        else RequestLog(usage, provider, stage.feed.policy, GPT_4_1_RULE),
        conversation=conversation,
        tools=tools(stage),
        hooks=hooks,
    )
    session: AgentSession[Any] = AgentSession(
        llm=model, vad=None, turn_handling={"turn_detection": "manual"}, tools=[look_up]
    )
    conversation.follow(session)
    async with session, asyncio.timeout(WAIT_S):
        await session.start(agent)
        yield Talk(stage, model, session)
    await stage.feed.close()


def images_of(message: llm.ChatMessage) -> list[llm.ImageContent]:
    """The images of a message."""
    return [part for part in message.content if isinstance(part, llm.ImageContent)]
