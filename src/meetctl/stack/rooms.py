"""Rooms of a LiveKit server, as far as a scripted meeting needs them: tokens and dispatches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import ClientError
from livekit import api

from meetctl.adapters.livekit_tokens import LiveKitTokens
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.tokens import TokenOrder, preset_grants
from meetctl.errors import ServiceError
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
    try:
        async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as livekit:
            await livekit.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(
                    agent_name=agent_name, room=room, metadata=json.dumps(metadata)
                )
            )
    except (api.TwirpError, ClientError, OSError, TimeoutError) as error:
        raise ServiceError(
            f"the LiveKit server {access.url} did not dispatch {agent_name!r} into {room!r}: {error}"
        ) from error
