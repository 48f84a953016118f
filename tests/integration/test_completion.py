"""Shell completion as shells ask for it: by environment variables, and in a real bash."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pytest
import typer
import typer.main
from tests.local_stack import run_livekit_server

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.cli.completion import add_completions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meetctl.core.local_stack import LiveKitAccess

MEETCTL = Path(sys.executable).with_name("meetctl")
ROOMS = ("daily", "standup", "standup-2", "room with blanks", "$(touch hacked)", "-y", "*")
LIMIT_S = 120


def environment_of(server: LiveKitAccess) -> dict[str, str]:
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    """A server with some rooms, whose names are not all harmless."""

    async def make_rooms(access: LiveKitAccess) -> None:
        admin = LiveKitAdmin(access)
        for name in ROOMS:
            await admin.create_room(name, empty_timeout_s=3600)
        await admin.aclose()

    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        asyncio.run(make_rooms(access))
        yield access


def ask(line: str, *, shell: str = "bash", env: dict[str, str] | None = None) -> list[str]:
    """Return what is suggested for the last word of a line; nothing may be printed but that."""
    words = line.split(" ")
    protocol = {
        "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [MEETCTL],
        env={**os.environ, **protocol, "_MEETCTL_COMPLETE": f"complete_{shell}", **(env or {})},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_rooms_of_the_server_are_suggested(server: LiveKitAccess) -> None:
    env = environment_of(server)
    assert ask("meetctl token mint --room stand", env=env) == ["standup", "standup-2"]
    assert ask("meetctl record d", env=env) == ["daily"]


def test_names_that_a_shell_would_read_otherwise_are_left_out(server: LiveKitAccess) -> None:
    assert ask("meetctl token mint --room ", env=environment_of(server)) == ["daily", "standup", "standup-2"]


def test_the_option_url_is_heeded(server: LiveKitAccess) -> None:
    env = {**environment_of(server), "LIVEKIT_URL": "ws://127.0.0.1:1"}
    assert ask(f"meetctl token mint --url {server.url} --room da", env=env) == ["daily"]


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"LIVEKIT_URL": "ws://127.0.0.1:1", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32},
        {"LIVEKIT_URL": "nonsense", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32},
    ],
    ids=["not configured", "down", "malformed"],
)
def test_without_a_server_nothing_is_suggested_or_said(env: dict[str, str]) -> None:
    assert ask("meetctl token mint --room ", env=env) == []


def test_a_wrong_key_is_passed_over_in_silence(server: LiveKitAccess) -> None:
    assert ask("meetctl record ", env={**environment_of(server), "LIVEKIT_API_SECRET": "w" * 40}) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_models_and_commands_are_suggested_in_every_shell(shell: str) -> None:
    assert "gpt-4.1-mini" in " ".join(ask("meetctl replay --model gpt-4.1-", shell=shell))
    assert "explain" in " ".join(ask("meetctl token ex", shell=shell))


def test_only_language_models_are_suggested_where_one_is_meant() -> None:
    assert "sonic-3" in ask("meetctl prices show so")
    assert ask("meetctl replay --model so") == []


def test_profiles_are_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meetctl.toml").write_text("[profiles.staging]\n[profiles.production]\n")
    monkeypatch.chdir(tmp_path)
    assert ask("meetctl --profile ") == ["production", "staging"]


def test_a_wrong_file_is_passed_over_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meetctl.toml").write_text("this is no TOML")
    monkeypatch.chdir(tmp_path)
    assert ask("meetctl --profile ") == []
    assert ask("meetctl record ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    done = subprocess.run(
        [MEETCTL],
        env={**os.environ, "_MEETCTL_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert f"_MEETCTL_COMPLETE=complete_{shell}" in done.stdout


def test_in_a_real_bash(server: LiveKitAccess, tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    script = """
        eval "$(_MEETCTL_COMPLETE=source_bash meetctl)"
        COMP_WORDS=(meetctl record st) COMP_CWORD=2
        $(complete -p meetctl | sed 's/.*-F \\([^ ]*\\).*/\\1/') meetctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        [require_tool("bash"), "--norc", "-c", script],
        env={**os.environ, **environment_of(server), "PATH": f"{MEETCTL.parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["standup", "standup-2"], "")


def test_it_costs_no_other_start_anything() -> None:
    program = """
import runpy, sys
sys.argv = ["meetctl", "--version"]
try:
    runpy.run_module("meetctl", run_name="__main__")
finally:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "meetctl.cli.main" in done.stdout
    assert "meetctl.cli.completion" not in done.stdout


def suggest_own(incomplete: str) -> list[str]:
    return [f"{incomplete}-own"]


def test_commands_that_come_later_are_completed_too() -> None:
    app, group = typer.Typer(), typer.Typer()

    @group.command("show")
    def show(
        session: Annotated[str, typer.Argument(metavar="SESSION")],
        model: Annotated[str, typer.Option(autocompletion=suggest_own)] = "",
        limit: Annotated[int, typer.Option()] = 1,
    ) -> None:
        """Take names, as a command that is written later will."""

    group.command("hide")(show)
    app.add_typer(group, name="group")
    command = typer.main.get_command(app)
    add_completions(command)
    parameters = {
        one.name: one
        for one in getattr(command, "commands")["group"].commands["show"].params  # noqa: B009
    }
    changed = {name for name, one in parameters.items() if "shell_complete" in vars(one)}
    assert changed == {"session", "model"}
    context = typer.Context(command)
    assert [one.value for one in parameters["model"].shell_complete(context, "gpt")] == ["gpt-own"]
