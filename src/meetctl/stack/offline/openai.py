"""OpenAI's HTTP API: models, chat completions, transcriptions and embeddings.

Shapes: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import TYPE_CHECKING, Any

from aiohttp import web

from meetctl.errors import MediaError
from meetctl.stack.offline import embedding
from meetctl.stack.offline.answers import make_answer
from meetctl.stack.offline.audio import decode_sound
from meetctl.stack.offline.chat_request import InvalidRequestError, read_chat_request
from meetctl.stack.offline.chat_stream import ChatAnswer, answer_document, stream_chunks
from meetctl.stack.offline.chat_tokens import prompt_tokens, text_tokens
from meetctl.stack.offline.connections import STATUS_TEXTS, ProtocolError, has_bearer, new_id, read_json
from meetctl.stack.offline.recognition import RECOGNITION_RATE
from meetctl.stack.offline.tool_calls import choose_tool, make_arguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meetctl.stack.offline.chat_request import ChatRequest
    from meetctl.stack.offline.chat_tokens import PromptTokens
    from meetctl.stack.offline.faults import Disturbance
    from meetctl.stack.offline.services import OfflineServices

    Answer = Callable[[web.Request, Disturbance], Awaitable[web.StreamResponse]]

MODELS = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-4o-mini-transcribe", embedding.MODEL)
"""What GET /v1/models lists; any other name is answered too."""
WORD_DELAY_S = 0.02
"""Time between two words of a streamed answer."""


class OpenAI:
    """The routes under /v1 of OpenAI's API."""

    def __init__(self, services: OfflineServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/v1/models", self._list_models),
            web.post("/v1/chat/completions", self._answering(self._chat)),
            web.post("/v1/audio/transcriptions", self._answering(self._transcribe)),
            web.post("/v1/embeddings", self._answering(self._embed)),
        ]

    async def _list_models(self, request: web.Request) -> web.Response:
        if not has_bearer(request):
            return _refuse_key()
        created = int(self._services.clock.now().timestamp())
        rows = [
            {"id": name, "object": "model", "created": created, "owned_by": "meetctl-offline"}
            for name in MODELS
        ]
        return web.json_response({"object": "list", "data": rows})

    def _answering(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap what answers a request in what all do: the key, faults, and errors in OpenAI's shape."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not has_bearer(request):
                return _refuse_key()
            disturbance = self._services.faults.draw("openai")
            if disturbance.status is not None:
                self._services.meter.add("openai", "refused", requests=1)
                return _refuse_by_fault(disturbance)
            await disturbance.before_answer()
            try:
                return await answer(request, disturbance)
            except InvalidRequestError as error:
                status = 404 if error.code == "model_not_found" else 400
                return error_response(status, error.message, param=error.param, code=error.code)
            except (ProtocolError, MediaError) as error:
                return error_response(400, f"{error.message}.")

        return handle

    async def _chat(self, request: web.Request, disturbance: Disturbance) -> web.StreamResponse:
        chat = read_chat_request(await read_json(request))
        now = self._services.clock.now()
        prompt = prompt_tokens(chat, self._services.book, now)
        try:
            decision = await asyncio.to_thread(_decide, chat)
        except ValueError as error:
            raise InvalidRequestError("An image is cut off.", code="invalid_image_format") from error
        self._count_prompt(chat, prompt)
        answer = ChatAnswer(
            id=new_id("chatcmpl-"),
            created_s=int(now.timestamp()),
            model=chat.model,
            prompt=prompt,
            **decision,
        )
        if chat.is_streamed:
            return await self._stream(request, answer, chat.with_usage, disturbance)
        await disturbance.before_piece()
        await disturbance.before_piece()
        self._services.meter.add("openai", "chat", completion_tokens=answer.completion_tokens)
        return web.json_response(answer_document(answer))

    def _count_prompt(self, chat: ChatRequest, prompt: PromptTokens) -> None:
        self._services.meter.add(
            "openai",
            "chat",
            requests=1,
            images=len(chat.images),
            prompt_tokens=prompt.total,
            image_tokens=prompt.images,
        )

    async def _stream(
        self, request: web.Request, answer: ChatAnswer, with_usage: bool, disturbance: Disturbance
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        sent = ""
        try:
            for text, chunk in stream_chunks(answer, with_usage=with_usage):
                await disturbance.before_piece()
                await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
                sent += text
                if text:
                    await asyncio.sleep(WORD_DELAY_S)
        finally:
            # What an interrupted answer has cost by then, its client is never told.
            self._services.meter.add("openai", "chat", completion_tokens=text_tokens(sent))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _transcribe(self, request: web.Request, disturbance: Disturbance) -> web.Response:
        if request.content_type != "multipart/form-data":
            raise ProtocolError("the body of the request is no multipart form")
        fields = await request.post()
        file = fields.get("file")
        if not isinstance(file, web.FileField):
            raise InvalidRequestError("Missing required parameter: 'file'.", param="file")
        samples = decode_sound(file.file.read(), RECOGNITION_RATE)
        self._services.meter.add("openai", "transcription", requests=1)
        self._services.meter.add_sound("openai", "transcription", len(samples), RECOGNITION_RATE)
        transcript = await self._services.ears.transcribe(samples)
        text = transcript.text(punctuated=True)
        await disturbance.before_piece()
        await disturbance.before_piece()
        seconds = len(samples) / RECOGNITION_RATE
        if fields.get("response_format") == "text":
            return web.Response(text=f"{text}\n")
        document: dict[str, Any] = {"text": text, "usage": {"type": "duration", "seconds": round(seconds)}}
        if fields.get("response_format") == "verbose_json":
            document |= {"task": "transcribe", "language": "english", "duration": seconds, "segments": []}
        return web.json_response(document)

    async def _embed(self, request: web.Request, disturbance: Disturbance) -> web.Response:
        body = await read_json(request)
        texts, dimensions, as_base64 = _read_embedding_request(body)
        tokens = sum(map(text_tokens, texts))
        self._services.meter.add("openai", "embedding", requests=1, prompt_tokens=tokens)
        vectors = [embedding.embed(text, dimensions) for text in texts]
        await disturbance.before_piece()
        await disturbance.before_piece()
        return web.json_response(
            {
                "object": "list",
                "model": embedding.MODEL,
                "data": [
                    {
                        "object": "embedding",
                        "index": index,
                        "embedding": _pack(vector) if as_base64 else vector,
                    }
                    for index, vector in enumerate(vectors)
                ],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )


def error_response(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Return an error as OpenAI's API shapes it."""
    document = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return web.json_response(document, status=status, headers=headers)


def _refuse_key() -> web.Response:
    return error_response(
        401,
        "You didn't provide an API key. The offline provider takes any, as Authorization: Bearer KEY.",
        code="invalid_api_key",
    )


def _refuse_by_fault(disturbance: Disturbance) -> web.Response:
    status = disturbance.status or 500
    is_limit = status == 429
    return error_response(
        status,
        STATUS_TEXTS[status],
        kind="requests" if is_limit else "server_error",
        code="rate_limit_exceeded" if is_limit else None,
        headers=disturbance.headers,
    )


def _decide(chat: ChatRequest) -> dict[str, Any]:
    """Return the answer's text, or the called tool and its arguments; comparing images takes a while."""
    tool = choose_tool(chat)
    if tool is None:
        return {"text": make_answer(chat)}
    return {"tool": tool.name, "arguments": json.dumps(make_arguments(tool, chat.question))}


def _read_embedding_request(body: object) -> tuple[list[str], int, bool]:
    if not isinstance(body, dict):
        raise InvalidRequestError("The JSON body of a request must be an object.")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise InvalidRequestError("'input' must be a text or an array of texts.", param="input")
    dimensions = body.get("dimensions", embedding.DIMENSIONS)
    if not isinstance(dimensions, int) or not 1 <= dimensions <= embedding.DIMENSIONS:
        raise InvalidRequestError(
            f"'dimensions' must be 1 to {embedding.DIMENSIONS}.", param="dimensions", code="invalid_value"
        )
    return texts, dimensions, body.get("encoding_format") == "base64"


def _pack(vector: list[float]) -> str:
    """Pack a vector as OpenAI's client wants it by default: little-endian 32-bit floats in Base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
