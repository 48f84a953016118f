"""Whom a token is for, and what it lacks for that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meetctl.domain.control import is_observer
from meetctl.domain.tokens import AGENT_KIND, LIVEKIT_KINDS
from meetctl.domain.video_grants import unknown_sources

if TYPE_CHECKING:
    from meetctl.domain.token_claims import TokenClaims
    from meetctl.domain.tokens import TokenPurpose


def guess_purpose(claims: TokenClaims) -> TokenPurpose | None:
    """Tell whom a token seems to be for; None for one that joins no room and registers no agent."""
    grants = claims.grants
    if grants.agent or claims.kind == AGENT_KIND:
        return "agent"
    if not grants.room_join:
        return None
    return "observer" if grants.hidden and not grants.may_publish else "participant"


def list_lacking(claims: TokenClaims, purpose: TokenPurpose | None) -> Iterator[str]:
    """Say what a token needs for its purpose and does not have, in words that follow `it lacks`."""
    grants = claims.grants
    if grants.room_admin and not grants.room:
        yield "a room to administer, without which it administers none"
    if strange := unknown_sources(grants):
        yield f"sources that LiveKit knows; {', '.join(map(repr, strange))} is none"
    if purpose is None:
        return
    if not grants.room_join:
        yield "the right to join a room"
    if not claims.identity:
        yield "an identity, without which nobody can join"
    if not grants.may_subscribe:
        yield "the right to see and hear others"
    needs = {"agent": _list_lacking_agent, "observer": _list_lacking_observer}
    yield from needs.get(purpose, _list_lacking_participant)(claims)


def _list_lacking_participant(claims: TokenClaims) -> Iterator[str]:
    grants = claims.grants
    if claims.kind in (AGENT_KIND, *LIVEKIT_KINDS):
        yield f"the kind of a person: LiveKit takes it for {claims.kind!r}"
    if grants.hidden:
        yield "being seen: it is hidden, so nobody sees or hears it"
    if not grants.may_publish:
        yield "the right to speak, or to share anything"
    elif not grants.may_publish_source("microphone"):
        yield "the microphone among what it may publish, so it cannot speak"
    if not grants.may_publish_data:
        yield "the right to send messages"


def _list_lacking_agent(claims: TokenClaims) -> Iterator[str]:
    grants = claims.grants
    if claims.kind != AGENT_KIND:
        yield "the kind 'agent', so it is taken for a person"
    if not grants.agent:
        yield "the agent grant, so it cannot register as a worker"
    if not grants.may_publish_source("microphone"):
        yield "the right to publish its voice"
    if not grants.may_publish_data:
        yield "the right to send messages, which captions are"
    if not grants.can_update_own_metadata:
        yield "the right to change its own attributes, which say what it does"


def _list_lacking_observer(claims: TokenClaims) -> Iterator[str]:
    grants = claims.grants
    if claims.kind in (AGENT_KIND, *LIVEKIT_KINDS):
        yield f"the kind of a person: LiveKit takes it for {claims.kind!r}"
    if not grants.hidden:
        yield "being hidden, without which the agent sends it nothing"
    if grants.may_publish or grants.may_publish_data:
        yield "being unable to send: an observer only listens"
    if not is_observer(claims.identity):
        yield "the identity of an observer: observer- and 16 to 64 random letters, digits, - or _"
