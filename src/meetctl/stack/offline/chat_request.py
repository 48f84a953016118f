"""What a client of OpenAI's chat completions sent, read strictly.

The fields are those of https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meetctl.errors import MeetctlError
from meetctl.stack.offline.pictures import Picture, open_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class InvalidRequestError(MeetctlError):
    """A request that OpenAI would refuse; `param` names the field and `code` the reason, where it has one."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SentImage:
    """One image of a message, with the text that stands next to it."""

    picture: Picture
    detail: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message: its texts and images in the order in which they were sent."""

    role: str
    texts: tuple[str, ...]
    images: tuple[SentImage, ...] = ()

    @property
    def text(self) -> str:
        """All texts as one."""
        return " ".join(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A whole request."""

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...]
    tools_text: str
    """The tools as they were sent, for counting tokens."""
    tool_choice: str
    """"auto", "none", "required", or the name of the tool that must be called."""
    is_streamed: bool
    with_usage: bool
    """Whether a stream ends with its usage."""

    @property
    def images(self) -> tuple[SentImage, ...]:
        """Every image, in the order in which they were sent."""
        return tuple(image for message in self.messages for image in message.images)

    @property
    def question(self) -> str:
        """The last thing a person said: the last user's text that stands by no image, or ""."""
        said = (message for message in reversed(self.messages) if message.role == "user")
        return next((message.text for message in said if message.text and not message.images), "")


def read_chat_request(body: object) -> ChatRequest:
    """Read a request; images are opened, so that their real sizes are known.

    Raises:
        InvalidRequestError: Something is missing or wrong; the message names it.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("The JSON body of a request must be an object.")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("you must provide a model parameter", param="model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("'messages' must be an array of at least one message.", param="messages")
    tools = body.get("tools") or []
    options = body.get("stream_options") or {}
    return ChatRequest(
        model=model,
        messages=tuple(_read_message(message, f"messages[{i}]") for i, message in enumerate(messages)),
        tools=_read_tools(tools),
        tools_text=str(tools) if tools else "",
        tool_choice=_read_tool_choice(body.get("tool_choice")),
        is_streamed=body.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _read_message(message: object, where: str) -> ChatMessage:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise InvalidRequestError(
            f"'{where}.role' must be one of {', '.join(ROLES)}.", param=f"{where}.role", code="invalid_value"
        )
    role = str(message["role"])
    if role == "tool" and not message.get("tool_call_id"):
        raise InvalidRequestError(
            f"Missing required parameter: '{where}.tool_call_id'.",
            param=f"{where}.tool_call_id",
            code="missing_required_parameter",
        )
    content = message.get("content")
    if isinstance(content, str):
        return ChatMessage(role=role, texts=(content,) if content else ())
    if content is None and (role == "assistant" or "function_call" in message):
        return ChatMessage(role=role, texts=())
    if not isinstance(content, list):
        raise InvalidRequestError(
            f"Invalid type for '{where}.content': expected a string or an array of parts.",
            param=f"{where}.content",
            code="invalid_type",
        )
    return _read_parts(role, content, f"{where}.content")


def _read_parts(role: str, parts: list[object], where: str) -> ChatMessage:
    texts: list[str] = []
    images: list[tuple[int, Picture, str]] = []
    by_place: dict[int, str] = {}
    for place, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(part, dict) and kind in ("text", "refusal") and isinstance(part.get(kind), str):
            by_place[place] = part[kind]
            texts.append(part[kind])
        elif isinstance(part, dict) and kind == "image_url" and role == "user":
            picture, detail = _read_image(part.get("image_url"), f"{where}[{place}].image_url")
            images.append((place, picture, detail))
        else:
            raise InvalidRequestError(
                f"Invalid value: {kind!r} at '{where}[{place}]'. A {role} message takes "
                + ("'text' and 'image_url' parts." if role == "user" else "'text' parts."),
                param=f"{where}[{place}]",
                code="invalid_value",
            )
    return ChatMessage(
        role=role,
        texts=tuple(texts),
        images=tuple(
            SentImage(
                picture=picture, detail=detail, label=by_place.get(place + 1) or by_place.get(place - 1, "")
            )
            for place, picture, detail in images
        ),
    )


def _read_image(image: object, where: str) -> tuple[Picture, str]:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(image, dict) or not isinstance(url, str):
        raise InvalidRequestError(
            f"Missing required parameter: '{where}.url'.", param=where, code="missing_required_parameter"
        )
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        raise InvalidRequestError(
            "The offline model downloads nothing: send images as data:image/…;base64 URLs.",
            param=f"{where}.url",
            code="invalid_image_url",
        )
    try:
        picture = open_picture(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(
            "You uploaded an unsupported image: it cannot be decoded.",
            param=f"{where}.url",
            code="invalid_image_format",
        ) from error
    return picture, str(image.get("detail") or "auto")


def _read_tools(tools: object) -> tuple[Tool, ...]:
    if not isinstance(tools, list):
        raise InvalidRequestError("'tools' must be an array.", param="tools", code="invalid_type")
    read = []
    for i, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise InvalidRequestError(
                f"Missing required parameter: 'tools[{i}].function.name'.",
                param=f"tools[{i}].function.name",
                code="missing_required_parameter",
            )
        read.append(
            Tool(
                name=function["name"],
                description=str(function.get("description") or ""),
                parameters=function.get("parameters") or {},
            )
        )
    return tuple(read)


def _read_tool_choice(choice: object) -> str:
    if choice is None:
        return "auto"
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return str(choice["function"].get("name", "auto"))
    return str(choice)
