"""From the options of `meetctl agent` to a running worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from meetctl import bootstrap
from meetctl.cli.agent_options import INSTRUCTIONS
from meetctl.cli.diagnostics import note
from meetctl.core.config import AgentSettings, find_livekit, find_provider, parse_recording
from meetctl.core.local_stack import read_stack, stack_directory
from meetctl.core.places import sessions_directory
from meetctl.domain.policy import Policy, parse_detail, parse_rate
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.agent.worker import WorkerRegistration
    from meetctl.core.config import TurnDetection

ValueT = TypeVar("ValueT")

_VOICE_MODELS = {"cartesia": "sonic-3", "rime": "coda"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChoices:
    """What the user chose, by option or by environment."""

    agent_name: str
    max_meetings: int
    idle_processes: int
    url: str | None
    host: str
    port: int
    prometheus_port: int | None
    drain_s: int
    fps: str
    window: int
    detail: str
    side: int | None
    record: str
    announce: bool
    sessions: Path | None
    model: str
    stt_model: str
    voice: str
    tts_model: str | None
    turn_detection: str
    instructions: Path | None
    greeting: str
    patience_s: float
    grace_s: float
    prices: tuple[Path, ...]


def run_agent(choices: AgentChoices) -> None:
    """Run the worker until it is told to stop.

    Raises:
        UsageError: Something of the configuration is missing or wrong.
        ServiceError: The LiveKit server cannot be reached, or refuses us.
    """
    if not choices.agent_name.strip():
        raise UsageError("--agent-name is empty", hint="without a name the agent would join every room")
    settings = make_settings(choices)
    bootstrap.check_agent_settings(settings)
    for use, access in (("model", settings.llm), ("ears", settings.stt), ("voice", settings.tts)):
        note(f"{use}: {access.name} {access.model}{' (offline, $0)' if access.is_offline else ''}")
    bootstrap.serve_meetings(
        settings,
        agent_name=choices.agent_name,
        max_meetings=choices.max_meetings,
        idle_processes=choices.idle_processes,
        host=choices.host,
        port=choices.port,
        prometheus_port=choices.prometheus_port,
        drain_timeout_s=choices.drain_s,
        on_registered=_tell_registered,
    )


def make_settings(choices: AgentChoices) -> AgentSettings:
    """Find everything that the agent of a meeting needs to know.

    Raises:
        UsageError: Something is missing or wrong.
    """
    stack = read_stack(stack_directory())
    policy = Policy(
        name="live",
        fps=_named("--fps", parse_rate, choices.fps),
        window=choices.window,
        detail=_named("--detail", parse_detail, choices.detail),
        side=choices.side,
        model=choices.model,
    )
    voice_model = choices.tts_model or _VOICE_MODELS[choices.voice]
    return AgentSettings(
        livekit=find_livekit(os.environ, stack, url=choices.url),
        llm=find_provider("openai", choices.model, os.environ, stack),
        stt=find_provider("deepgram", choices.stt_model, os.environ, stack),
        tts=find_provider(choices.voice, voice_model, os.environ, stack),
        policy=policy,
        recording=_named("--record", parse_recording, choices.record),
        sessions=(choices.sessions or sessions_directory()).absolute(),
        instructions=_read_instructions(choices.instructions),
        greeting=choices.greeting,
        announces_recording=choices.announce,
        turn_detection=cast("TurnDetection", choices.turn_detection),
        patience_s=choices.patience_s,
        grace_s=choices.grace_s,
        price_files=tuple(path.absolute() for path in choices.prices),
    )


def _tell_registered(worker: WorkerRegistration) -> None:
    place = f"health at port {worker.http_port}"
    if worker.prometheus_port is not None:
        place += f", metrics at port {worker.prometheus_port}"
    note(
        f"ready: agent {worker.agent_name!r} serves up to {worker.max_meetings} meetings "
        f"of {worker.url} ({place})"
    )


def _named(option: str, read: Callable[[str], ValueT], text: str) -> ValueT:
    """Read an option's text; what is wrong with it names the option."""
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def _read_instructions(path: Path | None) -> str:
    if path is None:
        return INSTRUCTIONS
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"--instructions {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--instructions {path} is not UTF-8 text") from error
    if not text:
        raise UsageError(f"--instructions {path} is empty")
    return text
