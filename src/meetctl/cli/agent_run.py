"""From the options of `meetctl agent` to a running worker."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from meetctl import bootstrap
from meetctl.cli.agent_options import INSTRUCTIONS
from meetctl.cli.configuration import find_sources
from meetctl.cli.diagnostics import note
from meetctl.core.config import (
    AgentSettings,
    check_configuration,
    find_backend,
    find_budgets,
    find_livekit,
    find_provider,
    find_voices,
    parse_recording,
)
from meetctl.core.log_file import LogFile, open_log_file
from meetctl.core.log_format import choose_form
from meetctl.core.monitoring import start_logging
from meetctl.core.places import choose_logs_directory, sessions_directory
from meetctl.core.redaction import find_secrets
from meetctl.core.worker_options import WorkerOptions
from meetctl.domain.policy import Policy, parse_detail, parse_rate
from meetctl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from meetctl.core.config import Environment, LogForm, ProviderAccess, Sources, Speaker, TurnDetection
    from meetctl.core.worker_options import WorkerRegistration

ValueT = TypeVar("ValueT")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChoices:
    """What the user chose, by option or by environment."""

    environment: Environment
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
    fallback_models: tuple[str, ...]
    stt_model: str
    voice: Speaker
    tts_model: str | None
    turn_detection: TurnDetection
    instructions: Path | None
    greeting: str
    patience_s: float
    grace_s: float
    knowledge_wait_s: float
    prices: tuple[Path, ...]
    log_format: LogForm
    log_content: bool
    log_directory: str | None


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
    tell = _start_telling(settings, choices)
    tell_providers(settings, tell)
    bootstrap.serve_meetings(
        settings,
        WorkerOptions(
            agent_name=choices.agent_name,
            max_meetings=choices.max_meetings,
            idle_processes=choices.idle_processes,
            host=choices.host,
            port=choices.port,
            prometheus_port=choices.prometheus_port,
            drain_timeout_s=choices.drain_s,
        ),
        on_registered=lambda worker: tell(_show_registered(worker)),
    )


def _start_telling(settings: AgentSettings, choices: AgentChoices) -> Callable[[str], None]:
    """Start the log, and return what tells the user something: as a line of it where a program reads it."""
    file, problem = _open_log_file(choices.log_directory)
    start_logging(
        form=choices.log_format,
        environment=settings.environment,
        secrets=find_secrets(settings),
        logs_content=settings.logs_content,
        file=file,
    )
    if problem is not None:
        logger.warning("%s; it goes to stderr alone", problem.message)
    if choose_form(choices.log_format, environment=settings.environment, stream=sys.stderr) == "json":
        return logger.info

    def tell(message: str) -> None:
        note(message)
        if file is not None:
            file.note(message)

    return tell


def _open_log_file(directory: str | None) -> tuple[LogFile | None, OutputError | None]:
    """Begin the worker's log file, unless it is turned off; where there can be none, say why."""
    chosen = choose_logs_directory(directory)
    if chosen is None:
        return None, None
    try:
        return open_log_file(chosen, bootstrap.system_clock().now()), None
    except OutputError as error:
        return None, error


def make_settings(choices: AgentChoices) -> AgentSettings:
    """Find everything that the agent of a meeting needs to know.

    Raises:
        UsageError: Something is missing or wrong.
    """
    sources = find_sources(url=choices.url, environment=choices.environment)
    check_configuration(sources, choices.voice)
    voices = find_voices(choices.voice, choices.tts_model, sources)
    return AgentSettings(
        livekit=find_livekit(sources),
        llm=find_provider("openai", choices.model, sources),
        stt=find_provider("deepgram", choices.stt_model, sources),
        tts=voices.usual,
        policy=_make_policy(choices),
        recording=_named("--record", parse_recording, choices.record),
        sessions=(choices.sessions or sessions_directory()).absolute(),
        instructions=_read_instructions(choices.instructions),
        greeting=choices.greeting,
        announces_recording=choices.announce,
        turn_detection=choices.turn_detection,
        patience_s=choices.patience_s,
        grace_s=choices.grace_s,
        price_files=tuple(path.absolute() for path in choices.prices),
        environment=choices.environment,
        backend=find_backend(sources),
        budgets=find_budgets(sources),
        premium_tts=voices.premium,
        llm_fallbacks=_find_fallback_models(choices, sources),
        tts_fallbacks=voices.fallbacks,
        knowledge_wait_s=choices.knowledge_wait_s,
        logs_content=choices.log_content,
    )


def _make_policy(choices: AgentChoices) -> Policy:
    return Policy(
        name="live",
        fps=_named("--fps", parse_rate, choices.fps),
        window=choices.window,
        detail=_named("--detail", parse_detail, choices.detail),
        side=choices.side,
        model=choices.model,
    )


def _find_fallback_models(choices: AgentChoices, sources: Sources) -> tuple[ProviderAccess, ...]:
    models = (choices.model, *choices.fallback_models)
    for place, model in enumerate(models):
        if not model.strip() or model in models[:place]:
            raise UsageError(
                f"--fallback-model {model!r} names no other model than those before it",
                hint="each is asked when the one before it fails",
            )
    return tuple(find_provider("openai", model, sources) for model in choices.fallback_models)


def tell_providers(settings: AgentSettings, tell: Callable[[str], None]) -> None:
    """Say who thinks, hears and speaks, who does when they fail, and where the backend is."""
    chains = (
        ("model", (settings.llm, *settings.llm_fallbacks)),
        ("ears", (settings.stt, *settings.stt_fallbacks)),
        ("voice", (settings.tts, *settings.tts_fallbacks)),
    )
    for use, (first, *others) in chains:
        tell(f"{use}: {_show(first)}" + "".join(f", else {_show(other)}" for other in others))
    if settings.premium_tts is not None and settings.premium_tts != settings.tts:
        tell(f"premium voice: {_show(settings.premium_tts)}")
    if settings.backend is not None:
        tell(f"backend: {settings.backend.url}")


def _show(access: ProviderAccess) -> str:
    return f"{access.name} {access.model}{' (offline, $0)' if access.is_offline else ''}"


def _show_registered(worker: WorkerRegistration) -> str:
    place = f"health at port {worker.http_port}"
    if worker.prometheus_port is not None:
        place += f", metrics at port {worker.prometheus_port}"
    return (
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
