"""Cartesia's speech API: contexts over a WebSocket, and bytes by POST.

Shapes: https://docs.cartesia.ai/api-reference/tts/websocket and
https://docs.cartesia.ai/api-reference/tts/bytes, errors: https://docs.cartesia.ai/use-the-api/api-errors
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aiohttp import web

from meetctl.errors import MeetctlError
from meetctl.stack.offline.connections import (
    STATUS_TEXTS,
    ProtocolError,
    drop,
    is_data,
    new_id,
    read_json,
    read_message,
)
from meetctl.stack.offline.faults import DroppedConnectionError
from meetctl.stack.offline.narrator import pick_voice
from meetctl.stack.offline.sentences import SentenceBuffer
from meetctl.stack.offline.speech_chunks import cut_chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from meetctl.stack.offline.faults import Disturbance
    from meetctl.stack.offline.narrator import SpokenSentence
    from meetctl.stack.offline.services import OfflineServices

ENCODINGS = {"pcm_s16le": "<i2", "pcm_f32le": "<f4"}
SPEEDS = {"slow": 0.8, "normal": 1.0, "fast": 1.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechOptions:
    """How a text is to be spoken."""

    voice: str
    """espeak-ng's voice."""
    sample_rate: int
    encoding: str
    speed: float
    with_timestamps: bool


class Cartesia:
    """The routes under /tts."""

    def __init__(self, services: OfflineServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [web.get("/tts/websocket", self._connect), web.post("/tts/bytes", self._send_bytes)]

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if not _has_key(request):
            return _refuse_key()
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        self._services.meter.add("cartesia", "websocket", connections=1)
        socket = CartesiaSocket(request, websocket, self._services)
        await socket.run()
        return websocket

    async def _send_bytes(self, request: web.Request) -> web.StreamResponse:
        if not _has_key(request):
            return _refuse_key()
        disturbance = self._services.faults.draw("cartesia")
        if disturbance.status is not None:
            self._services.meter.add("cartesia", "refused", requests=1)
            return web.Response(
                status=disturbance.status, text=STATUS_TEXTS[disturbance.status], headers=disturbance.headers
            )
        try:
            body = await read_json(request)
            options, text = _read_request(body)
        except ProtocolError as error:
            return web.Response(status=400, text=f"Invalid request: {error.message}")
        await disturbance.before_answer()
        self._services.meter.add("cartesia", "bytes", requests=1, characters=len(text))
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        async for sentence in narrate(self._services, options, text):
            for chunk in cut_chunks(sentence):
                await disturbance.before_piece()
                await response.write(encode(chunk, options.encoding))
                self._services.meter.add_sound("cartesia", "bytes", len(chunk), options.sample_rate)
        await disturbance.before_piece()
        await response.write_eof()
        return response


class CartesiaSocket:
    """One connection: several contexts, each of which speaks its texts in their order."""

    def __init__(
        self, request: web.Request, websocket: web.WebSocketResponse, services: OfflineServices
    ) -> None:
        self._request = request
        self._websocket = websocket
        self._services = services
        self._contexts: dict[str, asyncio.Queue[Mapping[str, Any]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the client closes; what is still being spoken then is given up."""
        try:
            async for message in self._websocket:
                if is_data(message.type):
                    await self._receive(message.data)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _receive(self, data: str) -> None:
        context_id = None
        try:
            message = read_message(data)
            context_id = message.get("context_id")
            if not isinstance(context_id, str) or not context_id:
                raise ProtocolError("context_id is missing")
        except ProtocolError as error:
            await self._send_error(None, 400, "Invalid request", error.message)
            return
        if message.get("cancel"):
            task = self._tasks.pop(context_id, None)
            self._contexts.pop(context_id, None)
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return
        if context_id not in self._contexts:
            self._contexts[context_id] = asyncio.Queue()
            self._tasks[context_id] = asyncio.create_task(self._guard(context_id))
        self._contexts[context_id].put_nowait(message)

    async def _guard(self, context_id: str) -> None:
        """Speak a context, and turn what goes wrong into what the client sees of it."""
        try:
            await self._speak(context_id, self._services.faults.draw("cartesia"))
        except DroppedConnectionError:
            drop(self._request)
        except ConnectionResetError:
            # The client has gone; its socket ends the loop in `run`.
            return
        except MeetctlError as error:
            await self._send_error(context_id, 400, "Invalid request", error.message)
        finally:
            # An identifier may be used again; its next message then begins a new context.
            self._contexts.pop(context_id, None)
            self._tasks.pop(context_id, None)

    async def _speak(self, context_id: str, disturbance: Disturbance) -> None:
        queue = self._contexts[context_id]
        buffer = SentenceBuffer()
        spoken_s = 0.0
        flushes = 0
        is_first = True
        self._services.meter.add("cartesia", "websocket", contexts=1)
        while True:
            message = await queue.get()
            if disturbance.status is not None:
                self._services.meter.add("cartesia", "refused", requests=1)
                await self._send_error(
                    context_id, disturbance.status, "Refused", STATUS_TEXTS[disturbance.status]
                )
                if not message.get("continue"):
                    return
                continue
            options, text = _read_request(message)
            if is_first:
                await disturbance.before_answer()
                is_first = False
            self._services.meter.add("cartesia", "websocket", requests=1, characters=len(text))
            is_last = not message.get("continue")
            buffer.push(text)
            # A client that wants no buffering sends whole sentences.
            at_once = is_last or bool(message.get("flush")) or message.get("max_buffer_delay_ms") == 0
            async for sentence in narrate(self._services, options, buffer.take(everything=at_once)):
                await self._send_sentence(context_id, sentence, spoken_s, options, disturbance)
                spoken_s += sentence.duration_s
            if message.get("flush"):
                flushes += 1
                await self._send(
                    context_id, "flush_done", done=False, status_code=206, flush_done=True, flush_id=flushes
                )
            if is_last:
                await disturbance.before_piece()
                await self._send(context_id, "done", done=True, status_code=200)
                return

    async def _send_sentence(
        self,
        context_id: str,
        sentence: SpokenSentence,
        start_s: float,
        options: SpeechOptions,
        disturbance: Disturbance,
    ) -> None:
        if options.with_timestamps:
            timestamps = {
                "words": [word.text for word in sentence.words],
                "start": [round(start_s + word.start_s, 3) for word in sentence.words],
                "end": [round(start_s + word.end_s, 3) for word in sentence.words],
            }
            await self._send(
                context_id, "timestamps", done=False, status_code=206, word_timestamps=timestamps
            )
        for chunk in cut_chunks(sentence):
            await disturbance.before_piece()
            data = base64.b64encode(encode(chunk, options.encoding)).decode()
            await self._send(context_id, "chunk", done=False, status_code=206, step_time=0, data=data)
            self._services.meter.add_sound("cartesia", "websocket", len(chunk), options.sample_rate)

    async def _send(self, context_id: str, kind: str, **fields: Any) -> None:
        await self._websocket.send_json({"type": kind, "context_id": context_id, **fields})

    async def _send_error(self, context_id: str | None, status: int, title: str, message: str) -> None:
        fields = {"context_id": context_id} if context_id else {}
        await self._websocket.send_json(
            {
                "type": "error",
                "done": True,
                "status_code": status,
                "title": title,
                "message": message,
                "error": f"{title}: {message}",
                "error_code": None,
                "request_id": new_id(),
                **fields,
            }
        )


async def narrate(
    services: OfflineServices, options: SpeechOptions, text: str
) -> AsyncIterator[SpokenSentence]:
    """Speak a text as the options ask for."""
    async for sentence in services.narrator.narrate(
        text, voice=options.voice, sample_rate=options.sample_rate, speed=options.speed
    ):
        yield sentence


def encode(samples: np.ndarray[Any, np.dtype[np.int16]], encoding: str) -> bytes:
    """Return samples as raw bytes in one of `ENCODINGS`."""
    if encoding == "pcm_f32le":
        return (samples.astype(np.float32) / 32768).astype(ENCODINGS[encoding]).tobytes()
    return samples.astype(ENCODINGS[encoding]).tobytes()


def _read_request(message: object) -> tuple[SpeechOptions, str]:
    if not isinstance(message, dict):
        raise ProtocolError("a request must be a JSON object")
    text, output = message.get("transcript"), message.get("output_format")
    if not isinstance(text, str):
        raise ProtocolError("transcript is missing")
    if not message.get("model_id"):
        raise ProtocolError("model_id is missing")
    if not isinstance(output, dict) or output.get("container", "raw") != "raw":
        raise ProtocolError("output_format must have the container raw")
    if output.get("encoding") not in ENCODINGS:
        raise ProtocolError(f"output_format.encoding must be one of {', '.join(ENCODINGS)}")
    sample_rate = output.get("sample_rate")
    if not isinstance(sample_rate, int) or not 8000 <= sample_rate <= 48000:
        raise ProtocolError("output_format.sample_rate must be 8000 to 48000")
    voice = message.get("voice") or {}
    settings = message.get("generation_config") or {}
    speed = settings.get("speed") or message.get("speed") or 1.0
    options = SpeechOptions(
        voice=pick_voice(str(voice.get("id", "")), str(message.get("language") or "en")),
        sample_rate=sample_rate,
        encoding=str(output["encoding"]),
        speed=SPEEDS.get(speed, 1.0) if isinstance(speed, str) else min(2.0, max(0.6, float(speed))),
        with_timestamps=bool(message.get("add_timestamps")),
    )
    return options, text


def _has_key(request: web.Request) -> bool:
    authorization = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return bool(request.headers.get("X-API-Key") or request.query.get("api_key") or authorization)


def _refuse_key() -> web.Response:
    return web.Response(
        status=401, text="Unauthorized: send any key as X-API-Key; the offline provider takes it."
    )
