"""What a LiveKit token allows: its `video` claim, read as the server reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SOURCES = ("camera", "microphone", "screen_share", "screen_share_audio")
"""What a participant may be allowed to publish, by LiveKit's names."""

_ALL_SOURCES = (*SOURCES, "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoGrants:
    """The rights that a token names. None is what it says nothing about, which each right reads otherwise."""

    room: str = ""
    """The room that joining and administering are for; without one, a token to join is for any room."""
    room_join: bool = False
    room_admin: bool = False
    room_create: bool = False
    room_list: bool = False
    room_record: bool = False
    ingress_admin: bool = False
    can_publish: bool | None = None
    can_subscribe: bool | None = None
    can_publish_data: bool | None = None
    can_publish_sources: tuple[str, ...] = ()
    """What alone may be published; empty for everything."""
    can_update_own_metadata: bool | None = None
    can_subscribe_metrics: bool | None = None
    can_manage_agent_session: bool | None = None
    hidden: bool = False
    recorder: bool = False
    agent: bool = False
    """Whether its holder may register as a worker of agents."""
    destination_room: str = ""

    @property
    def may_publish(self) -> bool:
        """Whether a participant may publish anything; what is not forbidden is allowed."""
        return self.can_publish is not False

    @property
    def may_subscribe(self) -> bool:
        """Whether a participant may see and hear others; what is not forbidden is allowed."""
        return self.can_subscribe is not False

    @property
    def may_publish_data(self) -> bool:
        """Whether a participant may send messages; where nothing is said, it may if it may publish."""
        return self.may_publish if self.can_publish_data is None else self.can_publish_data

    def may_publish_source(self, source: str) -> bool:
        """Tell whether a participant may publish from one of `SOURCES`."""
        return self.may_publish and (not self.can_publish_sources or source in self.can_publish_sources)

    @property
    def serves_whole_server(self) -> bool:
        """Whether it allows something that is not about one room."""
        return self.room_create or self.room_list or self.room_record or self.ingress_admin

    def as_claim(self) -> dict[str, Any]:
        """Return the `video` claim, as short as it can be.

        >>> VideoGrants(room="standup", room_join=True, can_publish=False).as_claim()
        {'room': 'standup', 'roomJoin': True, 'canPublish': False}
        """
        named = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {
            _claim_name(name): list(value) if isinstance(value, tuple) else value
            for name, value, default in named
            if value != default
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadGrants:
    """What was read of a `video` claim."""

    grants: VideoGrants
    faults: tuple[str, ...] = ()
    """Why a server refuses the whole token, in words that follow its name of the claim."""
    unknown: Mapping[str, Any]
    """What is in the claim besides, by its names there."""


def read_grants(claim: object) -> ReadGrants:
    """Read a `video` claim; like the server, its names in any case, and null as nothing.

    >>> read = read_grants({"roomJoin": True, "canPublish": "yes", "fly": 1})
    >>> read.grants.room_join, read.faults, read.unknown
    (True, ("video.canPublish is 'yes', not true or false",), {'fly': 1})
    """
    if claim is None:
        return ReadGrants(grants=VideoGrants(), unknown={})
    if not isinstance(claim, Mapping):
        return ReadGrants(grants=VideoGrants(), faults=("video is no object",), unknown={})
    values: dict[str, Any] = {}
    faults: list[str] = []
    unknown: dict[str, Any] = {}
    for name, value in claim.items():
        field = _FIELDS.get(str(name).lower())
        if field is None:
            unknown[str(name)] = value
        elif value is not None:
            fault = _find_fault(field, value)
            if fault is None:
                values[field] = tuple(value) if isinstance(value, list) else value
            else:
                faults.append(f"video.{_claim_name(field)} {fault}")
    return ReadGrants(grants=VideoGrants(**values), faults=tuple(faults), unknown=unknown)


def unknown_sources(grants: VideoGrants) -> tuple[str, ...]:
    """Return the names among the sources that LiveKit does not know."""
    return tuple(source for source in grants.can_publish_sources if source not in _ALL_SOURCES)


def _find_fault(field: str, value: object) -> str | None:
    if field in ("room", "destination_room"):
        return None if isinstance(value, str) else "is no text"
    if field == "can_publish_sources":
        is_list = isinstance(value, list) and all(isinstance(source, str) for source in value)
        return None if is_list else "is no list of texts"
    return None if isinstance(value, bool) else f"is {_shorten(repr(value))}, not true or false"


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _claim_name(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(word.capitalize() for word in others)


_FIELDS: Mapping[str, str] = {one.name.replace("_", ""): one.name for one in fields(VideoGrants)}
