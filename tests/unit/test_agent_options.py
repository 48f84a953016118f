"""From the options and the variables of `meetctl agent start` to the agent's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from meetctl.cli import agent_run
from meetctl.cli.agent_run import AgentChoices, make_settings
from meetctl.cli.main import app
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.core.config import AgentSettings

LOCAL = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "livekit-secret",
    "MEETCTL_OFFLINE_URL": "http://127.0.0.1:9999",
}
BACKEND = {"API_BASE_URL": "https://api.example/trpc", "AGENT_API_KEY": "agent-key"}
KEYS = {"OPENAI_API_KEY": "openai-key", "DEEPGRAM_API_KEY": "dg-key", "CARTESIA_API_KEY": "ca-key"}


class Command:
    """Runs `agent start` up to its choices."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._taken: list[AgentChoices] = []
        monkeypatch.setattr(agent_run, "run_agent", self._taken.append)

    def choose(self, *options: str, env: Mapping[str, str]) -> AgentChoices:
        for name, value in env.items():
            self._monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, ["agent", "start", *options])
        assert result.exit_code == 0, result.output
        return self._taken[-1]

    def settle(self, *options: str, env: Mapping[str, str]) -> AgentSettings:
        return make_settings(self.choose(*options, env=env))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def test_development_with_offline_providers_needs_nothing_else(command: Command) -> None:
    settings = command.settle(env=LOCAL)
    assert settings.environment == "development"
    assert settings.llm.is_offline
    assert (settings.backend, settings.premium_tts) == (None, None)
    assert settings.llm_fallbacks == settings.stt_fallbacks == settings.tts_fallbacks == ()
    assert (settings.knowledge_wait_s, settings.logs_content) == (0.8, False)


def test_production_takes_real_providers_and_the_backend(command: Command) -> None:
    env = {**LOCAL, **BACKEND, **KEYS, "RIME_API_KEY": "rime-key", "MEETCTL_ENV": "production"}
    settings = command.settle(env=env)
    assert settings.environment == "production"
    assert settings.backend is not None
    assert settings.backend.url == "https://api.example"
    assert settings.premium_tts is not None
    assert settings.premium_tts.api_key == "rime-key"
    used = (settings.llm, settings.stt, settings.tts, settings.premium_tts)
    assert not any(access.is_offline for access in used)


def test_production_without_keys_tells_all_of_them(command: Command) -> None:
    with pytest.raises(UsageError) as error:
        command.settle("--environment", "production", env=LOCAL)
    assert all(name in error.value.message for name in (*KEYS, *BACKEND))


def test_fallbacks_keep_their_order(command: Command) -> None:
    options = ("--fallback-model", "gpt-4.1-mini", "--fallback-model", "gpt-4o", "--voice", "rime")
    settings = command.settle(*options, env=LOCAL)
    assert [access.model for access in settings.llm_fallbacks] == ["gpt-4.1-mini", "gpt-4o"]
    assert (settings.tts.name, [access.name for access in settings.tts_fallbacks]) == ("rime", ["cartesia"])


@pytest.mark.parametrize("models", [["gpt-4.1"], ["gpt-4o", "gpt-4o"], [" "]])
def test_a_fallback_has_to_be_another_model(command: Command, models: list[str]) -> None:
    options = [word for model in models for word in ("--fallback-model", model)]
    with pytest.raises(UsageError, match=r"^--fallback-model"):
        command.settle(*options, env=LOCAL)


def test_variables_set_the_same_as_options(command: Command) -> None:
    env = {
        **LOCAL,
        "MEETCTL_FALLBACK_MODEL": "gpt-4.1-mini gpt-4o",
        "MEETCTL_KNOWLEDGE_WAIT": "0.3",
        "MEETCTL_LOG_CONTENT": "1",
        "MEETCTL_LOG_FORMAT": "json",
        "MEETCTL_LOG_DIRECTORY": "off",
    }
    choices = command.choose(env=env)
    assert choices.log_directory == "off"
    assert choices.fallback_models == ("gpt-4.1-mini", "gpt-4o")
    assert (choices.log_format, choices.log_content, choices.knowledge_wait_s) == ("json", True, 0.3)
    settings = make_settings(choices)
    assert (settings.knowledge_wait_s, settings.logs_content) == (0.3, True)
    stronger = command.choose("--log-format", "text", "--no-log-content", "--knowledge-wait", "1", env=env)
    assert (stronger.log_format, stronger.log_content, stronger.knowledge_wait_s) == ("text", False, 1.0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MEETCTL_ENV", "staging"), ("MEETCTL_LOG_FORMAT", "xml"), ("MEETCTL_LOG_CONTENT", "perhaps")],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(app, ["agent", "start"])
    assert result.exit_code == 2
    assert variable in result.output


def test_what_the_worker_uses_is_told_without_keys(command: Command) -> None:
    settings = command.settle("--fallback-model", "gpt-4o", env={**LOCAL, **BACKEND, **KEYS})
    told: list[str] = []
    agent_run.tell_providers(settings, told.append)
    assert told == [
        "model: openai gpt-4.1, else openai gpt-4o",
        "ears: deepgram nova-3",
        "voice: cartesia sonic-3",
        "premium voice: rime coda (offline, $0)",
        "backend: https://api.example",
    ]
