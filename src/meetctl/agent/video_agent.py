"""The agent that sees: each request takes the last kept frames, labelled, and nothing of them stays."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, cast

from livekit.agents import Agent, ModelSettings, llm

from meetctl.domain.labels import label_frames

if TYPE_CHECKING:
    from meetctl.agent.conversation import Conversation
    from meetctl.agent.frame_feed import Attachment, FrameFeed
    from meetctl.agent.requests import RequestLog
    from meetctl.domain.frame_buffer import KeptFrame


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
    ) -> None:
        super().__init__(instructions=instructions)
        self.session_id = session_id
        self._frames = frames
        self._requests = requests
        self._conversation = conversation

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any, None]:
        """Ask the model with the last kept frames, on a copy of the context.

        The context that is passed in goes on to the next step of the same turn, so it is never changed.
        """
        attachment = self._frames.attach()
        context = attach_frames(chat_ctx, attachment, self._frames.policy.detail)
        turn = self._conversation.begin_request()
        request = self._requests.begin(attachment, turn=turn, text=text_of(context))
        try:
            async for chunk in Agent.default.llm_node(self, context, tools, model_settings):
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


def attach_frames(chat_ctx: llm.ChatContext, attachment: Attachment, detail: str) -> llm.ChatContext:
    """Return a copy of the context with one labelled message a frame, before the last thing a person said.

    One message a frame, because OpenAI's format puts all images of a message before its text.
    """
    context = chat_ctx.copy()
    frames = attachment.frames
    labels = label_frames([max(0, attachment.now_us - frame.t_us) / 1_000_000 for frame in frames])
    messages = [
        llm.ChatMessage(role="user", content=[_image(frame, detail), label])
        for frame, label in zip(frames, labels, strict=True)
    ]
    last_said = max(
        (place for place, item in enumerate(context.items) if item.type == "message" and item.role == "user"),
        default=len(context.items),
    )
    context.items[last_said:last_said] = messages
    return context


def text_of(context: llm.ChatContext) -> str:
    """Return all text that a context sends, for estimating its tokens."""
    return "\n".join(message.text_content or "" for message in context.messages())


def _image(frame: KeptFrame, detail: str) -> llm.ImageContent:
    image = llm.ImageContent(
        id=frame.id, image="data:image/jpeg;base64," + base64.b64encode(frame.jpeg).decode("ascii")
    )
    # livekit-agents types three details and sends whatever it is given; models know more of them.
    image.inference_detail = cast("Any", detail)
    return image
