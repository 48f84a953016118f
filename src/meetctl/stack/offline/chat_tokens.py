"""How many tokens a request and its answer are taken for.

Text is estimated: a token for each 4 characters begun, OpenAI's own rule of thumb
(https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them), and 3 tokens around each
message and 3 before the answer, as OpenAI's cookbook counts them
(https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken). Images are counted exactly, by the
price book's rule for the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.domain.vision_tokens import image_tokens
from meetctl.errors import UnknownModelError, UsageError
from meetctl.stack.offline.chat_request import InvalidRequestError

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.ports import PriceBook
    from meetctl.stack.offline.chat_request import ChatRequest

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 3
TOKENS_BEFORE_ANSWER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTokens:
    """What a request is billed as."""

    text: int
    images: int

    @property
    def total(self) -> int:
        """OpenAI's `prompt_tokens`."""
        return self.text + self.images


def text_tokens(text: str) -> int:
    """Estimate a text's tokens.

    >>> text_tokens(""), text_tokens("meet"), text_tokens("meeting")
    (0, 1, 2)
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest, book: PriceBook, at: datetime) -> PromptTokens:
    """Count a request at `at`.

    Raises:
        InvalidRequestError: No rule covers the model of images, or it refuses their detail or size.
    """
    texts = sum(TOKENS_PER_MESSAGE + sum(map(text_tokens, message.texts)) for message in request.messages)
    return PromptTokens(
        text=texts + text_tokens(request.tools_text) + TOKENS_BEFORE_ANSWER,
        images=_image_tokens(request, book, at) if request.images else 0,
    )


def _image_tokens(request: ChatRequest, book: PriceBook, at: datetime) -> int:
    try:
        rule = book.image_rule(request.model, at)
        return sum(
            image_tokens(rule, image.picture.width, image.picture.height, image.detail)
            for image in request.images
        )
    except UnknownModelError as error:
        raise InvalidRequestError(
            f"The model `{request.model}` does not exist or takes no images: {error.message}",
            param="model",
            code="model_not_found",
        ) from error
    except UsageError as error:
        raise InvalidRequestError(error.message, param="messages", code="invalid_value") from error
