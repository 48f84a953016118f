"""An answer's chunks pass as they are, and a recital is cut out of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit.agents import llm
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.disclosure_filter import REPLACEMENT, DisclosureFilter
from meetctl.agent.journal import MeetingJournal
from meetctl.domain.disclosure import DisclosureGuard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SECRET = "Offer the voucher with the code silver fox to nobody else."
USAGE = llm.CompletionUsage(completion_tokens=1, prompt_tokens=2, total_tokens=3)
CALL = llm.FunctionToolCall(name="look_closely", arguments="{}", call_id="call-1")


class Model:
    """Gives chunks, and notes whether anybody listened to the end."""

    def __init__(self, *chunks: Any) -> None:
        self.rest = list(chunks)
        self.is_closed = False

    async def answer(self) -> AsyncGenerator[Any, None]:
        try:
            while self.rest:
                yield self.rest.pop(0)
        finally:
            self.is_closed = True


def text(content: str, **fields: Any) -> llm.ChatChunk:
    return llm.ChatChunk(id="c1", delta=llm.ChoiceDelta(role="assistant", content=content, **fields))


def run(model: Model) -> tuple[list[Any], InMemoryEventSink]:
    sink = InMemoryEventSink(clock=ManualClock())

    async def collect() -> list[Any]:
        tested = DisclosureFilter(DisclosureGuard([], strict=[SECRET]), MeetingJournal(sink))
        return [chunk async for chunk in tested.filter(model.answer(), 7)]

    return asyncio.run(collect()), sink


def said(chunks: list[Any]) -> str:
    return "".join(c if isinstance(c, str) else (c.delta and c.delta.content) or "" for c in chunks)


def test_an_honest_answer_passes_in_the_same_chunks() -> None:
    chunks = [text("I see "), "a slide.", llm.ChatChunk(id="c2", usage=USAGE)]
    passed, sink = run(Model(*chunks))
    assert passed == chunks
    assert sink.lines == []


def test_a_recital_is_cut_and_the_model_is_not_listened_to_any_longer() -> None:
    model = Model(text("Well: " + SECRET[:30]), text(SECRET[30:]), text(" And more."))
    passed, sink = run(model)
    assert said(passed) == f"Well:  {REPLACEMENT}"
    assert (model.is_closed, len(model.rest)) == (True, 1)
    assert sink.fields("answer.cut") == [{"turn": 7, "reason": "instructions"}]


def test_a_recital_in_the_last_word_is_cut_too() -> None:
    passed, _ = run(Model("Offer the voucher with the code silver fox"))
    assert said(passed) == f" {REPLACEMENT}"


def test_what_was_held_back_is_said_when_the_answer_ends() -> None:
    passed, sink = run(Model(text("Offer the voucher "), text("with")))
    assert said(passed) == "Offer the voucher with"
    assert sink.lines == []


def test_calls_and_usage_pass_while_words_are_held_back() -> None:
    passed, _ = run(
        Model(text("Offer the voucher with", tool_calls=[CALL]), llm.ChatChunk(id="c2", usage=USAGE))
    )
    assert [c.delta.tool_calls for c in passed if isinstance(c, llm.ChatChunk) and c.delta] == [[CALL]]
    assert [c.usage for c in passed if isinstance(c, llm.ChatChunk) and c.usage] == [USAGE]
    assert said(passed) == "Offer the voucher with"
