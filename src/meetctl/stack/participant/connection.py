"""Joining a LiveKit room, with its refusals told plainly."""

from __future__ import annotations

from livekit import rtc

from meetctl.errors import ServiceError

CONNECT_TIMEOUT_S = 10.0


async def connect(room: rtc.Room, url: str, token: str, identity: str) -> None:
    """Connect `room` without subscribing to anything.

    Raises:
        ServiceError: The LiveKit server cannot be reached, or refuses the token.
    """
    options = rtc.RoomOptions(auto_subscribe=False, connect_timeout=CONNECT_TIMEOUT_S)
    try:
        await room.connect(url, token, options)
    except rtc.ConnectError as error:
        # The server's refusal quotes the token, so the error itself must go no further.
        raise _translate(error.message, url, token, identity) from None


def _translate(message: str, url: str, token: str, identity: str) -> ServiceError:
    if "401" in message or "403" in message:
        return ServiceError(
            f"the LiveKit server at {url} refused the token of {identity}",
            hint="it must be signed with this server's key and secret, name a room, and not have expired",
        )
    reason = message.replace(token, "(token)") if token else message
    if "refused" in reason or "timeout" in reason.lower() or "timed out" in reason.lower():
        return ServiceError(
            f"the LiveKit server at {url} cannot be reached", hint="start one with `meetctl up`"
        )
    return ServiceError(
        f"{identity} could not join through the LiveKit server at {url}: {reason}",
        hint="its URL looks like ws://127.0.0.1:7880 or wss://example.livekit.cloud",
    )


def disconnect_reason(reason: rtc.DisconnectReason.ValueType) -> str:
    """Return why a connection ended, in words: "room deleted"."""
    try:
        return rtc.DisconnectReason.Name(reason).replace("_", " ").lower()
    except ValueError:
        return f"reason {reason}"
