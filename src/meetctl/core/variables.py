"""The variables that meetctl is configured by: what each is for, and what may stand in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from meetctl.core.settings import ENVIRONMENTS, LOG_FORMS, TRANSFORMERS, Environment
from meetctl.domain.budget import ANNOUNCINGS, parse_limit, parse_steps, parse_tenant_limits
from meetctl.errors import UsageError

PROCEDURES = (
    "livekit.getTenantByRoom",
    "livekit.trackUsage",
    "livekit.recordSessionEvent",
    "livekit.createToken",
    "knowledge.search",
    "featureFlags.check",
    "ai.getPersonality",
)
"""The backend's procedures, by our names."""

_FLAGS = ("1", "0", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n")
"""What the command line takes for a flag, in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of the environment."""

    name: str
    purpose: str
    """What it is for, in words that can stand in brackets behind its name."""
    find_fault: Callable[[str], str | None]
    """Says what is wrong with a value, in words that follow the name, and without the value of a secret."""
    is_secret: bool = False
    option: str | None = None
    """The option that is stronger than it."""
    required_in: tuple[Environment, ...] = ()
    """Where nothing can stand in for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Values from one place, by the names of their variables."""

    source: str
    """Where they come from, in words that follow "from"."""
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value, and where it comes from."""

    value: str = field(repr=False)
    source: str


class Values:
    """Looks values up in layers, of which the strongest comes first. An empty value is none."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)

    def find(self, name: str) -> Found | None:
        """Return a variable's value without surrounding blanks, and its source; None where it has none."""
        for layer in self._layers:
            if value := layer.values.get(name, "").strip():
                return Found(value=value, source=layer.source)
        return None

    def get(self, name: str) -> str:
        """Return a variable's value; empty where it has none."""
        found = self.find(name)
        return found.value if found else ""


def check_variables(
    values: Values, required: Collection[str], names: Collection[str] = (), *, hint: str, where: str = ""
) -> None:
    """Check that required variables have values, and that those and `names` have good ones.

    `where` says in which circumstances they are required, in words that follow "not set".

    Raises:
        UsageError: All that is missing or malformed, together.
    """
    missing = [VARIABLES[name] for name in VARIABLES if name in required and not values.find(name)]
    problems = []
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        named = ", ".join(f"{variable.name} ({variable.purpose})" for variable in missing)
        problems.append(f"{named} {verb} not set{where}")
    for name, variable in VARIABLES.items():
        found = values.find(name) if name in required or name in names else None
        fault = variable.find_fault(found.value) if found else None
        if found and fault:
            problems.append(f"{name} ({variable.purpose}, from {found.source}) {fault}")
    if problems:
        raise UsageError("; ".join(problems), hint=hint)


def _address_fault(*schemes: str) -> Callable[[str], str | None]:
    def find_fault(text: str) -> str | None:
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            return "is no address"
        # What may be a password is not shown, so these come before the faults that show the value.
        if "@" in text:
            return "holds a user or a password, which do not belong there"
        if parts.query or parts.fragment:
            return "holds more than an address: leave out what begins with ? or #"
        if parts.scheme not in schemes or "://" not in text:
            begins = " or ".join(f"{scheme}://" for scheme in schemes)
            return f"is {text!r}, which does not begin with {begins}"
        if not parts.hostname or port == 0 or any(character.isspace() for character in text):
            return f"is {text!r}, which names no host"
        return None

    return find_fault


def _key_fault(text: str) -> str | None:
    if not (text.isascii() and text.isprintable()) or " " in text:
        return "holds a blank or another character that no key has"
    return None


def _choice_fault(choices: Sequence[str]) -> Callable[[str], str | None]:
    def find_fault(text: str) -> str | None:
        return None if text.lower() in choices else f"is {text!r}, which is none of {', '.join(choices)}"

    return find_fault


def _procedures_fault(text: str) -> str | None:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, dict) or not all(isinstance(name, str) and name for name in names.values()):
        return 'is no JSON object of names, such as {"knowledge.search": "rag.find"}'
    unknown = [name for name in names if name not in PROCEDURES]
    if unknown:
        return f"names {', '.join(map(repr, unknown))}; the procedures are {', '.join(PROCEDURES)}"
    return None


def _reading_fault(read: Callable[[str], object]) -> Callable[[str], str | None]:
    """Return what finds fault with what cannot be read."""

    def find_fault(text: str) -> str | None:
        try:
            read(text)
        except UsageError as error:
            return f"is wrong: {error.message}"
        return None

    return find_fault


def _key(name: str, purpose: str, *required_in: Environment) -> Variable:
    return Variable(
        name=name, purpose=purpose, find_fault=_key_fault, is_secret=True, required_in=required_in
    )


_EVERY = (
    Variable(
        name="LIVEKIT_URL",
        purpose="the LiveKit server's address",
        find_fault=_address_fault("ws", "wss", "http", "https"),
        option="--url",
        required_in=("production",),
    ),
    Variable(
        name="LIVEKIT_API_KEY",
        purpose="a key that the LiveKit server knows",
        find_fault=_key_fault,
        required_in=("production",),
    ),
    _key("LIVEKIT_API_SECRET", "that key's secret", "production"),
    _key("OPENAI_API_KEY", "OpenAI's key, for the model", "production"),
    Variable(
        name="OPENAI_BASE_URL",
        purpose="where an API like OpenAI's is, other than OpenAI itself",
        find_fault=_address_fault("http", "https"),
    ),
    _key("DEEPGRAM_API_KEY", "Deepgram's key, for the ears", "production"),
    _key("CARTESIA_API_KEY", "Cartesia's key, for the standard voice", "production"),
    _key("RIME_API_KEY", "Rime's key, for the premium voice"),
    Variable(
        name="API_BASE_URL",
        purpose="the platform backend's address",
        find_fault=_address_fault("http", "https"),
        required_in=("production",),
    ),
    _key("AGENT_API_KEY", "the agent's key to the platform's backend", "production"),
    Variable(
        name="MEETCTL_BACKEND_TRANSFORMER",
        purpose="how the backend's data is written",
        find_fault=_choice_fault(TRANSFORMERS),
    ),
    Variable(
        name="MEETCTL_BACKEND_PROCEDURES",
        purpose="the backend's procedures that have other names than ours",
        find_fault=_procedures_fault,
    ),
    Variable(
        name="MEETCTL_OFFLINE_URL",
        purpose="where offline providers are, other than those of the local stack",
        find_fault=_address_fault("http", "https"),
    ),
    Variable(
        name="MEETCTL_ENV",
        purpose="whether this is development or production",
        find_fault=_choice_fault(ENVIRONMENTS),
        option="--environment",
    ),
    Variable(
        name="MEETCTL_LOG_FORMAT",
        purpose="how log lines are written",
        find_fault=_choice_fault(LOG_FORMS),
        option="--log-format",
    ),
    Variable(
        name="MEETCTL_LOG_CONTENT",
        purpose="whether log lines may hold what people said, and their names",
        find_fault=_choice_fault(_FLAGS),
        option="--log-content",
    ),
    Variable(
        name="MEETCTL_BUDGET_MEETING_USD",
        purpose="how much a meeting may cost",
        find_fault=_reading_fault(parse_limit),
    ),
    Variable(
        name="MEETCTL_BUDGET_TENANT_DAY_USD",
        purpose="how much all meetings of a tenant may cost in a day",
        find_fault=_reading_fault(parse_limit),
    ),
    Variable(
        name="MEETCTL_BUDGET_TENANTS",
        purpose="tenants with budgets of their own",
        find_fault=_reading_fault(parse_tenant_limits),
    ),
    Variable(
        name="MEETCTL_BUDGET_STEPS",
        purpose="what the agent gives up as spending nears a budget",
        find_fault=_reading_fault(parse_steps),
    ),
    Variable(
        name="MEETCTL_BUDGET_ANNOUNCE",
        purpose="how people are told of that",
        find_fault=_choice_fault(ANNOUNCINGS),
    ),
)

VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _EVERY}
"""All of them, by name; the options of the commands have their own besides these."""
