"""What the backend can be asked, and how each question may be treated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One procedure of the backend, by the name that it has unless configured otherwise."""

    name: str
    is_query: bool = False
    """Whether it is asked with GET; else it changes something, and is asked with POST."""
    is_repeatable: bool = False
    """Whether asking twice does no more than asking once."""
    may_find_nothing: bool = False
    """Whether NOT_FOUND is an answer: there is none."""


GET_TENANT_BY_ROOM = Procedure(
    name="livekit.getTenantByRoom", is_query=True, is_repeatable=True, may_find_nothing=True
)
# Each record and each event carries a key that counts once.
TRACK_USAGE = Procedure(name="livekit.trackUsage", is_repeatable=True)
RECORD_SESSION_EVENT = Procedure(name="livekit.recordSessionEvent", is_repeatable=True)
SEARCH_KNOWLEDGE = Procedure(name="knowledge.search", is_query=True, is_repeatable=True)
CHECK_FEATURE_FLAG = Procedure(name="featureFlags.check", is_query=True, is_repeatable=True)
GET_AI_PERSONALITY = Procedure(
    name="ai.getPersonality", is_query=True, is_repeatable=True, may_find_nothing=True
)
CREATE_TOKEN = Procedure(name="livekit.createToken")

PROCEDURES = (
    GET_TENANT_BY_ROOM,
    TRACK_USAGE,
    RECORD_SESSION_EVENT,
    SEARCH_KNOWLEDGE,
    CHECK_FEATURE_FLAG,
    GET_AI_PERSONALITY,
    CREATE_TOKEN,
)
