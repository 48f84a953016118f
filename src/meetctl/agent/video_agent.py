"""The agent that sees: each request takes the last kept frames, labelled, and nothing of them stays."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from livekit.agents import Agent, ModelSettings, llm

from meetctl.agent.recognition_switch import RecognitionSwitch
from meetctl.core.monitoring import track_performance
from meetctl.domain.labels import label_frames

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.agents import stt

    from meetctl.agent.conversation import Conversation
    from meetctl.agent.frame_feed import Attachment, FrameFeed
    from meetctl.agent.requests import RequestLog

logger = logging.getLogger(__name__)

SLOW_ANSWER_MS = 10_000
"""A whole answer that takes longer is warned about; the voice begins with its first sentence."""
LOOKED_LABEL = "the screen in full detail, as you asked to see it, {age_s:.1f} s ago"
NOT_ASKED = "I cannot answer for now, because what this meeting may use is used up."
"""What people are told who write to an agent that may not ask the model; nobody is asked to make it."""

Answer = AsyncGenerator[Any, None]
"""The pieces of a model's answer, as livekit-agents passes them on: texts, chunks and flushes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHooks:
    """What else goes into a request, and what its answer passes through; each may be left out."""

    find_material: Callable[[int, str], Awaitable[Sequence[llm.ChatMessage]]] | None = None
    """Gives the messages that help to answer, from the turn and what was said last; awaited before the
    frames are chosen."""
    name_speakers: Callable[[llm.ChatContext], None] | None = None
    """Lets a context, a copy that has no frames yet, tell who said what."""
    guard: Callable[[Answer, int], Answer] | None = None
    """Passes on the pieces of an answer in the given turn, or others in their place."""
    may_ask: Callable[[], bool] | None = None
    """Tells whether the model may be asked; where it may not, people are told so."""


class VideoAgent(Agent):
    """An agent with eyes: a session id, the frames it keeps, and a log of what it asked the model."""

    def __init__(
        self,
        *,
        session_id: str,
        instructions: str,
        frames: FrameFeed,
        requests: RequestLog,
        conversation: Conversation,
        tools: Sequence[llm.Tool] = (),
        hooks: RequestHooks | None = None,
        recognition: RecognitionSwitch | None = None,
    ) -> None:
        super().__init__(instructions=instructions, tools=list(tools))
        self.session_id = session_id
        self._frames = frames
        self._requests = requests
        self._conversation = conversation
        self._hooks = hooks or RequestHooks()
        self._recognition = recognition or RecognitionSwitch()
        self._asked: str | None = None

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent, None]:
        """Recognise speech while it may be."""
        recognised = self._recognition.run(
            audio, lambda sound: Agent.default.stt_node(self, sound, model_settings)
        )
        async with aclosing(recognised) as events:
            async for event in events:
                yield event

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any, None]:
        """Ask the model with the last kept frames, on a copy of the context.

        The context that is passed in goes on to the next step of the same turn, so it is never changed.
        """
        if self._hooks.may_ask is not None and not self._hooks.may_ask():
            yield NOT_ASKED
            return
        turn = self._conversation.begin_request()
        question = _find_question(chat_ctx)
        self._begin_step(question)
        find = self._hooks.find_material
        material = await find(turn, (question and question.text_content) or "") if find else ()
        # The frames are chosen only now, so that the model sees what is there when it is asked.
        answer = self._ask(chat_ctx, material, turn, tools, model_settings)
        guarded = self._hooks.guard(answer, turn) if self._hooks.guard else answer
        async with aclosing(answer), aclosing(guarded):
            async for chunk in guarded:
                yield chunk

    def _begin_step(self, question: llm.ChatMessage | None) -> None:
        """Forget what was looked at for an earlier question; the steps of one answer have the same one."""
        asked = question.id if question is not None else None
        if asked != self._asked:
            self._frames.forget_looked()
        self._asked = asked

    async def _ask(
        self,
        chat_ctx: llm.ChatContext,
        material: Sequence[llm.ChatMessage],
        turn: int,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> AsyncGenerator[Any, None]:
        """Make one request, and log it however it ends."""
        attachment = self._frames.attach()
        said = chat_ctx.copy()
        if self._hooks.name_speakers is not None:
            self._hooks.name_speakers(said)
        context = attach_frames(said, attachment, self._frames.policy.detail, material)
        request = self._requests.begin(attachment, turn=turn, text=text_of(context))
        try:
            with track_performance(
                logger, "vision_api_call", slow_ms=SLOW_ANSWER_MS, frames=len(attachment.frames)
            ):
                async with aclosing(Agent.default.llm_node(self, context, tools, model_settings)) as chunks:
                    async for chunk in chunks:
                        request.read(chunk)
                        yield chunk
            request.outcome = "done"
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except Exception:
            # Any vendor error ends this request; the session decides whether to try again.
            request.outcome = "failed" if request.usage is None else "done"
            raise
        finally:
            self._requests.end(request)


def attach_frames(
    chat_ctx: llm.ChatContext,
    attachment: Attachment,
    detail: str,
    material: Sequence[llm.ChatMessage] = (),
) -> llm.ChatContext:
    """Return a copy of the context with `material` and the frames before the last thing a person said.

    One labelled message a frame, because OpenAI's format puts all images of a message before its text. The
    last is what the model has asked to look at closely; it does not come after the tool's result, because
    models take what follows that for a new question.
    """
    context = chat_ctx.copy()
    frames, now_us = attachment.frames, attachment.now_us
    labels = label_frames([_age_s(now_us, frame.t_us) for frame in frames])
    messages = [
        _show(frame.id, frame.jpeg, attachment.detail or detail, label)
        for frame, label in zip(frames, labels, strict=True)
    ]
    messages += [
        _show(one.id, one.jpeg, one.detail, LOOKED_LABEL.format(age_s=_age_s(now_us, one.t_us)))
        for one in attachment.looked
    ]
    question = _find_question(context)
    place = next((n for n, item in enumerate(context.items) if item is question), len(context.items))
    context.items[place:place] = [*material, *messages]
    return context


def text_of(context: llm.ChatContext) -> str:
    """Return all text that a context sends, for estimating its tokens."""
    return "\n".join(message.text_content or "" for message in context.messages())


def _find_question(context: llm.ChatContext) -> llm.ChatMessage | None:
    """Return the last thing that a person said."""
    said = (item for item in reversed(context.items) if item.type == "message" and item.role == "user")
    return next(said, None)


def _age_s(now_us: int, t_us: int) -> float:
    return max(0, now_us - t_us) / 1_000_000


def _show(name: str, jpeg: bytes, detail: str, label: str) -> llm.ChatMessage:
    image = llm.ImageContent(
        id=name, image="data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    )
    # livekit-agents types three details and sends whatever it is given; models know more of them.
    image.inference_detail = cast("Any", detail)
    return llm.ChatMessage(role="user", content=[image, label])
