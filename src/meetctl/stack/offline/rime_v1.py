"""Rime's newer WebSocket protocol: the same envelopes as JSON (rime.v1.json) or as protobuf (rime.v1.binary).

The envelopes are those of the package rime-api, which livekit-plugins-rime brings; its client in
`livekit.plugins.rime._websocket_v1` shows their order.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meetctl.errors import MeetctlError
from meetctl.stack.offline.connections import STATUS_TEXTS, ProtocolError, drop, is_data, new_id, read_message
from meetctl.stack.offline.faults import DroppedConnectionError
from meetctl.stack.offline.narrator import pick_voice
from meetctl.stack.offline.sentences import SentenceBuffer
from meetctl.stack.offline.speech_chunks import cut_chunks

if TYPE_CHECKING:
    from aiohttp import WSMessage, web

    from meetctl.stack.offline.services import OfflineServices

JSON = "rime.v1.json"
BINARY = "rime.v1.binary"
SUBPROTOCOLS = (BINARY, JSON)
PROTOCOL_VERSION = 1
REQUESTS = ("config", "start", "text", "end", "cancel")
ERROR_KINDS = {429: "resource_exhausted", 500: "internal", 503: "unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RimeRequest:
    """One envelope from a client: which context it is for, and one payload."""

    context_id: str
    kind: str
    text: str = ""
    speaker: str = ""
    language: str = ""
    audio_format: str = "audio/pcm"
    sample_rate: int = 24_000


class RimeV1Socket:
    """One connection: a ready envelope, then contexts, each from start to end."""

    def __init__(
        self, request: web.Request, websocket: web.WebSocketResponse, services: OfflineServices
    ) -> None:
        self._request = request
        self._websocket = websocket
        self._services = services
        self._codec = _BinaryCodec() if websocket.ws_protocol == BINARY else _JsonCodec()
        self._contexts: dict[str, asyncio.Queue[RimeRequest]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the client closes; what is still being spoken then is given up."""
        await self._send("", "ready", {"protocol": PROTOCOL_VERSION})
        try:
            async for message in self._websocket:
                if is_data(message.type):
                    await self._receive(message)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _receive(self, message: WSMessage) -> None:
        try:
            request = self._codec.read(message)
        except ProtocolError as error:
            await self._send("", "error", {"kind": "invalid_input", "message": error.message})
            return
        if request.kind == "config":
            return
        if request.kind == "cancel":
            task = self._tasks.pop(request.context_id, None)
            self._contexts.pop(request.context_id, None)
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await self._send(request.context_id, "cancelled", {})
            return
        if request.kind == "start" and request.context_id not in self._contexts:
            self._contexts[request.context_id] = asyncio.Queue()
            self._tasks[request.context_id] = asyncio.create_task(self._guard(request))
        elif request.kind != "start" and request.context_id in self._contexts:
            self._contexts[request.context_id].put_nowait(request)
        elif request.kind == "start":
            await self._send_error(request.context_id, "invalid_input", "the context has started already")
        # Text for a context that has ended in an error is what a client sends before it knows.

    async def _guard(self, start: RimeRequest) -> None:
        """Speak a context, and turn what goes wrong into what the client sees of it."""
        try:
            await self._speak(start)
        except DroppedConnectionError:
            drop(self._request)
        except ConnectionResetError:
            # The client has gone; its socket ends the loop in `run`.
            return
        except MeetctlError as error:
            await self._send_error(start.context_id, "invalid_input", error.message)
        finally:
            self._contexts.pop(start.context_id, None)
            self._tasks.pop(start.context_id, None)

    async def _speak(self, start: RimeRequest) -> None:
        queue = self._contexts[start.context_id]
        disturbance = self._services.faults.draw("rime")
        if disturbance.status is not None:
            self._services.meter.add("rime", "refused", requests=1)
            kind = ERROR_KINDS[disturbance.status]
            await self._send_error(start.context_id, kind, STATUS_TEXTS[disturbance.status])
            return
        if start.audio_format != "audio/pcm":
            raise ProtocolError(f"audio format {start.audio_format!r} is not served offline; use audio/pcm")
        await disturbance.before_answer()
        await self._send(start.context_id, "started", {"requestId": new_id()})
        self._services.meter.add("rime", "websocket", contexts=1)
        voice = pick_voice(start.speaker, start.language[:2])
        buffer = SentenceBuffer()
        request = start
        while True:
            self._services.meter.add("rime", "websocket", requests=1, characters=len(request.text))
            buffer.push(request.text)
            is_last = request.kind == "end"
            async for sentence in self._services.narrator.narrate(
                buffer.take(everything=is_last), voice=voice, sample_rate=start.sample_rate
            ):
                for chunk in cut_chunks(sentence):
                    await disturbance.before_piece()
                    await self._send(start.context_id, "audio", chunk.astype("<i2").tobytes())
                    self._services.meter.add_sound("rime", "websocket", len(chunk), start.sample_rate)
            if is_last:
                break
            request = await queue.get()
        await disturbance.before_piece()
        await self._send(start.context_id, "done", {})

    async def _send_error(self, context_id: str, kind: str, message: str) -> None:
        await self._send(context_id, "error", {"kind": kind, "message": message, "requestId": new_id()})

    async def _send(self, context_id: str, kind: str, value: dict[str, Any] | bytes) -> None:
        await self._codec.send(self._websocket, context_id, kind, value)


class _JsonCodec:
    """Envelopes as JSON objects, sound in Base64."""

    def read(self, message: WSMessage) -> RimeRequest:
        envelope = read_message(message.data)
        kinds = [kind for kind in REQUESTS if kind in envelope]
        if len(kinds) != 1:
            raise ProtocolError("an envelope has exactly one payload")
        start = envelope.get("start") or {}
        audio = start.get("audioParameters") or {}
        return RimeRequest(
            context_id=str(envelope.get("contextId", "")),
            kind=kinds[0],
            text=str(start.get("text", "") if kinds[0] == "start" else envelope.get("text", "")),
            speaker=str(start.get("speaker", "")),
            language=str(start.get("language", "")),
            audio_format=audio.get("audioFormat") or "audio/pcm",
            sample_rate=int(audio.get("samplingRate") or 24_000),
        )

    async def send(
        self, websocket: web.WebSocketResponse, context_id: str, kind: str, value: dict[str, Any] | bytes
    ) -> None:
        payload = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        envelope = {kind: payload} | ({"contextId": context_id} if context_id else {})
        await websocket.send_str(json.dumps(envelope))


class _BinaryCodec:
    """Envelopes as protobuf messages."""

    def __init__(self) -> None:
        # The messages come with livekit-plugins-rime; we depend on that, not on the package that has them.
        self._messages: Any = importlib.import_module("rime_api.text_to_speech_pb2")

    def read(self, message: WSMessage) -> RimeRequest:
        envelope = self._messages.WebSocketRequest()
        try:
            envelope.ParseFromString(message.data)
        except Exception as error:  # protobuf's error class depends on how it was built
            raise ProtocolError("an envelope is no protobuf") from error
        kind = envelope.WhichOneof("payload")
        if kind is None:
            raise ProtocolError("an envelope has exactly one payload")
        start = envelope.start
        return RimeRequest(
            context_id=envelope.context_id,
            kind=kind,
            text=start.text if kind == "start" else envelope.text,
            speaker=start.speaker,
            language=start.language,
            audio_format=start.audio_parameters.audio_format or "audio/pcm",
            sample_rate=start.audio_parameters.sampling_rate or 24_000,
        )

    async def send(
        self, websocket: web.WebSocketResponse, context_id: str, kind: str, value: dict[str, Any] | bytes
    ) -> None:
        if isinstance(value, dict):
            value = {"request_id" if name == "requestId" else name: item for name, item in value.items()}
        envelope = self._messages.WebSocketResponse(context_id=context_id, **{kind: value})
        await websocket.send_bytes(envelope.SerializeToString())
