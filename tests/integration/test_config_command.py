"""`meetctl config show` and `check`, and what files do to other commands, by the real command."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from meetctl.core.local_stack import LiveKitAccess, ProcessIdentity, StackState, stack_directory
from meetctl.core.variables import VARIABLES
from meetctl.stack.process import identify
from meetctl.stack.state_file import write_state

if TYPE_CHECKING:
    import subprocess

    from tests.conftest import MeetctlRunner

CONFIG = """
[livekit]
url = "wss://meet.example"
api_key = "APIkey"
api_secret = "${LK_SECRET:-file-secret-1}"
[openai]
api_key = "sk-file-secret-2"
[agent]
fps = 2
[profiles.staging.livekit]
url = "wss://staging.example"
"""
SERVER = {
    "LIVEKIT_URL": "wss://env.example",
    "LIVEKIT_API_KEY": "APIenv",
    "LIVEKIT_API_SECRET": "env-secret-3",
}
OFFLINE = {"MEETCTL_OFFLINE_URL": "http://127.0.0.1:9"}
SECRETS = ("file-secret-1", "sk-file-secret-2", "env-secret-3", "lk-secret-4", "stack-secret-5")


def write_config(text: str = CONFIG, path: str = "meetctl.toml", mode: int = 0o600) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def write_lk() -> None:
    project = {"name": "cloud", "url": "wss://lk.example", "api_key": "APIlk", "api_secret": "lk-secret-4"}
    text = yaml.safe_dump({"default_project": "cloud", "projects": [project]})
    write_config(text, f"{os.environ['HOME']}/.livekit/cli-config.yaml")


def run_local_stack() -> None:
    """Leave what a supervisor writes: this process stands for it."""
    identity = identify(os.getpid())
    assert isinstance(identity, ProcessIdentity)
    access = LiveKitAccess(url="ws://127.0.0.1:7880", api_key="devkey", api_secret="stack-secret-5")
    state = StackState(
        id="stack",
        state="running",
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        supervisor=identity,
        livekit=access,
        offline_url="http://127.0.0.1:4010",
    )
    directory = stack_directory()
    directory.mkdir(parents=True)
    write_state(state, directory)


def show(meetctl: MeetctlRunner, *options: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = meetctl("config", "show", "--json", *options, env=env)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["schema"] == "meetctl.config/1"
    assert [value["variable"] for value in document["values"]] == list(VARIABLES)
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    return document


def source_of(document: dict[str, Any], key: str) -> tuple[object, object, object]:
    (value,) = (value for value in document["values"] if value["key"] == key)
    return value["value"], value["source"], value["from"]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("meetctl: "))
    return line


def test_each_value_is_shown_with_its_source(meetctl: MeetctlRunner) -> None:
    write_config()
    write_config("agent.window = 3\nagent.fps = 5", f"{os.environ['XDG_CONFIG_HOME']}/meetctl/config.toml")
    document = show(meetctl, env={"MEETCTL_DETAIL": "low", "DEEPGRAM_API_KEY": "env-secret-3"})
    assert source_of(document, "livekit.url") == (
        "wss://meet.example",
        "file",
        "livekit.url in meetctl.toml",
    )
    assert source_of(document, "livekit.api_secret")[:2] == ("[secret]", "file")
    assert source_of(document, "deepgram.api_key") == ("[secret]", "environment", "the environment")
    assert source_of(document, "agent.fps")[:2] == ("2", "file")
    assert source_of(document, "agent.window") == (
        "3",
        "file",
        "agent.window in ~/.config/meetctl/config.toml",
    )
    assert source_of(document, "agent.detail") == ("low", "environment", "the environment")
    assert source_of(document, "agent.model") == ("gpt-4.1", "default", "default")
    assert source_of(document, "agent.side") == (None, None, None)
    assert [(file["role"], file["found"]) for file in document["files"]] == [
        ("working directory", True),
        ("user", True),
    ]
    assert document["files"][0]["profiles"] == ["staging"]


def test_the_option_and_the_profile_are_sources_too(meetctl: MeetctlRunner) -> None:
    write_config()
    document = show(meetctl, "--url", "wss://option.example")
    assert source_of(document, "livekit.url") == ("wss://option.example", "option", "--url")
    document = show(meetctl, "--profile", "staging")
    assert document["profile"] == "staging"
    assert source_of(document, "livekit.url") == (
        "wss://staging.example",
        "file",
        "profiles.staging.livekit.url in meetctl.toml",
    )
    assert show(meetctl, env={"MEETCTL_PROFILE": "staging"})["profile"] == "staging"


def test_lks_project_and_the_local_stack_are_shown_as_sources(meetctl: MeetctlRunner) -> None:
    write_lk()
    document = show(meetctl)
    assert source_of(document, "livekit.url") == ("wss://lk.example", "lk", "lk's project cloud")
    assert source_of(document, "livekit.api_secret") == ("[secret]", "lk", "lk's project cloud")
    assert document["lk"]["projects"] == ["cloud"]
    run_local_stack()
    document = show(meetctl)
    assert source_of(document, "livekit.url") == ("ws://127.0.0.1:7880", "local stack", "the local stack")
    assert source_of(document, "openai.api_key") == (None, None, "no key: offline, $0")
    document = show(meetctl, env={"MEETCTL_LIVEKIT_PROJECT": "cloud"})
    assert source_of(document, "livekit.url")[1] == "lk"
    assert source_of(show(meetctl, "--environment", "production"), "livekit.url")[1] == "lk"


def test_people_see_a_table_and_the_places_that_were_looked_at(meetctl: MeetctlRunner) -> None:
    write_config()
    done = meetctl("config", "show")
    assert done.returncode == 0
    assert not any(secret in done.stdout for secret in SECRETS)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["livekit.api_secret", "[secret]", "meetctl.toml", "LIVEKIT_API_SECRET"] in lines
    assert "meetctl.toml (read; profiles: staging)" in done.stdout
    assert "config.toml (not there)" in done.stdout
    assert "cli-config.yaml (lk's; not there)" in done.stdout
    assert "the local stack (not running)" in done.stdout


def test_what_is_wrong_is_told_after_everything_else(meetctl: MeetctlRunner) -> None:
    write_config(CONFIG.replace("fps = 2", 'fps = "often"\ncolour = 1'))
    done = meetctl("config", "show", "--json", env=SERVER)
    assert "unknown key agent.colour" in refused(done)
    document = json.loads(done.stdout)
    assert document["files"][0]["problems"]
    assert source_of(document, "livekit.url")[1] == "environment"


def test_check_praises_in_one_line(meetctl: MeetctlRunner) -> None:
    done = meetctl("config", "check", env=SERVER | OFFLINE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The configuration is good for development: LiveKit at wss://env.example.\n"
    done = meetctl("config", "check", "--json", env=SERVER | OFFLINE)
    assert json.loads(done.stdout) == {
        "schema": "meetctl.config_check/1",
        "environment": "development",
        "good": True,
        "problems": [],
    }


def test_check_tells_everything_at_once(meetctl: MeetctlRunner) -> None:
    write_config(
        'environment = "prod"\nagent.fps = "often"\nopenai.base_url = "nowhere"\nrime.api_key = "${RIME}"'
    )
    done = meetctl("config", "check", "--environment", "production", "--json", env={"LIVEKIT_URL": "ftp://x"})
    assert refused(done) == "meetctl: the configuration has 12 problems"
    document = json.loads(done.stdout)
    kinds = [problem["kind"] for problem in document["problems"]]
    assert kinds == ["malformed"] * 5 + ["missing"] * 7
    told = " ".join(problem["message"] for problem in document["problems"])
    for words in (
        "LIVEKIT_URL (the LiveKit server's address, from the environment) is 'ftp://x'",
        "from openai.base_url in meetctl.toml) is 'nowhere'",
        "rime.api_key in meetctl.toml asks for ${RIME}, which is not set",
        "from agent.fps in meetctl.toml) is wrong: fps 'often'",
        "AGENT_API_KEY (the agent's key to the platform's backend) is not set (required in production)",
    ):
        assert words in told


def test_check_names_files_that_cannot_be_used_too(meetctl: MeetctlRunner) -> None:
    write_config("[agent")
    done = meetctl("config", "check", env=SERVER | OFFLINE)
    refused(done)
    assert done.stdout.startswith("meetctl.toml is no TOML: ")


def test_check_names_a_project_that_lk_does_not_have(meetctl: MeetctlRunner) -> None:
    write_lk()
    done = meetctl("config", "check", env={"MEETCTL_LIVEKIT_PROJECT": "clod"})
    refused(done)
    assert "lk has no project 'clod'; did you mean cloud?" in done.stdout


def test_an_unknown_profile_is_refused_by_every_command(meetctl: MeetctlRunner) -> None:
    write_config()
    for command in (("agent", "start"), ("config", "show"), ("replay", "no.mkv"), ("status",)):
        line = refused(meetctl(*command, "--profile=stagin"))
        assert line == "meetctl: profile 'stagin' is in no file; did you mean staging?"


def test_profile_needs_a_name(meetctl: MeetctlRunner) -> None:
    assert refused(meetctl("config", "show", "--profile")) == "meetctl: --profile names no profile"


def test_what_the_environment_overrides_of_a_profile_is_warned_of(meetctl: MeetctlRunner) -> None:
    write_config()
    done = meetctl("config", "show", "--profile", "staging", env=SERVER)
    assert done.stderr == "warning: LIVEKIT_URL of the environment goes before that of profile staging\n"


def test_a_secret_that_others_may_read_is_warned_of(meetctl: MeetctlRunner) -> None:
    write_config(mode=0o644)
    done = meetctl("config", "show")
    assert "warning: meetctl.toml holds openai.api_key in plain text, and others may read it" in done.stderr
    assert not any(secret in done.stderr for secret in SECRETS)


def test_options_are_taken_from_files_under_their_variables(meetctl: MeetctlRunner) -> None:
    """What is refused, with its source, shows whose value reached the command."""
    write_config("agent.model = 'from-the-file'")
    providers = SERVER | OFFLINE
    ran = meetctl("agent", "start", env=providers)
    assert "offline/from-the-file" in refused(ran)
    ran = meetctl("agent", "start", env=providers | {"MEETCTL_MODEL": "from-the-environment"})
    assert "offline/from-the-environment" in refused(ran)
    ran = meetctl("agent", "start", "--model", "from-the-option", env=providers)
    assert "offline/from-the-option" in refused(ran)


def test_lists_and_flags_of_files_reach_their_options(meetctl: MeetctlRunner, recordings: Path) -> None:
    write_config("prices.files = ['missing-1.toml', 'missing-2.toml']")
    line = refused(meetctl("replay", "--coverage", "off", recordings / "quarterly-review"))
    assert "missing-1.toml" in line
    write_config("agent.fallback_models = ['gpt-4.1-mini', 'gpt-4.1-mini']\nagent.announce = false")
    line = refused(meetctl("agent", "start", env=SERVER | OFFLINE))
    assert "'gpt-4.1-mini' names no other model" in line


@pytest.mark.parametrize("content", ["[agent", "agent.fps = 'often'", "colour = 1"])
def test_help_is_shown_whatever_a_file_says(meetctl: MeetctlRunner, content: str) -> None:
    write_config(content)
    for command in (("--help",), ("agent", "start", "--help"), ("--version",), ("agent", "start", "-h")):
        assert meetctl(*command).returncode == 0


def test_a_command_without_configuration_needs_no_good_file(meetctl: MeetctlRunner) -> None:
    write_config("[agent")
    assert meetctl("down").returncode == 0


def test_status_knows_the_keys_in_files(meetctl: MeetctlRunner) -> None:
    write_config()
    document = json.loads(meetctl("status", "--json").stdout)
    assert {one["name"]: one["use"] for one in document["providers"]}["OpenAI"] == "real"
