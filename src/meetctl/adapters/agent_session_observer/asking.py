"""Asking an agent's session for what an observer has missed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from livekit.protocol.agent_pb import agent_session as pb

from meetctl.adapters.agent_session_observer.inbox import SESSION_TOPIC

if TYPE_CHECKING:
    from livekit import rtc

_ID_BYTES = 8


class Questions:
    """What was asked and is not answered yet; answers reach everybody in the room, so they are told apart."""

    def __init__(self, room: rtc.Room, agent: str) -> None:
        self._room = room
        self._agent = agent
        self._open: set[str] = set()

    @property
    def are_open(self) -> bool:
        """Whether anything is still to be answered."""
        return bool(self._open)

    async def ask(self) -> None:
        """Ask for all that a latecomer wants to know; an agent without a session does not answer.

        Nothing is asked that changes anything, and not for the instructions, which nobody shows.
        """
        requests = (
            pb.SessionRequest(get_framework_info=pb.SessionRequest.GetFrameworkInfo()),
            pb.SessionRequest(get_session_state=pb.SessionRequest.GetSessionState()),
            pb.SessionRequest(get_chat_history=pb.SessionRequest.GetChatHistory()),
            pb.SessionRequest(get_session_usage=pb.SessionRequest.GetSessionUsage()),
        )
        for request in requests:
            request.request_id = f"meetctl-{secrets.token_hex(_ID_BYTES)}"
            self._open.add(request.request_id)
            await self._room.local_participant.send_bytes(
                pb.AgentSessionMessage(request=request).SerializeToString(),
                name=request.request_id,
                topic=SESSION_TOPIC,
                destination_identities=[self._agent],
            )

    def is_answer(self, message: pb.AgentSessionMessage) -> bool:
        """Tell whether a message answers an open question, which is closed by it."""
        if not message.HasField("response") or message.response.request_id not in self._open:
            return False
        self._open.discard(message.response.request_id)
        return True
