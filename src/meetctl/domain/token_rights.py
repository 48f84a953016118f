"""What a token allows and forbids, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.token_claims import TokenClaims
    from meetctl.domain.video_grants import VideoGrants

OTHER_SERVICES = ("sip", "agent", "inference", "observability")
"""Claims that grant rights to LiveKit's other services."""


def list_allowed(claims: TokenClaims) -> Iterator[str]:
    """Say what its holder may do, in words that follow `may`."""
    grants = claims.grants
    if grants.room_join:
        yield f"join {_room(grants)}" + (", seen by nobody" if grants.hidden else "")
        yield from _list_allowed_inside(grants)
    if grants.room_admin and grants.room:
        yield f"administer {_room(grants)}: mute, put out, send messages, send agents, close it"
    if grants.destination_room:
        yield f"be moved, or forwarded, into room {grants.destination_room!r}"
    yield from _chosen(
        {
            "create and delete rooms": grants.room_create,
            "list all rooms": grants.room_list,
            "record rooms with egress": grants.room_record,
            "manage ingress": grants.ingress_admin,
            "register as a worker of agents": grants.agent,
        }
    )
    for service in OTHER_SERVICES:
        rights = claims.other.get(service)
        for right, is_given in rights.items() if isinstance(rights, dict) else ():
            if is_given is True:
                yield f"use {service}: {right}"
    for agent in claims.agents:
        yield f"bring the agent {agent.name!r}, when it makes the room by joining"


def list_forbidden(claims: TokenClaims) -> Iterator[str]:
    """Say what its holder may not do although people in a meeting usually may."""
    grants = claims.grants
    if not grants.room_join:
        yield "join a room"
        return
    yield from _chosen(
        {
            "publish anything": not grants.may_publish,
            "see or hear others": not grants.may_subscribe,
            "send messages": not grants.may_publish_data,
        }
    )


def _list_allowed_inside(grants: VideoGrants) -> Iterator[str]:
    if grants.may_publish:
        sources = ", ".join(source.replace("_", " ") for source in grants.can_publish_sources)
        yield f"publish {sources} and nothing else" if sources else "speak, and share camera and screen"
    yield from _chosen(
        {
            "see and hear others": grants.may_subscribe,
            "send messages": grants.may_publish_data,
            "change its own name, metadata and attributes": bool(grants.can_update_own_metadata),
            "receive metrics": bool(grants.can_subscribe_metrics),
            "drive an agent's session": bool(grants.can_manage_agent_session),
        }
    )


def _chosen(rights: Mapping[str, bool]) -> Iterator[str]:
    return (right for right, is_given in rights.items() if is_given)


def _room(grants: VideoGrants) -> str:
    return f"room {grants.room!r}" if grants.room else "any room"
