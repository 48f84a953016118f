"""Rooms of a LiveKit server, as far as a scripted meeting needs them: tokens and dispatches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from livekit import api

from meetctl.adapters.livekit_api import open_api
from meetctl.adapters.livekit_tokens import LiveKitTokens
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.tokens import TokenOrder, preset_grants
from meetctl.services import tokens

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess

TOKEN_LIFE = timedelta(hours=1)


def mint_token(access: LiveKitAccess, room: str, identity: str, name: str) -> str:
    """Return a token with which a person may join the room, speak, share and listen."""
    order = TokenOrder(
        grants=preset_grants("participant", room), identity=identity, name=name, valid_for=TOKEN_LIFE
    )
    return tokens.mint_token(order, LiveKitTokens(access), SystemClock()).text


async def dispatch_agent(
    access: LiveKitAccess, room: str, agent_name: str, metadata: Mapping[str, object]
) -> None:
    """Send the agent into a room, which is made if it is not there.

    Raises:
        ServiceError: The server cannot be reached, or refuses.
    """
    request = api.CreateAgentDispatchRequest(agent_name=agent_name, room=room, metadata=json.dumps(metadata))
    async with open_api(access) as livekit:
        await livekit.agent_dispatch.create_dispatch(request)
