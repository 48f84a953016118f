"""Steering a running agent from outside its room, through the LiveKit server's API."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from livekit import api

from meetctl.adapters.livekit_api import open_api
from meetctl.domain.control import (
    ACKNOWLEDGED,
    CONTROL_TOPIC,
    Acknowledgement,
    check_arguments,
    find_acknowledgement,
)
from meetctl.domain.control_token import make_claims
from meetctl.domain.rooms import SESSION_ATTRIBUTE
from meetctl.errors import NotFoundError, ServiceError, UsageError
from meetctl.services.tokens import make_identity

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.ports import Clock

ANSWER_LIMIT_S = 10.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInRoom:
    """One of our agents in a room."""

    identity: str
    session_id: str


def name_observer() -> str:
    """Return a new identity for an observer, which nobody else can have."""
    return make_identity("observer")


async def find_agents(access: LiveKitAccess, room: str) -> tuple[AgentInRoom, ...]:
    """Return our agents in a room.

    Raises:
        NotFoundError: There is no such room.
        ServiceError: The server cannot be reached, or refuses.
    """
    async with open_api(access) as livekit:
        return await _find_agents(livekit, room)


class ControlSender:
    """The AgentControl port over a server's API."""

    def __init__(self, access: LiveKitAccess, *, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    async def send(
        self, room: str, op: str, args: Mapping[str, Any], *, session_id: str | None = None
    ) -> Acknowledgement:
        """Have the agent in a room perform an operation, and wait until it has."""
        return await send_control(self._access, room, op, args, clock=self._clock, session_id=session_id)


async def send_control(
    access: LiveKitAccess,
    room: str,
    op: str,
    args: Mapping[str, Any],
    *,
    clock: Clock,
    session_id: str | None = None,
    limit_s: float = ANSWER_LIMIT_S,
) -> Acknowledgement:
    """Have the agent in a room perform an operation, and wait until it has.

    `session_id` chooses among several agents of ours. An agent that has gone after `leave` has performed it.

    Raises:
        UsageError: There is no such operation, its arguments do not fit, or it is not said which of several
            agents is meant.
        NotFoundError: There is no such room or agent.
        ServiceError: It refused, failed or has not answered in time, or the
            server cannot be reached, or refuses.
    """
    checked = check_arguments(op, args)
    async with open_api(access) as livekit:
        agent = _choose(await _find_agents(livekit, room), room, session_id)
        jti = secrets.token_urlsafe(16)
        claims = make_claims(
            api_key=access.api_key,
            room=room,
            agent=agent.identity,
            op=op,
            args=checked,
            jti=jti,
            now_s=int(clock.now().timestamp()),
        )
        token = jwt.encode(claims, access.api_secret, algorithm="HS256")
        await livekit.room.send_data(
            api.SendDataRequest(
                room=room,
                data=json.dumps({"jwt": token}).encode(),
                destination_identities=[agent.identity],
                topic=CONTROL_TOPIC,
            )
        )
        try:
            async with asyncio.timeout(limit_s):
                answer = await _wait_for_answer(livekit, room, agent, op, jti)
        except TimeoutError:
            raise ServiceError(
                f"the agent in room {room!r} has not answered to {op} within {limit_s:g} s",
                hint="a message is valid for a minute: see that this machine's clock is right",
            ) from None
    if answer.error is not None:
        raise ServiceError(f"the agent in room {room!r} did not {op}: {answer.error}")
    return answer


async def _find_agents(livekit: api.LiveKitAPI, room: str) -> tuple[AgentInRoom, ...]:
    rooms = await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))
    if not rooms.rooms:
        raise NotFoundError(f"there is no room {room!r}", hint="a room is there while somebody is in it")
    answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return tuple(
        AgentInRoom(identity=one.identity, session_id=one.attributes[SESSION_ATTRIBUTE])
        for one in answer.participants
        # Anybody may be let set attributes of their own; only the server says who is an agent.
        if one.kind == api.ParticipantInfo.Kind.AGENT and one.attributes.get(SESSION_ATTRIBUTE)
    )


def _choose(agents: tuple[AgentInRoom, ...], room: str, session_id: str | None) -> AgentInRoom:
    chosen = [agent for agent in agents if session_id in (None, agent.session_id)]
    if not chosen:
        which = "agent of meetctl" if session_id is None else f"agent with session {session_id!r}"
        raise NotFoundError(
            f"there is no {which} in room {room!r}",
            hint="one that has just been sent there may still be joining",
        )
    if len(chosen) > 1:
        raise UsageError(
            f"{len(chosen)} agents of meetctl are in room {room!r}",
            hint="say which session is meant: " + ", ".join(sorted(agent.session_id for agent in chosen)),
        )
    return chosen[0]


async def _wait_for_answer(
    livekit: api.LiveKitAPI, room: str, agent: AgentInRoom, op: str, jti: str
) -> Acknowledgement:
    while True:
        try:
            found = await livekit.room.get_participant(
                api.RoomParticipantIdentity(room=room, identity=agent.identity)
            )
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise
            if op == "leave":
                return Acknowledgement(jti=jti)
            raise ServiceError(f"the agent in room {room!r} has left without an answer to {op}") from None
        answer = find_acknowledgement(found.attributes.get(ACKNOWLEDGED, ""), jti)
        if answer is not None:
            return answer
        await asyncio.sleep(_LOOK_EVERY_S)
