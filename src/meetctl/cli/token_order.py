"""From the options of `meetctl token mint` to the token that is to be made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meetctl.cli.diagnostics import warn
from meetctl.domain.time_spans import parse_span
from meetctl.domain.tokens import AgentToSend, TokenOrder, TokenPurpose, preset_grants, preset_kind
from meetctl.domain.video_grants import SOURCES, ReadGrants, VideoGrants, read_grants
from meetctl.errors import UsageError
from meetctl.services.tokens import make_identity

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWishes:
    """What the options say, as it was typed."""

    purpose: TokenPurpose | None
    room: str
    identity: str
    name: str
    rights: Mapping[str, bool]
    """The rights that options give, by the names of VideoGrants' fields."""
    changes: Mapping[str, bool | None]
    """What options change about a participant, by the same names; None for what they leave."""
    sources: tuple[str, ...]
    inference: bool
    metadata: str
    attributes: tuple[str, ...]
    agent: str
    agent_metadata: str
    deployment: str
    valid_for: str
    grant: str

    @property
    def names_a_right(self) -> bool:
        """Whether an option says what is granted, so that nothing is assumed."""
        return any(self.rights.values()) or self.inference or bool(self.grant)


def make_order(wishes: TokenWishes) -> TokenOrder:
    """Return the token that is wished for.

    Raises:
        UsageError: An option is malformed, contradicts another one, or is missing.
    """
    purpose = wishes.purpose or (None if wishes.names_a_right else "participant")
    read = _merge_raw_grant(_grant(wishes, purpose), wishes.grant)
    _check(read.grants, wishes)
    return TokenOrder(
        grants=read.grants,
        unknown_grants=read.unknown,
        identity=wishes.identity or make_identity(purpose or "participant"),
        name=wishes.name,
        kind=preset_kind(purpose),
        metadata=wishes.metadata,
        attributes=dict(map(_read_attribute, wishes.attributes)),
        agent=_read_agent(wishes),
        inference=wishes.inference,
        valid_for=_read_life(wishes.valid_for),
    )


def _grant(wishes: TokenWishes, purpose: TokenPurpose | None) -> VideoGrants:
    """Return what a preset grants, and what the options add to that or take from it."""
    grants = preset_grants(purpose, wishes.room) if purpose else VideoGrants(room=wishes.room)
    named: dict[str, Any] = {name: True for name, is_given in wishes.rights.items() if is_given}
    named |= {name: value for name, value in wishes.changes.items() if value is not None}
    sources = tuple(source for text in wishes.sources for source in text.split(",") if source)
    for source in sources:
        if source not in SOURCES:
            raise UsageError(
                f"--allow-source {source!r} is no source", hint=f"LiveKit has {', '.join(SOURCES)}"
            )
    grants = replace(grants, **named, can_publish_sources=sources)
    if sources and not grants.may_publish:
        what = f"--for {purpose}, which sends nothing," if purpose == "observer" else "--no-publish"
        raise UsageError(f"{what} and --allow-source contradict each other")
    return grants


def _merge_raw_grant(grants: VideoGrants, text: str) -> ReadGrants:
    """Lay --grant over the rights that the other options make."""
    raw = _read_object("--grant", text) if text else {}
    read = read_grants(grants.as_claim() | raw)
    if read.faults:
        raise UsageError(f"--grant: {'; '.join(read.faults)}", hint="a server would refuse the whole token")
    if read.unknown:
        warn(f"--grant has what is no right that meetctl knows: {', '.join(read.unknown)}")
    return read


def _check(grants: VideoGrants, wishes: TokenWishes) -> None:
    if (grants.room_join or grants.room_admin) and not grants.room:
        raise UsageError("--room is missing: the room that may be joined or administered")
    if wishes.agent and not grants.room_join:
        raise UsageError("--agent needs --join: the agent comes when the token's holder makes the room")
    if not wishes.agent and (wishes.agent_metadata or wishes.deployment):
        raise UsageError("--agent-metadata and --deployment need --agent")


def _read_agent(wishes: TokenWishes) -> AgentToSend | None:
    if not wishes.agent:
        return None
    if wishes.agent_metadata:
        _read_object("--agent-metadata", wishes.agent_metadata)
    return AgentToSend(name=wishes.agent, metadata=wishes.agent_metadata, deployment=wishes.deployment)


def _read_attribute(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not is_there or not name:
        raise UsageError(f"--attribute {text!r} is not KEY=VALUE")
    return name, value


def _read_life(text: str) -> timedelta:
    life = parse_span(text)
    if life.total_seconds() < 1:
        raise UsageError(f"--valid-for {text}: a token that is valid for no second is of no use")
    return life


def _read_object(option: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(
            f"{option} is no JSON object", hint='write it as {"name": "value"}, in quotes for the shell'
        )
    return value
