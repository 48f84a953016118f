"""A language model that answers by script, and notes what it was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livekit.agents import llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit.agents.types import APIConnectOptions, NotGivenOr


@dataclass(slots=True, kw_only=True)
class Answer:
    """What the model says to one request."""

    text: str = "I see a slide."
    tool: str | None = None
    """The tool that it calls instead, without arguments."""
    usage: llm.CompletionUsage | None = None
    error: Exception | None = None
    stalls: bool = False
    """Whether it says nothing more after the text."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request as it came."""

    context: llm.ChatContext
    said: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the text has been given."""


class ScriptedModel(llm.LLM[Any]):
    """Gives one answer after the other."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.begun = asyncio.Event()
        """Set once something has been asked."""
        self.answers = list(answers)

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,  # noqa: ARG002  the interface has it
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,  # noqa: ARG002
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,  # noqa: ARG002
    ) -> llm.LLMStream:
        asked = Asked(context=chat_ctx)
        self.asked.append(asked)
        self.begun.set()
        return _ScriptedStream(self, self.answers.pop(0), asked, tools or [], conn_options)


class _ScriptedStream(llm.LLMStream):
    def __init__(
        self,
        model: ScriptedModel,
        answer: Answer,
        asked: Asked,
        tools: Sequence[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(model, chat_ctx=asked.context, tools=list(tools), conn_options=conn_options)
        self._answer = answer
        self._asked = asked

    async def _run(self) -> None:
        answer = self._answer
        if answer.error is not None:
            raise answer.error
        delta = llm.ChoiceDelta(role="assistant", content=answer.text)
        if answer.tool is not None:
            call = llm.FunctionToolCall(name=answer.tool, arguments="{}", call_id="call-1")
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk-1", delta=delta))
        self._asked.said.set()
        if answer.stalls:
            await asyncio.Event().wait()
        if answer.usage is not None:
            self._event_ch.send_nowait(llm.ChatChunk(id="chunk-2", usage=answer.usage))
