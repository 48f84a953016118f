"""Takes out of a model's answer what would recite its instructions, before anybody hears it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from livekit.agents import llm

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.disclosure import DisclosureGuard

REPLACEMENT = "I keep my instructions to myself."
"""What is said in place of the rest of an answer that recites them."""


class DisclosureFilter:
    """Passes answers on, and cuts off those that recite what the guard knows."""

    def __init__(self, guard: DisclosureGuard, journal: MeetingJournal) -> None:
        self.guard = guard
        """What the next answers may not recite; to be replaced when the instructions change."""
        self._journal = journal

    async def filter(self, chunks: AsyncGenerator[Any, None], turn: int) -> AsyncGenerator[Any, None]:
        """Pass an answer's chunks on; calls of tools, usage and all else that is no text pass as they are.

        When the answer is cut, the model is not listened to any longer, and a fixed sentence takes the
        rest's place.
        """
        check = self.guard.begin()
        said = ""
        async with aclosing(chunks):
            async for chunk in chunks:
                text = _text_of(chunk)
                if not text:
                    yield chunk
                    continue
                said = check.feed(text)
                if check.is_cut:
                    break
                if (passed := _with_text(chunk, said)) is not None:
                    yield passed
        if not check.is_cut:
            # The last word may complete a run only now.
            said = check.finish()
        if said:
            yield said
        if check.is_cut:
            self._journal.write("answer.cut", {"turn": turn, "reason": "instructions"})
            yield f" {REPLACEMENT}"


def _text_of(chunk: object) -> str:
    if isinstance(chunk, str):
        return chunk
    delta = chunk.delta if isinstance(chunk, llm.ChatChunk) else None
    return (delta.content or "") if delta is not None else ""


def _with_text(chunk: str | llm.ChatChunk, text: str) -> str | llm.ChatChunk | None:
    """Return the chunk with another text; None where nothing is left of it."""
    if isinstance(chunk, str):
        return text or None
    delta = chunk.delta
    if delta is None or text == delta.content:
        return chunk
    if not text and not delta.tool_calls and not delta.extra and chunk.usage is None:
        return None
    return chunk.model_copy(update={"delta": delta.model_copy(update={"content": text or None})})
