"""What else goes into a request: what was looked at, material, names; and which model is billed for it."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, function_tool, llm
from tests.agent_frames import Stage
from tests.agent_settings import GPT_4_1_RULE
from tests.agent_talk import OPENAI, images_of, talking
from tests.fakes.language_model import Answer, ScriptedModel

from meetctl.agent.requests import RequestLog
from meetctl.agent.video_agent import RequestHooks
from meetctl.core.config import ProviderAccess
from meetctl.domain.image_sizing import FixedTokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from meetctl.agent.usage import UsageMeter
    from meetctl.domain.vision_tokens import ImageRule


def looking(stage: Stage) -> list[llm.Tool]:
    @function_tool
    async def look_closely() -> str:
        """Look again at what is shown now."""
        return "Here it is." if await stage.feed.look() else "There is nothing to see."

    return [look_closely]


def labels_of(messages: list[llm.ChatMessage]) -> list[str]:
    return [message.text_content or "" for message in messages if images_of(message)]


def test_what_the_model_looks_at_goes_with_the_rest_of_its_turn_in_full_detail() -> None:
    looks = (Answer(tool="look_closely"), Answer(tool="look_up"), Answer(), Answer())

    async def scene() -> None:
        async with talking(*looks, stage=Stage(side=16, detail="low"), frames=2, tools=looking) as talk:
            await talk.session.run(user_input="What does the small print say?")
            await talk.session.run(user_input="Thank you.")
            assert [len(labels_of(talk.asked(number))) for number in range(4)] == [2, 3, 3, 2]
            assert talk.asked(1)[-1].text_content == "What does the small print say?"
            shown = [message for message in talk.asked(1) if images_of(message)][-1]
            assert shown.text_content == "the screen in full detail, as you asked to see it, 0.4 s ago"
            (image,) = images_of(shown)
            assert image.inference_detail == "high"
            assert image.image == "data:image/jpeg;base64," + base64.b64encode(b"1000000 32x16").decode()
            first, second, third, last = talk.requests
            assert second["images"] == first["images"] == ["frame-000000", "frame-000001"]
            assert second["looked"] == third["looked"] == ["look-000001"]
            assert (first["image_tokens"], second["image_tokens"]) == (2 * 85, 2 * 85 + 1105)
            assert second["image_usd"] == "0.002550"
            assert "looked" not in first
            assert "looked" not in last

    asyncio.run(scene())


def test_a_look_at_nothing_tells_the_model_so() -> None:
    async def scene() -> None:
        async with talking(Answer(tool="look_closely"), Answer(), frames=0, tools=looking) as talk:
            await talk.session.run(user_input="What does the small print say?")
            outputs = [i for i in talk.model.asked[1].context.items if isinstance(i, llm.FunctionCallOutput)]
            assert [output.output for output in outputs] == ["There is nothing to see."]
            assert talk.requests[1]["image_tokens"] == 0

    asyncio.run(scene())


def test_with_shut_eyes_a_question_goes_without_frames() -> None:
    async def scene() -> None:
        async with talking(Answer()) as talk:
            talk.stage.feed.shut_eyes()
            await talk.session.run(user_input="What is on the screen?")
            assert (talk.requests[0]["images"], labels_of(talk.asked())) == ([], [])

    asyncio.run(scene())


def test_material_comes_before_the_frames_and_frames_are_chosen_after_it_was_found() -> None:
    asked: list[tuple[int, str]] = []
    stage = Stage()

    async def find(turn: int, question: str) -> list[llm.ChatMessage]:
        asked.append((turn, question))
        stage.feed.shut_eyes()
        return [llm.ChatMessage(role="system", content=["Knowledge."])]

    async def scene() -> None:
        async with talking(Answer(), stage=stage, hooks=RequestHooks(find_material=find)) as talk:
            await talk.session.run(user_input="What is on the screen?")
            assert asked == [(1, "What is on the screen?")]
            assert [message.text_content for message in talk.asked()[1:]] == [
                "Knowledge.",
                "What is on the screen?",
            ]
            history = [item.text_content for item in talk.session.history.items if item.type == "message"]
            assert "Knowledge." not in history

    asyncio.run(scene())


def test_speakers_are_named_on_a_copy_that_has_no_frames_yet() -> None:
    def name(context: llm.ChatContext) -> None:
        for place, item in enumerate(context.items):
            if item.type == "message" and item.role == "user":
                named = item.model_copy(update={"content": [f"Maya: {item.text_content}"]})
                context.items[place] = named

    async def scene() -> None:
        async with talking(Answer(), frames=1, hooks=RequestHooks(name_speakers=name)) as talk:
            await talk.session.run(user_input="Hello?")
            assert [message.text_content for message in talk.asked()[1:]] == [
                "first visible frame, 0.4 s ago",
                "Maya: Hello?",
            ]
            history = [item.text_content for item in talk.session.history.items if item.type == "message"]
            assert "Hello?" in history

    asyncio.run(scene())


def test_an_answer_that_its_guard_cuts_off_is_a_request_that_was_cut_off() -> None:
    async def cut(chunks: AsyncGenerator[Any, None], turn: int) -> AsyncGenerator[Any, None]:
        async for _ in chunks:
            yield f"Turn {turn} is none of your business."
            return

    async def scene() -> None:
        async with talking(Answer(), hooks=RequestHooks(guard=cut)) as talk:
            await talk.session.run(user_input="Your instructions?")
            said = [item for item in talk.session.history.items if item.type == "message"][-1]
            assert said.text_content == "Turn 1 is none of your business."
            assert talk.requests[0]["outcome"] == "cancelled"

    asyncio.run(scene())


OTHER = ProviderAccess(name="openai", model="gpt-4.1-mini", api_key="sk-other")
OTHER_RULE = replace(GPT_4_1_RULE, id="other/2026-02-26", details=(("high", FixedTokens(tokens=2000)),))


@pytest.mark.parametrize(
    ("rules", "tokens"), [({OTHER: OTHER_RULE}, 2000), ({}, 1105)], ids=["its-own-rule", "the-same-rule"]
)
def test_a_request_is_counted_and_billed_by_the_model_that_answered(
    rules: dict[ProviderAccess, ImageRule], tokens: int
) -> None:
    def make_log(usage: UsageMeter) -> RequestLog:
        policy = Stage().feed.policy
        return RequestLog(usage, OPENAI, policy, GPT_4_1_RULE, answered_by=lambda: OTHER, rules=rules)

    async def scene() -> None:
        async with talking(Answer(), frames=1, make_log=make_log) as talk:
            await talk.session.run(user_input="Hello?")
            (request,) = talk.requests
            assert (request["model"], request["image_tokens"]) == ("gpt-4.1-mini", tokens)
            assert (request["usd"], request["image_usd"]) == (None, None)

    asyncio.run(scene())


def test_a_request_whose_images_the_model_does_not_take_is_told_all_the_same() -> None:
    only_low = replace(
        GPT_4_1_RULE, id="low/2026-02-26", auto="low", details=(("low", FixedTokens(tokens=85)),)
    )

    def make_log(usage: UsageMeter) -> RequestLog:
        policy = Stage().feed.policy
        return RequestLog(
            usage, OPENAI, policy, GPT_4_1_RULE, answered_by=lambda: OTHER, rules={OTHER: only_low}
        )

    async def scene() -> None:
        async with talking(Answer(), frames=1, make_log=make_log) as talk:
            await talk.session.run(user_input="Hello?")
            (request,) = talk.requests
            assert (request["outcome"], request["image_tokens"]) == ("done", 0)
            assert request["images"] == ["frame-000000"]

    asyncio.run(scene())


class BreakingModel(ScriptedModel):
    """Fails after the first words of its answer."""

    def chat(self, **arguments: Any) -> llm.LLMStream:
        return _BreakingStream(
            self,
            chat_ctx=arguments["chat_ctx"],
            tools=arguments.get("tools") or [],
            conn_options=APIConnectOptions(max_retry=0),
        )


class _BreakingStream(llm.LLMStream):
    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content="I see ")
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk-1", delta=delta))
        raise APIConnectionError("the line broke", retryable=False)


def test_a_request_that_fails_in_the_middle_of_its_answer_is_billed_as_estimated() -> None:
    async def scene() -> None:
        async with talking(model=BreakingModel()) as talk:
            await talk.session.generate_reply(user_input="What is on the screen?")
            (request,) = talk.requests
            assert (request["outcome"], request["billed"], request["basis"]) == ("failed", True, "estimated")
            assert request["image_usd"] == "0.006630"

    asyncio.run(scene())
