"""One request to the model: its frames, its usage, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from meetctl.domain.session_cost import estimate_text_tokens, image_share
from meetctl.domain.vision_tokens import image_tokens

if TYPE_CHECKING:
    from livekit.agents import llm

    from meetctl.agent.frame_feed import Attachment
    from meetctl.agent.usage import UsageMeter
    from meetctl.core.config import ProviderAccess
    from meetctl.domain.policy import Policy
    from meetctl.domain.vision_tokens import ImageRule

Outcome = Literal["done", "cancelled", "failed"]


@dataclass(slots=True, kw_only=True)
class ModelRequest:
    """One request under way."""

    number: int
    turn: int | None
    attachment: Attachment
    text_tokens: int
    """Estimated tokens of the text that was sent."""
    outcome: Outcome = "cancelled"
    """What is true unless somebody says otherwise: the request was cut off."""
    usage: llm.CompletionUsage | None = None
    """What the provider reported; a request that is cut off reports nothing, and is billed nevertheless."""
    answer: list[str] = field(default_factory=list)
    """The answer's text, as far as it came."""

    def read(self, chunk: object) -> None:
        """Note what a chunk of the answer says."""
        if isinstance(chunk, str):
            self.answer.append(chunk)
            return
        delta = getattr(chunk, "delta", None)
        if delta is not None and delta.content:
            self.answer.append(delta.content)
        usage: llm.CompletionUsage | None = getattr(chunk, "usage", None)
        if usage is not None:
            self.usage = usage


class RequestLog:
    """Writes an event for each request, with its tokens as reported, or estimated where nothing was."""

    def __init__(self, usage: UsageMeter, provider: ProviderAccess, policy: Policy, rule: ImageRule) -> None:
        self._usage = usage
        self._provider = provider
        self._policy = policy
        self._rule = rule
        self._count = 0

    def begin(self, attachment: Attachment, *, turn: int | None, text: str) -> ModelRequest:
        """Start a request that sends `text` and the attached frames."""
        self._count += 1
        return ModelRequest(
            number=self._count, turn=turn, attachment=attachment, text_tokens=estimate_text_tokens(text)
        )

    def end(self, request: ModelRequest) -> None:
        """Write what became of a request."""
        frames = request.attachment.frames
        by_rule = sum(
            image_tokens(self._rule, frame.sent_width, frame.sent_height, self._policy.detail)
            for frame in frames
        )
        reported = request.usage
        prompt_tokens = reported.prompt_tokens if reported else None
        images, image_basis = image_share(prompt_tokens, by_rule, request.text_tokens)
        newest = frames[-1] if frames else None
        fields: dict[str, Any] = {
            "turn": request.turn,
            "request": f"request-{request.number:03d}",
            "images": [frame.id for frame in frames],
            "as_of_us": request.attachment.as_of_us,
            "width": newest.sent_width if newest else None,
            "height": newest.sent_height if newest else None,
            "detail": self._policy.detail,
            "image_tokens": by_rule,
            "image_tokens_reconciled": images,
            "image_basis": image_basis,
            "input_tokens": reported.prompt_tokens if reported else by_rule + request.text_tokens,
            "cached_input_tokens": reported.prompt_cached_tokens if reported else 0,
            "output_tokens": (
                reported.completion_tokens if reported else estimate_text_tokens("".join(request.answer))
            ),
            "service_tier": reported.service_tier if reported else None,
            "basis": "reported" if reported else "estimated",
            "outcome": request.outcome,
        }
        self._usage.record(
            "llm.request",
            self._provider,
            fields,
            image_tokens=by_rule,
            t_us=request.attachment.now_us,
        )
