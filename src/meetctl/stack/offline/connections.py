"""What the providers' HTTP and WebSocket handlers have in common."""

from __future__ import annotations

import json
import logging
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from meetctl.errors import MeetctlError
from meetctl.stack.offline.faults import DroppedConnectionError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

logger = logging.getLogger(__name__)

STATUS_TEXTS = {
    429: "Rate limit reached (a fault that was asked for).",
    500: "The server had an error (a fault that was asked for).",
    503: "The service is overloaded (a fault that was asked for).",
}


class ProtocolError(MeetctlError):
    """A client said something that the protocol does not have."""


@web.middleware
async def cut_dropped_connections(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Cut the connection where a fault wants it, and let one that the client cut end quietly."""
    try:
        return await handler(request)
    except DroppedConnectionError:
        drop(request)
        return web.Response()
    except ConnectionResetError:
        # The client has gone in the middle of its answer, as an interrupted agent does.
        logger.debug("%s %s: the client has gone", request.method, request.path)
        return web.Response()


def drop(request: web.BaseRequest) -> None:
    """Cut a connection without a farewell."""
    if request.transport is not None:
        request.transport.abort()


def has_bearer(request: web.BaseRequest) -> bool:
    """Tell whether a request carries any key, as `Authorization: Bearer KEY` (or `Token KEY`)."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() in ("bearer", "token") and bool(key.strip())


async def read_json(request: web.Request) -> object:
    """Return a request's JSON body.

    Raises:
        ProtocolError: It is none.
    """
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError("the body of the request is no JSON") from error


def read_message(data: str) -> dict[str, Any]:
    """Return a WebSocket's text message as an object.

    Raises:
        ProtocolError: It is none.
    """
    try:
        message = json.loads(data)
    except json.JSONDecodeError as error:
        raise ProtocolError("a message is no JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a message is no JSON object")
    return message


def is_data(message_type: WSMsgType) -> bool:
    """Tell whether a WebSocket's message carries something from the client."""
    return message_type in (WSMsgType.TEXT, WSMsgType.BINARY)


def new_id(prefix: str = "") -> str:
    """Return an identifier that nothing else has."""
    return f"{prefix}{uuid.uuid4().hex}" if prefix else str(uuid.uuid4())
