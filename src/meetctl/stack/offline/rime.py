"""Rime's speech API over HTTP and over its older WebSocket protocol, ws3; `rime_v1` has the newer one.

Shapes: https://docs.rime.ai/api-reference
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from meetctl.errors import MeetctlError
from meetctl.stack.offline.connections import (
    STATUS_TEXTS,
    ProtocolError,
    has_bearer,
    is_data,
    read_json,
    read_message,
)
from meetctl.stack.offline.narrator import pick_voice
from meetctl.stack.offline.rime_v1 import SUBPROTOCOLS, RimeV1Socket
from meetctl.stack.offline.sentences import SentenceBuffer
from meetctl.stack.offline.speech_chunks import cut_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.stack.offline.faults import Disturbance
    from meetctl.stack.offline.services import OfflineServices


@dataclass(frozen=True, slots=True, kw_only=True)
class RimeVoice:
    """How a text is to be spoken."""

    voice: str
    """espeak-ng's voice."""
    sample_rate: int


class Rime:
    """The routes /v1/rime-tts (HTTP), /ws3 (WebSocket) and /ws (the WebSocket protocols rime.v1.…)."""

    def __init__(self, services: OfflineServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.post("/v1/rime-tts", self._synthesize),
            web.get("/ws3", self._connect),
            web.get("/ws", self._connect_v1),
        ]

    async def _synthesize(self, request: web.Request) -> web.StreamResponse:
        if not has_bearer(request):
            return _refuse_key()
        disturbance = self._services.faults.draw("rime")
        if disturbance.status is not None:
            self._services.meter.add("rime", "refused", requests=1)
            return web.json_response(
                {"error": STATUS_TEXTS[disturbance.status]},
                status=disturbance.status,
                headers=disturbance.headers,
            )
        try:
            body = await read_json(request)
            if not isinstance(body, dict) or not isinstance(body.get("text"), str):
                raise ProtocolError("text is missing")
            voice = _read_voice(body)
        except ProtocolError as error:
            return web.json_response({"error": error.message}, status=400)
        await disturbance.before_answer()
        text = body["text"]
        self._services.meter.add("rime", "http", requests=1, characters=len(text))
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        async for sentence in self._services.narrator.narrate(
            text, voice=voice.voice, sample_rate=voice.sample_rate
        ):
            for chunk in cut_chunks(sentence):
                await disturbance.before_piece()
                await response.write(chunk.astype("<i2").tobytes())
                self._services.meter.add_sound("rime", "http", len(chunk), voice.sample_rate)
        await disturbance.before_piece()
        await response.write_eof()
        return response

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if not has_bearer(request):
            return _refuse_key()
        try:
            voice = _read_voice(request.query)
        except ProtocolError as error:
            return web.json_response({"error": error.message}, status=400)
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        self._services.meter.add("rime", "websocket", connections=1)
        await RimeWs3Socket(websocket, voice, self._services).run()
        return websocket

    async def _connect_v1(self, request: web.Request) -> web.StreamResponse:
        if not has_bearer(request):
            return _refuse_key()
        websocket = web.WebSocketResponse(protocols=SUBPROTOCOLS)
        await websocket.prepare(request)
        self._services.meter.add("rime", "websocket", connections=1)
        await RimeV1Socket(request, websocket, self._services).run()
        return websocket


class RimeWs3Socket:
    """One connection of the older protocol: a buffer of text, spoken sentence by sentence."""

    def __init__(self, websocket: web.WebSocketResponse, voice: RimeVoice, services: OfflineServices) -> None:
        self._websocket = websocket
        self._voice = voice
        self._services = services
        self._buffer = SentenceBuffer()
        self._spoken_s = 0.0
        self._disturbance: Disturbance | None = None

    async def run(self) -> None:
        """Serve until the client closes or says that it has ended.

        Raises:
            DroppedConnectionError: A fault cuts the connection.
        """
        async for message in self._websocket:
            if not is_data(message.type):
                continue
            try:
                if await self._obey(read_message(message.data)):
                    break
            except MeetctlError as error:
                await self._websocket.send_json({"type": "error", "message": error.message})
        await self._websocket.close()

    async def _obey(self, message: dict[str, Any]) -> bool:
        """Do what a message asks for; True when it ends the connection."""
        operation, context_id = message.get("operation"), message.get("contextId")
        if operation is None and not isinstance(message.get("text"), str):
            raise ProtocolError("a message needs a text or an operation")
        if operation not in (None, "flush", "eos", "clear"):
            raise ProtocolError(f"there is no operation {operation!r}")
        if operation == "clear":
            self._buffer.clear()
            return False
        if operation is None:
            text = message["text"]
            self._services.meter.add("rime", "websocket", requests=1, characters=len(text))
            self._buffer.push(text)
        elif self._disturbance is None:
            # Nothing has been said since the last end; that is no utterance, and meets no fault.
            if operation == "flush":
                await self._websocket.send_json({"type": "done", "done": True, "contextId": context_id})
            return bool(operation == "eos")
        disturbance = await self._begin()
        if disturbance.status is not None:
            await self._websocket.send_json({"type": "error", "message": STATUS_TEXTS[disturbance.status]})
            self._buffer.clear()
        else:
            await self._speak(self._buffer.take(everything=operation is not None), context_id, disturbance)
        if operation is not None:
            self._spoken_s, self._disturbance = 0.0, None
            await disturbance.before_piece()
            await self._websocket.send_json({"type": "done", "done": True, "contextId": context_id})
        return bool(operation == "eos")

    async def _begin(self) -> Disturbance:
        """Return what this utterance meets, drawn when its first text comes."""
        if self._disturbance is None:
            self._disturbance = self._services.faults.draw("rime")
            if self._disturbance.status is not None:
                self._services.meter.add("rime", "refused", requests=1)
            await self._disturbance.before_answer()
        return self._disturbance

    async def _speak(self, text: str, context_id: str | None, disturbance: Disturbance) -> None:
        async for sentence in self._services.narrator.narrate(
            text, voice=self._voice.voice, sample_rate=self._voice.sample_rate
        ):
            for chunk in cut_chunks(sentence):
                await disturbance.before_piece()
                data = base64.b64encode(chunk.astype("<i2").tobytes()).decode()
                await self._websocket.send_json({"type": "chunk", "data": data, "contextId": context_id})
                self._services.meter.add_sound("rime", "websocket", len(chunk), sentence.sample_rate)
            timestamps = {
                "words": [word.text for word in sentence.words],
                "start": [round(self._spoken_s + word.start_s, 3) for word in sentence.words],
                "end": [round(self._spoken_s + word.end_s, 3) for word in sentence.words],
            }
            await self._websocket.send_json(
                {"type": "timestamps", "word_timestamps": timestamps, "contextId": context_id}
            )
            self._spoken_s += sentence.duration_s


def _read_voice(fields: Mapping[str, Any]) -> RimeVoice:
    rate = str(fields.get("samplingRate", 24000))
    if not rate.isdecimal() or not 8000 <= int(rate) <= 48000:
        raise ProtocolError("samplingRate must be 8000 to 48000")
    if fields.get("audioFormat", "pcm") != "pcm":
        raise ProtocolError("audioFormat must be pcm")
    language = str(fields.get("lang") or "eng")
    # Rime's languages have three letters, espeak-ng's mostly the first two of them.
    return RimeVoice(voice=pick_voice(str(fields.get("speaker", "")), language[:2]), sample_rate=int(rate))


def _refuse_key() -> web.Response:
    return web.json_response(
        {"error": "send any key, as Authorization: Bearer KEY; the offline provider takes it"}, status=401
    )
