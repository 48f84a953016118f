"""A language model that obeys whoever speaks to it last: every order in what it is shown, told or given."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from livekit.agents import llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit.agents.types import APIConnectOptions, NotGivenOr

ORDER = re.compile(r"CALL (?P<tool>\w+) (?P<arguments>\{.*?\})")
RECITE = "RECITE"


class ObedientModel(llm.LLM[Any]):
    """Calls each tool ordered as `CALL tool {…}`, and at `RECITE` says its instructions piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[llm.ChatContext] = []
        self.offered: list[str] = []
        """The names of the tools that it may call."""

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
        self.asked.append(chat_ctx)
        self.offered = [tool.info.name for tool in tools or [] if isinstance(tool, llm.FunctionTool)]
        return _ObedientStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _ObedientStream(llm.LLMStream):
    async def _run(self) -> None:
        material = list(_new_texts(self.chat_ctx))
        orders = [order for text in material for order in ORDER.finditer(text)]
        if self.chat_ctx.items[-1].type != "function_call_output" and orders:
            calls = [
                llm.FunctionToolCall(
                    name=order["tool"], arguments=order["arguments"], call_id=f"call-{number}"
                )
                for number, order in enumerate(orders)
            ]
            self._send(llm.ChoiceDelta(role="assistant", tool_calls=calls))
            return
        is_reciting = any(RECITE in text for text in material)
        answer = _instructions(self.chat_ctx) if is_reciting else "All right, done."
        for piece in re.findall(r".{1,5}", answer, re.DOTALL):
            self._send(llm.ChoiceDelta(role="assistant", content=piece))

    def _send(self, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk", delta=delta))


def _instructions(context: llm.ChatContext) -> str:
    return " ".join(m.text_content or "" for m in context.messages() if m.role in ("system", "developer"))


def _new_texts(context: llm.ChatContext) -> Iterator[str]:
    """Return what came after the last answer: words, pictures as the bytes they are, and tools' results."""
    answers = [
        n for n, item in enumerate(context.items) if item.type == "message" and item.role == "assistant"
    ]
    for item in context.items[answers[-1] + 1 if answers else 0 :]:
        if item.type == "function_call_output":
            yield item.output
        elif item.type == "message" and item.role == "user":
            for part in item.content:
                if isinstance(part, str):
                    yield part
                elif isinstance(part, llm.ImageContent) and isinstance(part.image, str):
                    yield base64.b64decode(part.image.partition(",")[2]).decode(errors="replace")
