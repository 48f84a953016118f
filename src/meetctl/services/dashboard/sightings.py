"""What a look at a server's rooms shows: meetings, each by who can tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.room_view import RoomView
    from meetctl.domain.view.dashboard import Channel

_ON_BEHALF = "lk.publish_on_behalf"
"""The attribute of an avatar, which speaks for an agent and is none itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A meeting as a room shows it."""

    key: str
    channel: Channel
    view: RoomView
    session_id: str | None = None
    """Of our agent."""
    identity: str | None = None
    """Of another LiveKit agent."""


def find_sightings(view: RoomView) -> Iterator[Sighting]:
    """Yield a room's meetings: one for each agent, or the room itself where there is none."""
    room = view.room
    found = False
    for agent in view.agents:
        one = agent.participant
        if one.is_hidden or _ON_BEHALF in one.attributes:
            continue
        found = True
        if one.session_id is not None:
            yield Sighting(key=one.session_id, channel="agent", view=view, session_id=one.session_id)
        else:
            yield Sighting(
                key=f"{room.sid}/{one.identity}", channel="session", view=view, identity=one.identity
            )
    if not found:
        yield Sighting(key=room.sid, channel="room", view=view)
