"""A room as an agent sees it that is steered and observed, and messages from the server's API, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from livekit import rtc

from meetctl.core.local_stack import LiveKitAccess
from meetctl.domain.control import ACKNOWLEDGED, CONTROL_TOPIC, find_acknowledgement
from meetctl.domain.control_token import make_claims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.domain.control import Acknowledgement

ACCESS = LiveKitAccess(url="ws://127.0.0.1:1", api_key="key", api_secret="s" * 40)
ROOM = "demo"
AGENT = "agent-1"


@dataclass(slots=True)
class LocalParticipant:
    """The agent itself: what it was seen to set and to send."""

    identity: str = AGENT
    attributes: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    """Whom, on which topic, and what."""
    is_connected: bool = True

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        self._check()
        self.attributes.update(attributes)

    async def send_text(
        self, text: str, *, destination_identities: list[str], topic: str, compress: bool
    ) -> None:
        assert not compress
        self._check()
        self.sent.append((tuple(destination_identities), topic, text))

    def _check(self) -> None:
        if not self.is_connected:
            raise ConnectionError("the connection is down")


@dataclass(frozen=True, slots=True)
class Participant:
    identity: str


class Room(rtc.EventEmitter[str]):
    """A room as livekit shows it."""

    def __init__(self) -> None:
        super().__init__()
        self.local_participant = LocalParticipant()
        self.remote_participants: dict[str, Participant] = {}

    def join(self, identity: str) -> None:
        participant = self.remote_participants[identity] = Participant(identity)
        self.emit("participant_connected", participant)

    def deliver(self, data: bytes, *, sender: str | None = None, topic: str = CONTROL_TOPIC) -> None:
        """Deliver data as the server does: without a sender from its API, and from hidden participants."""
        participant: Any = Participant(sender) if sender is not None else None
        self.emit(
            "data_received",
            rtc.DataPacket(
                data=data, kind=rtc.DataPacketKind.KIND_RELIABLE, participant=participant, topic=topic
            ),
        )

    def answer_to(self, jti: str) -> Acknowledgement | None:
        """What the agent's attribute says of a message."""
        return find_acknowledgement(self.local_participant.attributes.get(ACKNOWLEDGED, ""), jti)


def sign(
    op: str,
    args: Mapping[str, Any],
    *,
    jti: str,
    now_s: int,
    secret: str = ACCESS.api_secret,
    algorithm: str = "HS256",
    **changed: Any,
) -> bytes:
    """Return a control message whose claims are changed; where `secret` is empty it is not signed."""
    claims = make_claims(
        api_key=ACCESS.api_key, room=ROOM, agent=AGENT, op=op, args=args, jti=jti, now_s=now_s
    )
    token = jwt.encode({**claims, **changed}, secret, algorithm=algorithm)
    return json.dumps({"jwt": token}).encode()
