"""The variables that meetctl is configured by: what each is for, its key in files, and what may stand in it.

To add one, add a line to the catalogue: whatever reads variables finds its value in the environment and in
files then, an option with its name as `envvar` does so too, and `meetctl config` shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from meetctl.core import faults
from meetctl.core.faults import FindFault
from meetctl.core.places import NO_LOGS
from meetctl.core.settings import (
    ENVIRONMENTS,
    LOG_FORMS,
    SPEAKERS,
    TRANSFORMERS,
    TURN_DETECTIONS,
    Environment,
    parse_recording,
)
from meetctl.domain.budget import ANNOUNCINGS, parse_limit, parse_steps, parse_tenant_limits
from meetctl.domain.policy import parse_detail, parse_rate

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


class Form(Enum):
    """What a value is in a TOML file; in the environment it is always a text."""

    TEXT = "a text"
    NUMBER = "a number"
    FLAG = "true or false"
    NAMES = "a list of names"
    """In the environment with blanks between them."""
    PATH = "a path"
    """In a file relative to that file's directory."""
    PATHS = "a list of paths"
    """In the environment with the system's separator between them."""
    TABLE = "a table"
    """In the environment a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One thing that meetctl can be told."""

    name: str
    """Its name in the environment."""
    key: str
    """Its key in files, with dots: "livekit.url" is `url` in the table `livekit`."""
    purpose: str
    """What it is for, in words that can stand in brackets behind its name."""
    find_fault: FindFault
    """Says what is wrong with a value, in words that follow the name, and without the value of a secret."""
    form: Form = Form.TEXT
    words: tuple[str, ...] = ()
    """Values of a path that are none, such as "off"."""
    is_secret: bool = False
    option: str | None = None
    """The option that is stronger than it."""
    required_in: tuple[Environment, ...] = ()
    """Where nothing can stand in for it."""


def _secret(name: str, key: str, purpose: str, *required_in: Environment) -> Variable:
    return Variable(
        name=name,
        key=key,
        purpose=purpose,
        find_fault=faults.key,
        is_secret=True,
        required_in=required_in,
    )


def _option(
    option: str,
    key: str,
    purpose: str,
    find_fault: FindFault = faults.accept_any,
    form: Form = Form.TEXT,
    *,
    name: str | None = None,
    words: tuple[str, ...] = (),
) -> Variable:
    """Return the variable of an option: named as the option, unless it is named here."""
    return Variable(
        name=name or "MEETCTL_" + option.removeprefix("--").replace("-", "_").upper(),
        key=key,
        purpose=purpose,
        find_fault=find_fault,
        form=form,
        words=words,
        option=option,
    )


def _find_procedures_fault(text: str) -> str | None:
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


_HTTP = faults.address("http", "https")

_CONNECTIONS = (
    Variable(
        name="LIVEKIT_URL",
        key="livekit.url",
        purpose="the LiveKit server's address",
        find_fault=faults.address("ws", "wss", "http", "https"),
        option="--url",
        required_in=("production",),
    ),
    Variable(
        name="LIVEKIT_API_KEY",
        key="livekit.api_key",
        purpose="a key that the LiveKit server knows",
        find_fault=faults.key,
        required_in=("production",),
    ),
    _secret("LIVEKIT_API_SECRET", "livekit.api_secret", "that key's secret", "production"),
    Variable(
        name="MEETCTL_LIVEKIT_PROJECT",
        key="livekit.project",
        purpose="the project of lk's own configuration whose server is used",
        find_fault=faults.accept_any,
    ),
    _secret("OPENAI_API_KEY", "openai.api_key", "OpenAI's key, for the model", "production"),
    Variable(
        name="OPENAI_BASE_URL",
        key="openai.base_url",
        purpose="where an API like OpenAI's is, other than OpenAI itself",
        find_fault=_HTTP,
    ),
    _secret("DEEPGRAM_API_KEY", "deepgram.api_key", "Deepgram's key, for the ears", "production"),
    _secret("CARTESIA_API_KEY", "cartesia.api_key", "Cartesia's key, for the standard voice", "production"),
    _secret("RIME_API_KEY", "rime.api_key", "Rime's key, for the premium voice"),
    Variable(
        name="API_BASE_URL",
        key="backend.url",
        purpose="the platform backend's address",
        find_fault=_HTTP,
        required_in=("production",),
    ),
    _secret("AGENT_API_KEY", "backend.api_key", "the agent's key to the platform's backend", "production"),
    Variable(
        name="MEETCTL_BACKEND_TRANSFORMER",
        key="backend.transformer",
        purpose="how the backend's data is written",
        find_fault=faults.choice(TRANSFORMERS),
    ),
    Variable(
        name="MEETCTL_BACKEND_PROCEDURES",
        key="backend.procedures",
        purpose="the backend's procedures that have other names than ours",
        find_fault=_find_procedures_fault,
        form=Form.TABLE,
    ),
    Variable(
        name="MEETCTL_OFFLINE_URL",
        key="offline.url",
        purpose="where offline providers are, other than those of the local stack",
        find_fault=_HTTP,
    ),
)

_DASHBOARD = (_secret("MEETCTL_TUI_PASSWORD", "tui.password", "the password of a dashboard that is served"),)

_WHOLE = faults.whole_number()
_SECONDS = faults.number()
_PORT = faults.whole_number(most=65535)

_OPTIONS = (
    _option(
        "--environment",
        "environment",
        "whether this is development or production",
        faults.choice(ENVIRONMENTS),
        name="MEETCTL_ENV",
    ),
    _option("--log-format", "log.format", "how log lines are written", faults.choice(LOG_FORMS)),
    _option(
        "--log-content",
        "log.content",
        "whether log lines may hold what people said, and their names",
        faults.flag,
        Form.FLAG,
    ),
    _option(
        "--log-directory",
        "log.directory",
        "where workers keep their logs; off for nowhere",
        form=Form.PATH,
        words=(NO_LOGS,),
    ),
    _option("--sessions", "sessions.directory", "where sessions' bundles are", form=Form.PATH),
    _option("--prices", "prices.files", "TOML files with prices of your own", form=Form.PATHS),
    _option("--agent-name", "agent.name", "the name that dispatches ask for"),
    _option(
        "--max-meetings",
        "agent.max_meetings",
        "meetings at a time",
        faults.whole_number(least=1),
        Form.NUMBER,
    ),
    _option(
        "--idle-processes",
        "agent.idle_processes",
        "processes kept ready for the next meeting",
        _WHOLE,
        Form.NUMBER,
    ),
    _option("--host", "agent.host", "where health and metrics are served"),
    _option("--port", "agent.port", "the port for health", _PORT, Form.NUMBER),
    _option("--prometheus-port", "agent.prometheus_port", "the port for Prometheus", _PORT, Form.NUMBER),
    _option("--drain-s", "agent.drain_s", "how long meetings may take to end", _WHOLE, Form.NUMBER),
    _option("--fps", "agent.fps", "frames kept a second", faults.parsed_by(parse_rate), Form.NUMBER),
    _option("--window", "agent.window", "kept frames attached to each request", _WHOLE, Form.NUMBER),
    _option(
        "--detail", "agent.detail", "how closely the model looks", faults.parsed_by(parse_detail), Form.TEXT
    ),
    _option(
        "--side",
        "agent.side",
        "the longest side of a sent image",
        faults.whole_number(least=16),
        Form.NUMBER,
    ),
    _option(
        "--record",
        "agent.record",
        "what of the video is recorded",
        faults.parsed_by(parse_recording),
        Form.NUMBER,
    ),
    _option(
        "--announce",
        "agent.announce",
        "whether people are told that they are recorded",
        faults.flag,
        Form.FLAG,
    ),
    _option("--model", "agent.model", "OpenAI's model"),
    _option(
        "--fallback-model",
        "agent.fallback_models",
        "models that are asked when the one before fails",
        form=Form.NAMES,
    ),
    _option("--stt-model", "agent.stt_model", "Deepgram's model"),
    _option("--voice", "agent.voice", "whose voice the agent has", faults.choice(SPEAKERS)),
    _option("--tts-model", "agent.tts_model", "the voice's model"),
    _option(
        "--turn-detection",
        "agent.turn_detection",
        "what decides that a person has finished",
        faults.choice(TURN_DETECTIONS),
    ),
    _option(
        "--instructions", "agent.instructions", "a text file with the agent's instructions", form=Form.PATH
    ),
    _option("--greeting", "agent.greeting", "what the agent says first"),
    _option(
        "--patience-s",
        "agent.patience_s",
        "how long it waits for the first person",
        _SECONDS,
        Form.NUMBER,
    ),
    _option(
        "--grace-s",
        "agent.grace_s",
        "how long it waits for somebody to return",
        _SECONDS,
        Form.NUMBER,
    ),
    _option(
        "--knowledge-wait",
        "agent.knowledge_wait_s",
        "how long an answer waits for knowledge",
        _SECONDS,
        Form.NUMBER,
    ),
)

_BUDGETS = (
    Variable(
        name="MEETCTL_BUDGET_MEETING_USD",
        key="budget.meeting_usd",
        purpose="how much a meeting may cost",
        find_fault=faults.parsed_by(parse_limit),
        form=Form.NUMBER,
    ),
    Variable(
        name="MEETCTL_BUDGET_TENANT_DAY_USD",
        key="budget.tenant_day_usd",
        purpose="how much all meetings of a tenant may cost in a day",
        find_fault=faults.parsed_by(parse_limit),
        form=Form.NUMBER,
    ),
    Variable(
        name="MEETCTL_BUDGET_TENANTS",
        key="budget.tenants",
        purpose="tenants with budgets of their own",
        find_fault=faults.parsed_by(parse_tenant_limits),
        form=Form.TABLE,
    ),
    Variable(
        name="MEETCTL_BUDGET_STEPS",
        key="budget.steps",
        purpose="what the agent gives up as spending nears a budget",
        find_fault=faults.parsed_by(parse_steps),
    ),
    Variable(
        name="MEETCTL_BUDGET_ANNOUNCE",
        key="budget.announce",
        purpose="how people are told of that",
        find_fault=faults.choice(ANNOUNCINGS),
    ),
)

CONNECTIONS = tuple(variable.name for variable in _CONNECTIONS)
"""The names of those that say what is connected to, by which key."""

VARIABLES: Mapping[str, Variable] = {
    variable.name: variable for variable in (*_CONNECTIONS, *_OPTIONS, *_BUDGETS, *_DASHBOARD)
}
"""All of them, by name."""
