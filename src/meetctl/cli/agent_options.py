"""The options of `meetctl agent`, each with its help text and its environment variable."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

INSTRUCTIONS = (
    "You are an assistant in a meeting. You hear what people say and you see what they share: pictures of "
    "it stand before their words, each with its place in time and its age; where several people are there, "
    "each message begins with the name of who said it. Answer in one or two short spoken "
    "sentences, without lists or markup. Say what you see only where it matters, and say so when you cannot "
    "see something."
)
GREETING = "Hello, I am the assistant. I can hear you and see what you share."


class Speaker(StrEnum):
    """Whose voice the agent has."""

    CARTESIA = "cartesia"
    RIME = "rime"


class TurnDetection(StrEnum):
    """What decides that a person has finished."""

    MODEL = "v1-mini"
    VAD = "vad"


class Environment(StrEnum):
    """Where the agent runs, which decides what it may not be without."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines are written."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def _option(
    help_text: str,
    variable: str,
    metavar: str | None = None,
    *,
    min: int | None = None,
    max: int | None = None,
) -> OptionInfo:
    """Return an option that the environment can set as well."""
    option: OptionInfo = typer.Option(
        metavar=metavar, envvar=f"MEETCTL_{variable}", help=help_text, min=min, max=max
    )
    return option


Where = Annotated[
    Environment,
    _option("What it may not be without: production takes real providers and needs a backend.", "ENV"),
]
LogLines = Annotated[
    LogFormat,
    _option("How log lines are written; auto is JSON in production, text on a terminal.", "LOG_FORMAT"),
]
LogContent = Annotated[
    bool,
    typer.Option(
        "--log-content/--no-log-content",
        envvar="MEETCTL_LOG_CONTENT",
        help="Let log lines hold what people said, and their names.",
    ),
]
LogDirectory = Annotated[
    str | None,
    _option(
        "Where the worker keeps its log; the state directory if not given, off for nowhere.",
        "LOG_DIRECTORY",
        "DIRECTORY",
    ),
]
Name = Annotated[str, _option("The name that dispatches ask for.", "AGENT_NAME", "NAME")]
MaxMeetings = Annotated[
    int, _option("Meetings at a time; start more workers for more.", "MAX_MEETINGS", "NUMBER", min=1)
]
Idle = Annotated[
    int, _option("Processes kept ready for the next meeting.", "IDLE_PROCESSES", "NUMBER", min=0)
]
Url = Annotated[str | None, typer.Option("--url", help="The LiveKit server; LIVEKIT_URL if not given.")]
Host = Annotated[str, _option("Where health and metrics are served.", "HOST", "ADDRESS")]
Port = Annotated[int, _option("The port for health; 0 for a free one.", "PORT", "PORT", min=0, max=65535)]
Metrics = Annotated[
    int | None,
    _option("The port for Prometheus; none if not given.", "PROMETHEUS_PORT", "PORT", min=0, max=65535),
]
Drain = Annotated[
    int,
    _option(
        "Seconds that running meetings may take to end after the first signal.", "DRAIN_S", "SECONDS", min=0
    ),
]
Fps = Annotated[str, _option("Frames kept a second: 1, 0.5, every-frame; 0 for none.", "FPS", "RATE")]
Window = Annotated[int, _option("Kept frames attached to each request.", "WINDOW", "FRAMES", min=0)]
Detail = Annotated[
    str, _option("How closely the model looks: auto, low, high and others.", "DETAIL", "DETAIL")
]
Side = Annotated[
    int | None, _option("Longest side of a sent image; own size if not given.", "SIDE", "PIXELS", min=16)
]
Record = Annotated[
    str, _option("What of the video is recorded: off, sampled, full, or frames a second.", "RECORD", "HOW")
]
Announce = Annotated[
    bool,
    typer.Option(
        "--announce/--no-announce",
        envvar="MEETCTL_ANNOUNCE",
        help="Tell people that the meeting is recorded.",
    ),
]
Sessions = Annotated[
    Path | None,
    _option("Where sessions' bundles go; the data directory if not given.", "SESSIONS", "DIRECTORY"),
]
Llm = Annotated[str, _option("OpenAI's model.", "MODEL", "NAME")]
FallbackLlm = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback-model",
        metavar="NAME",
        envvar="MEETCTL_FALLBACK_MODEL",
        help="OpenAI's model that is asked when the one before it fails. May be repeated.",
    ),
]
Stt = Annotated[str, _option("Deepgram's model.", "STT_MODEL", "NAME")]
Voice = Annotated[
    Speaker, _option("Whose voice the agent has, where no backend says what the tenant may have.", "VOICE")
]
Tts = Annotated[
    str | None, _option("That voice's model; sonic-3 for Cartesia, coda for Rime.", "TTS_MODEL", "NAME")
]
Turns = Annotated[TurnDetection, _option("What decides that a person has finished.", "TURN_DETECTION")]
Instructions = Annotated[
    Path | None, _option("A text file with the agent's instructions.", "INSTRUCTIONS", "FILE")
]
Greeting = Annotated[str, _option("What the agent says first; empty for nothing.", "GREETING", "TEXT")]
Grace = Annotated[
    float, _option("How long it waits for somebody to return before it leaves.", "GRACE_S", "SECONDS", min=0)
]
Patience = Annotated[
    float, _option("How long it waits for the first person.", "PATIENCE_S", "SECONDS", min=0)
]
KnowledgeWait = Annotated[
    float,
    typer.Option(
        "--knowledge-wait",
        metavar="SECONDS",
        envvar="MEETCTL_KNOWLEDGE_WAIT",
        min=0,
        help="How long an answer waits for the tenant's knowledge.",
    ),
]
Prices = Annotated[
    list[Path] | None, _option("A TOML file with prices of your own. May be repeated.", "PRICES", "FILE")
]
