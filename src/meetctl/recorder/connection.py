"""A recorder's place in a room: hidden from everybody, and no reason for the room to stay open."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from livekit import api, rtc

from meetctl.recorder.outcome import EndReason
from meetctl.stack.participant.connection import connect, disconnect_reason
from meetctl.stack.rooms import TOKEN_LIFE

if TYPE_CHECKING:
    from livekit.api.access_token import AccessToken

    from meetctl.recorder.settings import RecorderSettings

_NAME = "Recorder"
_ENDS = {
    rtc.DisconnectReason.ROOM_DELETED: EndReason.ROOM_CLOSED,
    rtc.DisconnectReason.ROOM_CLOSED: EndReason.ROOM_CLOSED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED: EndReason.REMOVED,
}
"""What ends a recording; after any other end of a connection the room may still be there."""


class Connection:
    """One connection to the room; it ends once, and another one takes its place."""

    def __init__(self, settings: RecorderSettings) -> None:
        self._settings = settings
        self.room = rtc.Room()
        self.ended = asyncio.Event()
        self.end_reason: EndReason | None = None
        """Why the meeting is over, once the connection has ended; None where only the connection is."""
        self.lost_by = ""
        """What ended it, in LiveKit's words."""
        self._is_closed = False
        self.room.on("disconnected", self._end)

    async def open(self) -> None:
        """Join without subscribing to anything.

        Raises:
            ServiceError: The LiveKit server cannot be reached, or refuses.
        """
        identity = f"meetctl-recorder-{secrets.token_hex(4)}"
        token = make_token(self._settings, identity).to_jwt()
        await connect(self.room, self._settings.livekit.url, token, identity)

    async def close(self) -> None:
        """Leave the room; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.room.off("disconnected", self._end)
        await self.room.disconnect()

    def _end(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.end_reason = _ENDS.get(reason)
        self.lost_by = disconnect_reason(reason)
        self.ended.set()


def make_token(settings: RecorderSettings, identity: str) -> AccessToken:
    """Return a recorder's token: hidden, with no right to publish, and told of by the room where it may be.

    LiveKit marks a room as being recorded as long as somebody of the kind egress is in it, and neither that
    kind nor agents keep a room open, count as participants, or start agents.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=settings.room,
        hidden=True,
        can_publish=False,
        can_publish_data=not settings.is_silent,
    )
    token = api.AccessToken(settings.livekit.api_key, settings.livekit.api_secret)
    return (
        token.with_identity(identity)
        .with_name(_NAME)
        .with_kind("agent" if settings.is_silent else "egress")
        .with_grants(grants)
        .with_ttl(TOKEN_LIFE)
    )
