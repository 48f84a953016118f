"""A recorder's place in a room: hidden from everybody, and no reason for the room to stay open."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from livekit import rtc

from meetctl.domain.tokens import AGENT_KIND, TokenOrder, preset_grants
from meetctl.recorder.outcome import EndReason
from meetctl.services.tokens import mint_token
from meetctl.stack.participant.connection import connect, disconnect_reason
from meetctl.stack.rooms import TOKEN_LIFE

if TYPE_CHECKING:
    from meetctl.recorder.adapters import RecorderAdapters
    from meetctl.recorder.settings import RecorderSettings

_NAME = "Recorder"
_EGRESS_KIND = "egress"
_ENDS = {
    rtc.DisconnectReason.ROOM_DELETED: EndReason.ROOM_CLOSED,
    rtc.DisconnectReason.ROOM_CLOSED: EndReason.ROOM_CLOSED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED: EndReason.REMOVED,
}
"""What ends a recording; after any other end of a connection the room may still be there."""


class Connection:
    """One connection to the room; it ends once, and another one takes its place."""

    def __init__(self, settings: RecorderSettings, adapters: RecorderAdapters) -> None:
        self._settings = settings
        self._adapters = adapters
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
        order = order_token(self._settings, identity)
        token = mint_token(order, self._adapters.signer, self._adapters.bundle.clock).text
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


def order_token(settings: RecorderSettings, identity: str) -> TokenOrder:
    """Return what a recorder's token says: hidden, with no right to publish, and told of by the room or not.

    LiveKit marks a room as being recorded as long as somebody of the kind egress is in it. Neither that kind
    nor agents keep a room open, count as participants, or have agents sent to them.
    """
    grants = replace(preset_grants("observer", settings.room), can_publish_data=not settings.is_silent)
    return TokenOrder(
        grants=grants,
        identity=identity,
        name=_NAME,
        kind=AGENT_KIND if settings.is_silent else _EGRESS_KIND,
        valid_for=TOKEN_LIFE,
    )
