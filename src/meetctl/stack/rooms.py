"""Rooms of a LiveKit server, as far as a scripted meeting needs them: tokens and dispatches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import ClientError
from livekit import api

from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess

TOKEN_LIFE = timedelta(hours=1)


def mint_token(access: LiveKitAccess, room: str, identity: str, name: str) -> str:
    """Return a token with which a person may join the room, speak, share and listen."""
    grants = api.VideoGrants(room_join=True, room=room)
    token = api.AccessToken(access.api_key, access.api_secret).with_identity(identity).with_name(name)
    return token.with_grants(grants).with_ttl(TOKEN_LIFE).to_jwt()


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
