"""Deepgram's /v1/listen: live over a WebSocket, and whole files by POST.

Shapes: https://developers.deepgram.com/reference/speech-to-text/listen-streaming and
https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from meetctl.errors import MediaError, ServiceError
from meetctl.stack.offline.audio import decode_sound
from meetctl.stack.offline.connections import STATUS_TEXTS, ProtocolError, has_bearer, new_id
from meetctl.stack.offline.deepgram_live import Conversation
from meetctl.stack.offline.deepgram_messages import (
    MODEL_INFO,
    describe_alternative,
    error_response,
    is_on,
    read_options,
)
from meetctl.stack.offline.faults import STATUS_KINDS, STREAM_KINDS
from meetctl.stack.offline.recognition import RECOGNITION_RATE

if TYPE_CHECKING:
    from meetctl.stack.offline.services import OfflineServices


class Deepgram:
    """The route /v1/listen."""

    def __init__(self, services: OfflineServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [web.get("/v1/listen", self._listen), web.post("/v1/listen", self._recognize)]

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refuse(request)
        if refusal is not None:
            return refusal
        try:
            options = read_options(request.query)
        except ProtocolError as error:
            return error_response(400, "INVALID_QUERY_PARAMETER", error.message)
        request_id = new_id()
        websocket = web.WebSocketResponse()
        websocket.headers["dg-request-id"] = request_id
        await websocket.prepare(request)
        self._services.meter.add("deepgram", "listen", connections=1)
        conversation = Conversation(websocket, options, request_id, self._services)
        try:
            await conversation.run()
        except (ProtocolError, ServiceError) as error:
            await websocket.close(
                code=1008 if isinstance(error, ProtocolError) else 1011, message=error.message.encode()
            )
        return websocket

    async def _recognize(self, request: web.Request) -> web.Response:
        refusal = self._refuse(request)
        if refusal is not None:
            return refusal
        disturbance = self._services.faults.draw("deepgram", STREAM_KINDS)
        await disturbance.before_answer()
        try:
            samples = decode_sound(await request.read(), RECOGNITION_RATE)
        except MediaError as error:
            return error_response(400, "Bad Request", f"Bad Request: {error.message}.")
        self._services.meter.add("deepgram", "prerecorded", requests=1)
        self._services.meter.add_sound("deepgram", "prerecorded", len(samples), RECOGNITION_RATE)
        transcript = await self._services.ears.transcribe(samples)
        await disturbance.before_piece()
        await disturbance.before_piece()
        punctuated = is_on(request.query, "punctuate") or is_on(request.query, "smart_format")
        channel: dict[str, Any] = {
            "alternatives": [describe_alternative(transcript, offset_s=0.0, punctuated=punctuated)]
        }
        if is_on(request.query, "detect_language"):
            channel |= {"detected_language": "en", "language_confidence": 1.0}
        metadata = {
            "request_id": new_id(),
            "duration": len(samples) / RECOGNITION_RATE,
            "channels": 1,
            "model_info": {"offline": MODEL_INFO},
        }
        return web.json_response({"metadata": metadata, "results": {"channels": [channel]}})

    def _refuse(self, request: web.Request) -> web.Response | None:
        if not has_bearer(request):
            return error_response(
                401,
                "INVALID_AUTH",
                "Send any key, as Authorization: Token KEY; the offline provider takes it.",
            )
        disturbance = self._services.faults.draw("deepgram", STATUS_KINDS)
        if disturbance.status is None:
            return None
        self._services.meter.add("deepgram", "refused", requests=1)
        status = disturbance.status
        code = {429: "TOO_MANY_REQUESTS", 503: "SERVICE_UNAVAILABLE"}.get(status, "INTERNAL_SERVER_ERROR")
        return error_response(status, code, STATUS_TEXTS[status], headers=disturbance.headers)
