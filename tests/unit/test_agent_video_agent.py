"""What the model is asked: frames with their labels, on a copy of the context, and what that costs."""

from __future__ import annotations

import asyncio
import base64
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from livekit.agents import APIStatusError, llm
from livekit.agents.voice.run_result import RunResult
from tests.agent_frames import Stage
from tests.agent_talk import SECOND_US, images_of, talking
from tests.fakes.language_model import Answer

from meetctl.agent.frame_feed import Attachment
from meetctl.agent.video_agent import NOT_ASKED, RequestHooks, attach_frames, text_of
from meetctl.core.config import ProviderAccess
from meetctl.domain.frame_buffer import KeptFrame


def test_frames_come_one_a_message_before_the_question_and_leave_no_trace() -> None:
    async def scene() -> None:
        async with talking(Answer()) as talk:
            await talk.session.run(user_input="What is on the screen?")
            system, *pictures, question = talk.asked()
            assert system.role == "system"
            assert question.text_content == "What is on the screen?"
            assert [picture.role for picture in pictures] == ["user"] * 3
            assert [picture.text_content for picture in pictures] == [
                "first visible frame, 2.4 s ago",
                "frame 2 of 3, 1.4 s ago",
                "most recent frame, 0.4 s ago",
            ]
            sent = [image.image for picture in pictures for image in images_of(picture)]
            assert sent[0] == "data:image/jpeg;base64," + base64.b64encode(b"0 32x16").decode()
            assert len(sent) == 3
            history = [item for item in talk.session.history.items if item.type == "message"]
            assert [m.text_content for m in history if m.role != "system"] == [
                "What is on the screen?",
                "I see a slide.",
            ]
            assert not any(images_of(message) for message in history)

    asyncio.run(scene())


def test_the_step_after_a_tool_has_the_frames_once() -> None:
    async def scene() -> None:
        async with talking(Answer(tool="look_up"), Answer()) as talk:
            await talk.session.run(user_input="How much is it?")
            for number in (0, 1):
                labels = [m.text_content for m in talk.asked(number) if images_of(m)]
                assert len(labels) == 3
            assert talk.asked(1)[-1].text_content == "How much is it?"
            assert [fields["request"] for fields in talk.requests] == ["request-001", "request-002"]

    asyncio.run(scene())


def test_only_the_last_five_frames_are_sent() -> None:
    async def scene() -> None:
        async with talking(Answer(), frames=8) as talk:
            await talk.session.run(user_input="And now?")
            assert talk.requests[0]["images"] == [f"frame-00000{number}" for number in (3, 4, 5, 6, 7)]

    asyncio.run(scene())


def test_without_video_the_question_goes_alone() -> None:
    async def scene() -> None:
        async with talking(Answer(), frames=0) as talk:
            await talk.session.run(user_input="Hello?")
            assert [message.role for message in talk.asked()] == ["system", "user"]
            (request,) = talk.requests
            assert (request["images"], request["width"], request["image_tokens"]) == ([], None, 0)
            assert "image_usd" not in request

    asyncio.run(scene())


def test_an_agent_that_may_not_ask_says_so_and_asks_again_as_soon_as_it_may() -> None:
    may_ask = False

    async def scene() -> None:
        nonlocal may_ask
        async with talking(Answer(), hooks=RequestHooks(may_ask=lambda: may_ask)) as talk:
            result: RunResult[Any] = await talk.session.run(user_input="And now?")
            said = [event.item.text_content for event in result.events if event.type == "message"]
            assert said == [NOT_ASKED]
            assert (talk.requests, talk.model.asked) == ([], [])
            may_ask = True
            await talk.session.run(user_input="And now?")
            assert len(talk.requests) == 1

    asyncio.run(scene())


def test_reported_usage_is_priced_and_reconciled() -> None:
    usage = llm.CompletionUsage(
        completion_tokens=50,
        prompt_tokens=3400,
        prompt_cached_tokens=1000,
        total_tokens=3450,
        service_tier="default",
    )

    async def scene() -> None:
        async with talking(Answer(usage=usage)) as talk:
            talk.speak()
            await talk.session.run(user_input="What is on the screen?")
            (request,) = talk.requests
            assert request == {
                "turn": 1,
                "request": "request-001",
                "images": ["frame-000000", "frame-000001", "frame-000002"],
                "as_of_us": 2_200_000,
                "width": 32,
                "height": 16,
                "detail": "high",
                "image_tokens": 3315,
                "image_tokens_reconciled": 3315,
                "image_basis": "reconciled",
                "input_tokens": 3400,
                "cached_input_tokens": 1000,
                "output_tokens": 50,
                "service_tier": "default",
                "basis": "reported",
                "outcome": "done",
                "provider": "openai",
                "model": "gpt-4.1",
                "usd": "0.006200",
                "usd_by_unit": {
                    "input_tokens": "0.004800",
                    "cached_input_tokens": "0.001000",
                    "output_tokens": "0.000400",
                },
                "image_usd": "0.006630",
            }

    asyncio.run(scene())


def test_a_request_that_is_cut_off_is_estimated_and_billed() -> None:
    async def scene() -> None:
        async with talking(Answer(text="Let me", stalls=True), Answer()) as talk:
            speech = talk.session.generate_reply(user_input="What is on the screen?")
            await talk.model.begun.wait()
            await talk.model.asked[0].said.wait()
            await talk.session.interrupt()
            await speech
            (request,) = talk.requests
            assert (request["outcome"], request["basis"]) == ("cancelled", "estimated")
            assert request["input_tokens"] == 3315 + -(-len(text_of(talk.model.asked[0].context)) // 4)
            assert request["output_tokens"] <= 2
            assert Decimal(request["usd"]) > Decimal(request["image_usd"]) > 0
            await talk.session.run(user_input="Go on.")
            assert [fields["outcome"] for fields in talk.requests] == ["cancelled", "done"]

    asyncio.run(scene())


def test_a_request_that_the_provider_refuses_costs_nothing() -> None:
    error = APIStatusError("no such model", status_code=404, retryable=False)

    async def scene() -> None:
        async with talking(Answer(error=error), Answer()) as talk:
            await talk.session.generate_reply(user_input="What is on the screen?")
            (request,) = talk.requests
            assert (request["outcome"], request["basis"]) == ("failed", "estimated")
            assert (request["usd"], request["usd_by_unit"]) == ("0", {})
            (told,) = talk.stage.sink.fields("error")
            assert (told["error"], told["status"], told["recoverable"]) == ("APIStatusError", 404, False)
            assert "no such model" not in "".join(talk.stage.sink.lines)

    asyncio.run(scene())


def test_offline_use_costs_nothing_and_says_so() -> None:
    offline = ProviderAccess(name="openai", model="gpt-4.1", api_key="offline", is_offline=True)

    async def scene() -> None:
        async with talking(Answer(), provider=offline) as talk:
            await talk.session.run(user_input="Hello?")
            (request,) = talk.requests
            assert (request["provider"], request["usd"], request["image_usd"]) == ("offline", "0", "0")

    asyncio.run(scene())


def test_the_turn_of_a_question_has_its_request() -> None:
    async def scene() -> None:
        async with talking(Answer()) as talk:
            talk.speak()
            await talk.session.run(user_input="Hello?")
            (started,) = talk.stage.sink.fields("turn.started")
            assert (started["turn"], started["participant"]) == (1, "maya")
            (ended,) = talk.stage.sink.fields("turn.ended")
            assert (ended["turn"], ended["outcome"], ended["requests"]) == (1, "done", 1)

    asyncio.run(scene())


def frame_at(t_us: int) -> KeptFrame:
    return KeptFrame(
        id=f"frame-{t_us}",
        track="TR_a",
        t_us=t_us,
        width=32,
        height=16,
        sent_width=32,
        sent_height=16,
        jpeg=b"\xff\xd8",
    )


def attachment_of(*times_us: int, now_us: int = 5 * SECOND_US) -> Attachment:
    return Attachment(now_us=now_us, as_of_us=now_us, frames=tuple(frame_at(t_us) for t_us in times_us))


@pytest.mark.parametrize("detail", ["low", "high", "auto", "original", "ultra_high"])
def test_every_detail_reaches_openais_format(detail: str) -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="What is this?")
    attached = attach_frames(context, attachment_of(SECOND_US), detail)
    messages, _ = attached.to_provider_format("openai")
    (picture, question) = messages
    image = next(part for part in picture["content"] if part["type"] == "image_url")
    assert image["image_url"]["detail"] == detail
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert question["content"] == "What is this?"


def test_labels_keep_their_pictures_in_openais_format() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="What is this?")
    attached = attach_frames(context, attachment_of(SECOND_US, 2 * SECOND_US, 4 * SECOND_US), "low")
    messages, _ = attached.to_provider_format("openai")
    kinds = [[part["type"] for part in message["content"]] for message in messages[:-1]]
    assert kinds == [["image_url", "text"]] * 3


def test_frames_come_before_the_last_thing_said_by_a_person_even_with_answers_after_it() -> None:
    context = llm.ChatContext.empty()
    for role, text in (("user", "One?"), ("assistant", "One."), ("user", "Two?"), ("assistant", "Well,")):
        context.add_message(role=role, content=text)  # type: ignore[arg-type]
    before = list(context.items)
    attached = attach_frames(context, attachment_of(SECOND_US), "low")
    assert [bool(images_of(m)) for m in attached.messages()] == [False, False, True, False, False]
    assert context.items == before
    assert not any(images_of(message) for message in context.messages())


def test_with_no_word_said_frames_come_last() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="Greet.")
    attached = attach_frames(context, attachment_of(SECOND_US), "low")
    assert [message.role for message in attached.messages()] == ["system", "user"]


def test_a_frame_that_is_shown_a_moment_from_now_is_not_in_the_future() -> None:
    attached = attach_frames(llm.ChatContext.empty(), attachment_of(5 * SECOND_US + 12_000), "low")
    assert attached.messages()[0].text_content == "first visible frame, 0.0 s ago"


def test_a_lower_rate_sends_fewer_frames() -> None:
    async def scene() -> None:
        async with talking(Answer(), stage=Stage(fps=Fraction(1, 2)), frames=5) as talk:
            await talk.session.run(user_input="Hello?")
            assert len(talk.requests[0]["images"]) == 3

    asyncio.run(scene())
