"""Finds what the agent is configured with: servers, providers, voices and the backend, or what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from meetctl.core.local_stack import LiveKitAccess
from meetctl.core.offers import Offer, find_offer
from meetctl.core.settings import (
    ENVIRONMENTS,
    LOG_FORMS,
    SPEAKERS,
    TURN_DETECTIONS,
    AgentSettings,
    BackendAccess,
    Environment,
    LogForm,
    ProviderAccess,
    Recording,
    Speaker,
    Transformer,
    TurnDetection,
    parse_recording,
)
from meetctl.core.sources import (
    KEY_VARIABLES,
    LIVEKIT_VARIABLES,
    OFFLINE_VARIABLE,
    Sources,
    read_values,
)
from meetctl.core.variables import CONNECTIONS, VARIABLES
from meetctl.domain.budget import (
    DEFAULT_STEPS,
    Announcing,
    BudgetLimits,
    Budgets,
    parse_limit,
    parse_steps,
    parse_tenant_limits,
)

__all__ = [
    "ENVIRONMENTS",
    "KEY_VARIABLES",
    "LOG_FORMS",
    "OFFLINE_KEY",
    "OFFLINE_VARIABLE",
    "SPEAKERS",
    "STANDARD_VOICE",
    "TURN_DETECTIONS",
    "AgentSettings",
    "BackendAccess",
    "Environment",
    "LogForm",
    "Offer",
    "ProviderAccess",
    "Recording",
    "Sources",
    "Speaker",
    "TurnDetection",
    "Voices",
    "check_configuration",
    "find_backend",
    "find_budgets",
    "find_livekit",
    "find_offer",
    "find_provider",
    "find_required",
    "find_voices",
    "parse_recording",
    "read_values",
]

OFFLINE_KEY = "offline"
"""What the plugins are given as a key for offline providers, as they insist on one."""

STANDARD_VOICE: Speaker = "cartesia"
PREMIUM_VOICE: Speaker = "rime"
VOICE_MODELS: Mapping[Speaker, str] = {"cartesia": "sonic-3", "rime": "coda"}
"""Each voice's model where no other is named."""

_BUDGETS = tuple(name for name in VARIABLES if name.startswith("MEETCTL_BUDGET_"))
_OFFLINE_PATHS = {"openai": "/v1", "deepgram": "/v1/listen", "cartesia": "", "rime": "/v1/rime-tts"}
_PROCEDURES_PATH = "/trpc"


def check_configuration(sources: Sources, chosen: Speaker) -> None:
    """Check everything that an agent with the chosen voice needs, before any of it is used.

    Raises:
        UsageError: All that is missing or malformed, together.
    """
    sources.check(find_required(sources, chosen), (*CONNECTIONS, *_BUDGETS))


def find_required(sources: Sources, chosen: Speaker) -> set[str]:
    """Return the names of the variables that an agent with the chosen voice cannot be without.

    Raises:
        UsageError: What decides that is malformed itself.
    """
    required = {
        *(name for name, variable in VARIABLES.items() if sources.environment in variable.required_in),
        *LIVEKIT_VARIABLES,
        *_backend_variables(sources),
    }
    for provider in ("openai", "deepgram", chosen, *([STANDARD_VOICE] if sources.has_backend else ())):
        required |= _provider_variables(provider, sources)
    return required - _offered_variables(sources)


def find_livekit(sources: Sources) -> LiveKitAccess:
    """Find the server: the one that values name, or the one that is offered.

    Raises:
        UsageError: There is none, or its key or secret is missing.
    """
    offer = find_offer(sources)
    sources.check((), LIVEKIT_VARIABLES)
    if offer is not None:
        return offer.access
    sources.check(LIVEKIT_VARIABLES)
    url, api_key, api_secret = map(sources.values.get, LIVEKIT_VARIABLES)
    return LiveKitAccess(url=url, api_key=api_key, api_secret=api_secret)


def find_provider(name: str, model: str, sources: Sources) -> ProviderAccess:
    """Take the real provider where its key is set, else an offline one.

    Raises:
        UsageError: There is neither.
    """
    sources.check(
        _provider_variables(name, sources), (KEY_VARIABLES[name], "OPENAI_BASE_URL", OFFLINE_VARIABLE)
    )
    if key := sources.values.get(KEY_VARIABLES[name]):
        base_url = sources.values.get("OPENAI_BASE_URL") if name == "openai" else ""
        return ProviderAccess(name=name, model=model, api_key=key, base_url=base_url or None)
    return ProviderAccess(
        name=name,
        model=model,
        api_key=OFFLINE_KEY,
        base_url=(sources.offline_url or "").rstrip("/") + _OFFLINE_PATHS[name],
        is_offline=True,
    )


def find_backend(sources: Sources) -> BackendAccess | None:
    """Find the platform's backend; None where none is named, which production does not allow.

    Raises:
        UsageError: Something of it is missing or malformed.
    """
    required = _backend_variables(sources)
    sources.check(required, ("MEETCTL_BACKEND_TRANSFORMER", "MEETCTL_BACKEND_PROCEDURES"))
    if not required:
        return None
    values = sources.values
    return BackendAccess(
        url=values.get("API_BASE_URL").rstrip("/").removesuffix(_PROCEDURES_PATH).rstrip("/"),
        api_key=values.get("AGENT_API_KEY"),
        transformer=cast("Transformer", values.get("MEETCTL_BACKEND_TRANSFORMER").lower() or "superjson"),
        procedures=json.loads(values.get("MEETCTL_BACKEND_PROCEDURES") or "{}"),
    )


def find_budgets(sources: Sources) -> Budgets:
    """Find how much may be spent, and what happens as spending nears that.

    Raises:
        UsageError: Something of it is malformed.
    """
    sources.check((), _BUDGETS)
    values = sources.values

    def limit(name: str) -> Decimal | None:
        return parse_limit(text) if (text := values.get(name)) else None

    return Budgets(
        everyone=BudgetLimits(
            meeting_usd=limit("MEETCTL_BUDGET_MEETING_USD"), day_usd=limit("MEETCTL_BUDGET_TENANT_DAY_USD")
        ),
        tenants=parse_tenant_limits(values.get("MEETCTL_BUDGET_TENANTS") or "{}"),
        steps=parse_steps(text) if (text := values.get("MEETCTL_BUDGET_STEPS")) else DEFAULT_STEPS,
        announcing=cast("Announcing", values.get("MEETCTL_BUDGET_ANNOUNCE").lower() or "off"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """The voices that an agent can have."""

    usual: ProviderAccess
    """The one where nobody says whether the premium voice is allowed."""
    premium: ProviderAccess | None
    fallbacks: tuple[ProviderAccess, ...]


def find_voices(chosen: Speaker, model: str | None, sources: Sources) -> Voices:
    """Find the chosen voice, the premium one, and what speaks when they fail or are not allowed.

    The premium voice is there where it is chosen or its key is set. In development with a backend, which
    alone can allow it, an offline one will do, so that it can be tried.

    Raises:
        UsageError: The chosen voice, or with a backend the standard one, has no key.
    """
    usual = find_provider(chosen, model or VOICE_MODELS[chosen], sources)
    if chosen == PREMIUM_VOICE:
        # With a backend a tenant may be refused the premium voice, so there has to be another one.
        has_standard = sources.has_backend or not _provider_variables(STANDARD_VOICE, sources)
        standard = (
            find_provider(STANDARD_VOICE, VOICE_MODELS[STANDARD_VOICE], sources) if has_standard else None
        )
        return Voices(usual=usual, premium=usual, fallbacks=(standard,) if standard else ())
    has_premium = bool(sources.values.get(KEY_VARIABLES[PREMIUM_VOICE])) or (
        sources.has_backend and sources.offline_url is not None
    )
    premium = find_provider(PREMIUM_VOICE, VOICE_MODELS[PREMIUM_VOICE], sources) if has_premium else None
    return Voices(usual=usual, premium=premium, fallbacks=())


def _offered_variables(sources: Sources) -> set[str]:
    """Return what need not be set because a server is offered as a whole."""
    return set(LIVEKIT_VARIABLES) if find_offer(sources) else set()


def _provider_variables(name: str, sources: Sources) -> set[str]:
    """Return what has to be set for a provider; nothing where it is there, or an offline one is."""
    variable = KEY_VARIABLES[name]
    return set() if sources.values.get(variable) or sources.offline_url else {variable}


def _backend_variables(sources: Sources) -> set[str]:
    """Return what has to be set for a backend; nothing where there need not be any."""
    needs_it = sources.has_backend or sources.environment == "production"
    return {"API_BASE_URL", "AGENT_API_KEY"} if needs_it else set()
