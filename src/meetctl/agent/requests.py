"""One request to the model: its frames, its usage, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from meetctl.domain.session_cost import estimate_text_tokens, image_share
from meetctl.domain.vision_tokens import image_tokens
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from livekit.agents import llm

    from meetctl.agent.frame_feed import Attachment
    from meetctl.agent.usage import UsageMeter
    from meetctl.core.config import ProviderAccess
    from meetctl.domain.policy import Policy
    from meetctl.domain.vision_tokens import ImageRule

logger = logging.getLogger(__name__)

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
    has_begun: bool = False
    """Whether any of the answer has come: from then on the provider bills it, however it ends."""
    answer: list[str] = field(default_factory=list)
    """The answer's text, as far as it came."""

    def read(self, chunk: object) -> None:
        """Note what a chunk of the answer says."""
        self.has_begun = True
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

    def __init__(
        self,
        usage: UsageMeter,
        provider: ProviderAccess,
        policy: Policy,
        rule: ImageRule,
        *,
        answered_by: Callable[[], ProviderAccess] | None = None,
        rules: Mapping[ProviderAccess, ImageRule] = MappingProxyType({}),
    ) -> None:
        """Count by `rule`, and have `provider` bill it.

        Where another model may answer instead, `answered_by` tells who has served the last request, and
        `rules` has the rules of all that differ. The policy is the one that the session begins with.
        """
        self._usage = usage
        self._policy = policy
        self._rule = rule
        self._answered_by = answered_by or (lambda: provider)
        self._rules = rules
        self._count = 0

    def begin(self, attachment: Attachment, *, turn: int | None, text: str) -> ModelRequest:
        """Start a request that sends `text` and the attached frames."""
        self._count += 1
        return ModelRequest(
            number=self._count, turn=turn, attachment=attachment, text_tokens=estimate_text_tokens(text)
        )

    def end(self, request: ModelRequest) -> None:
        """Write what became of a request."""
        provider = self._answered_by()
        by_rule = self._count_images(request.attachment, self._rules.get(provider, self._rule))
        fields = {
            "turn": request.turn,
            "request": f"request-{request.number:03d}",
            **self._describe_images(request.attachment),
            **_describe_tokens(request, by_rule),
            "outcome": request.outcome,
        }
        if request.outcome == "failed" and request.has_begun:
            fields["billed"] = True
        self._usage.record(
            "llm.request",
            provider,
            fields,
            image_tokens=by_rule,
            t_us=request.attachment.now_us,
        )

    def _count_images(self, attachment: Attachment, rule: ImageRule) -> int:
        """Return the tokens of all images, each in its own size and detail."""
        detail = attachment.detail or self._policy.detail
        sent = [(frame.sent_width, frame.sent_height, detail) for frame in attachment.frames]
        sent += [(looked.width, looked.height, looked.detail) for looked in attachment.looked]
        try:
            return sum(image_tokens(rule, *image) for image in sent)
        except UsageError as error:
            # A provider refuses the request whose image it does not take; what became of it is told anyway.
            logger.warning("a request's images were not counted: %s", error.message)
            return 0

    def _describe_images(self, attachment: Attachment) -> dict[str, Any]:
        newest = attachment.frames[-1] if attachment.frames else None
        fields: dict[str, Any] = {
            "images": [frame.id for frame in attachment.frames],
            "as_of_us": attachment.as_of_us,
            "width": newest.sent_width if newest else None,
            "height": newest.sent_height if newest else None,
            "detail": attachment.detail or self._policy.detail,
        }
        if attachment.looked:
            fields["looked"] = [looked.id for looked in attachment.looked]
        return fields


def _describe_tokens(request: ModelRequest, by_rule: int) -> dict[str, Any]:
    """Return the tokens as reported, or estimated where nothing was."""
    reported = request.usage
    images, basis = image_share(reported.prompt_tokens if reported else None, by_rule, request.text_tokens)
    return {
        "image_tokens": by_rule,
        "image_tokens_reconciled": images,
        "image_basis": basis,
        "input_tokens": reported.prompt_tokens if reported else by_rule + request.text_tokens,
        "cached_input_tokens": reported.prompt_cached_tokens if reported else 0,
        "output_tokens": (
            reported.completion_tokens if reported else estimate_text_tokens("".join(request.answer))
        ),
        "service_tier": reported.service_tier if reported else None,
        "basis": "reported" if reported else "estimated",
    }
