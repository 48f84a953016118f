"""Steering a running agent: signed messages from the server's API, performed one at a time."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import jwt

from meetctl.agent.refusals import Refusals
from meetctl.domain.control import (
    ACKNOWLEDGED,
    CONTROL_TOPIC,
    Acknowledgement,
    describe_arguments,
    format_acknowledgements,
)
from meetctl.domain.control_token import ControlJudge, ControlMessage, Refusal
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from livekit import rtc

    from meetctl.agent.journal import MeetingJournal
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import Clock

logger = logging.getLogger(__name__)

Perform: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Does one operation with arguments that have been checked; may raise MeetctlError, whose message is told."""

MOST_BYTES = 16_384
MOST_WAITING = 32
PERFORM_LIMIT_S = 30.0
"""An operation that takes longer has failed, so that the next ones come to their turn."""

_REMEMBERED = 8
"""How many acknowledgements stay to be read, for senders who look at the same time."""
_ACKNOWLEDGE_LIMIT_S = 5.0
_CLOSE_LIMIT_S = 2.0
# Times are judged by our clock, and claims by ControlJudge; here only the signature counts.
_ONLY_SIGNATURE: dict[str, Any] = {
    "verify_signature": True,
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
}


class ControlChannel:
    """Judges every message on the control topic, and performs those that are signed, for it, in time and new.

    What was performed is in the journal (`control.performed`), and in an attribute of the agent, where the
    sender finds it through the server's API. What was refused is counted, logged and in the journal.
    """

    def __init__(
        self,
        room: rtc.Room,
        access: LiveKitAccess,
        *,
        room_name: str,
        clock: Clock,
        journal: MeetingJournal,
        perform: Mapping[str, Perform],
    ) -> None:
        self._room = room
        self._secret = access.api_secret
        self._judge = ControlJudge(api_key=access.api_key, room=room_name)
        self._clock = clock
        self._journal = journal
        self._perform = perform
        self._refusals = Refusals(journal)
        self._waiting: asyncio.Queue[ControlMessage | Refusal | None] = asyncio.Queue(MOST_WAITING)
        self._acknowledged: deque[Acknowledgement] = deque(maxlen=_REMEMBERED)
        self._performing: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Take messages from now on; call it before the room can tell that the agent is there."""
        self._room.on("data_received", self._receive)
        self._performing = asyncio.create_task(self._perform_all(), name="control")

    async def close(self) -> None:
        """Take no more messages, and give those that wait a moment to be performed and acknowledged."""
        if self._performing is None:
            return
        self._room.off("data_received", self._receive)
        performing, self._performing = self._performing, None
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self._waiting.put(None)
                await asyncio.wait([performing])
        except TimeoutError:
            performing.cancel()
            await asyncio.wait([performing])
        while not self._waiting.empty():
            if isinstance(self._waiting.get_nowait(), ControlMessage):
                self._refusals.note("agent left")
        self._refusals.close()

    def _receive(self, packet: rtc.DataPacket) -> None:
        if packet.topic != CONTROL_TOPIC:
            return
        verdict = self._judge_packet(packet)
        if isinstance(verdict, ControlMessage) and self._waiting.full():
            verdict = Refusal(reason="too many")
        if isinstance(verdict, Refusal):
            self._refusals.note(verdict.reason)
        if (isinstance(verdict, ControlMessage) or verdict.jti is not None) and not self._waiting.full():
            self._waiting.put_nowait(verdict)

    def _judge_packet(self, packet: rtc.DataPacket) -> ControlMessage | Refusal:
        if packet.participant is not None:
            # The server's API never shows a sender: whoever sends this is in the room, and a token that
            # people in the room have got hold of must be of no use to them.
            return Refusal(reason="sent by a participant")
        claims = _open(packet.data, self._secret)
        if isinstance(claims, Refusal):
            return claims
        return self._judge.judge(
            claims, agent=self._room.local_participant.identity, now_s=int(self._clock.now().timestamp())
        )

    async def _perform_all(self) -> None:
        while (verdict := await self._waiting.get()) is not None:
            if isinstance(verdict, ControlMessage):
                error = await self._perform_one(verdict)
                await self._acknowledge(Acknowledgement(jti=verdict.jti, error=error))
            elif verdict.jti is not None:
                await self._acknowledge(
                    Acknowledgement(jti=verdict.jti, error=verdict.error or verdict.reason)
                )

    async def _perform_one(self, message: ControlMessage) -> str | None:
        """Perform a message, write that in the journal, and return what went wrong."""
        error: str | None = "the agent left before it was done"
        try:
            error = await self._try(message)
        finally:
            self._journal.write(
                "control.performed",
                {
                    "op": message.op,
                    "args": describe_arguments(message.op, message.args),
                    "jti": message.jti,
                    "outcome": "done" if error is None else "failed",
                    **({} if error is None else {"error": error}),
                },
            )
        return error

    async def _try(self, message: ControlMessage) -> str | None:
        perform = self._perform.get(message.op)
        if perform is None:
            return f"this agent cannot {message.op}"
        try:
            async with asyncio.timeout(PERFORM_LIMIT_S):
                await perform(message.args)
        except MeetctlError as error:
            return error.message
        except TimeoutError:
            return f"{message.op} took too long"
        except Exception as error:
            # Whatever is wrong with one operation, the meeting and the next operations go on. Its text may
            # quote what was to be said.
            logger.exception("the operation %s failed", message.op)
            return f"{message.op} failed: {type(error).__name__}"
        return None

    async def _acknowledge(self, acknowledgement: Acknowledgement) -> None:
        self._acknowledged.append(acknowledgement)
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_LIMIT_S):
                await self._room.local_participant.set_attributes(
                    {ACKNOWLEDGED: format_acknowledgements(self._acknowledged)}
                )
        except Exception:
            # The connection may be down, which LiveKit tells in several ways; what was done stays done, and
            # the next acknowledgement carries this one too.
            logger.warning("a control message could not be acknowledged", exc_info=True)


def _open(data: bytes, secret: str) -> dict[str, Any] | Refusal:
    """Return what a message's token claims, if its signature holds."""
    if len(data) > MOST_BYTES:
        return Refusal(reason="too big")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return Refusal(reason="not JSON")
    token = document.get("jwt") if isinstance(document, dict) else None
    if not isinstance(token, str):
        return Refusal(reason="no token")
    try:
        return jwt.decode(token, secret, algorithms=["HS256"], options=_ONLY_SIGNATURE)  # type: ignore[arg-type]
    except jwt.InvalidAlgorithmError:
        return Refusal(reason="wrong algorithm")
    except (jwt.PyJWTError, ValueError):
        # A ValueError where a token holds what is no text, such as half a character.
        return Refusal(reason="forged")
