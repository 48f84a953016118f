"""A chat completion as documents: whole, or in the chunks of a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meetctl.stack.offline.chat_tokens import text_tokens
from meetctl.stack.offline.connections import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.stack.offline.chat_tokens import PromptTokens

FINGERPRINT = "meetctl-offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What a chat completion says: a text, or one call of a tool."""

    id: str
    created_s: int
    model: str
    prompt: PromptTokens
    text: str = ""
    tool: str | None = None
    arguments: str = ""
    """The tool's arguments as JSON."""

    @property
    def completion_tokens(self) -> int:
        """OpenAI's `completion_tokens`, estimated as `chat_tokens` says."""
        return text_tokens(self.content)

    @property
    def content(self) -> str:
        """All that the model writes."""
        return f"{self.tool}{self.arguments}" if self.tool else self.text

    @property
    def finish_reason(self) -> str:
        """Why the answer ends."""
        return "tool_calls" if self.tool else "stop"

    @property
    def usage(self) -> dict[str, Any]:
        """OpenAI's usage object; `image_tokens` is the part of `prompt_tokens` that images are."""
        return {
            "prompt_tokens": self.prompt.total,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt.total + self.completion_tokens,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "audio_tokens": 0,
                "text_tokens": self.prompt.text,
                "image_tokens": self.prompt.images,
            },
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def answer_document(answer: ChatAnswer) -> dict[str, Any]:
    """Return a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.tool:
        message["tool_calls"] = [_tool_call(answer)]
    return {
        **_head(answer, "chat.completion"),
        "choices": [
            {"index": 0, "message": message, "finish_reason": answer.finish_reason, "logprobs": None}
        ],
        "usage": answer.usage,
    }


def stream_chunks(answer: ChatAnswer, *, with_usage: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an answer's chunks, each with the text in it: one a word, then why it ends, then its usage."""
    yield "", _chunk(answer, {"role": "assistant", "content": None if answer.tool else ""})
    if answer.tool:
        yield answer.content, _chunk(answer, {"tool_calls": [{"index": 0, **_tool_call(answer)}]})
    for word in re.findall(r"\S+\s*", answer.text):
        yield word, _chunk(answer, {"content": word})
    yield "", _chunk(answer, {}, finish_reason=answer.finish_reason)
    if with_usage:
        yield "", {**_head(answer, "chat.completion.chunk"), "choices": [], "usage": answer.usage}


def _chunk(answer: ChatAnswer, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return {**_head(answer, "chat.completion.chunk"), "choices": [choice]}


def _head(answer: ChatAnswer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.id,
        "object": kind,
        "created": answer.created_s,
        "model": answer.model,
        "system_fingerprint": FINGERPRINT,
        "service_tier": "default",
    }


def _tool_call(answer: ChatAnswer) -> dict[str, Any]:
    return {
        "id": new_id("call_"),
        "type": "function",
        "function": {"name": answer.tool, "arguments": answer.arguments},
    }
