"""Every command's help: it ends with an example that the command understands, and names what it needs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from meetctl.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^Example: (?P<line>.+)\Z", re.MULTILINE | re.DOTALL)


def commands_below(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every command that does something, however deep in the tree, with the words that call it."""
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield path, command
    for name, child in children.items():
        yield from commands_below(child, (*path, name))


MEETCTL: Any = typer.main.get_command(app)
COMMANDS = dict(commands_below(MEETCTL))


def spellings_of(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def example_of(command: Any) -> str:
    found = EXAMPLE.search((command.help or "").strip())
    return " ".join(found["line"].split()) if found else ""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_ends_with_an_example_of_the_command(path: tuple[str, ...]) -> None:
    assert f"meetctl {' '.join(path)}" in example_of(COMMANDS[path])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_example_uses_options_that_are_there(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    line = example_of(command).partition(f"meetctl {' '.join(path)}")[2].partition(" | ")[0]
    used = {word.partition("=")[0] for word in shlex.split(line.rstrip(')"')) if word.startswith("-")} - {"-"}
    # What may stand before every command may stand behind it too.
    known = {spelling for one in (*command.params, *MEETCTL.params) for spelling in spellings_of(one)}
    takes_others = command.context_settings.get("ignore_unknown_options", False)
    assert takes_others or used <= known


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    # What has no help is a parameter that only Typer knows about, such as the context.
    unexplained = [one.name for one in COMMANDS[path].params if not getattr(one, "help", None)]
    assert set(unexplained) <= {"help"}


def test_every_visible_command_has_a_page_of_its_group() -> None:
    for path, command in COMMANDS.items():
        if command.hidden:
            continue
        page = (ROOT / "docs" / "commands" / f"{path[0]}.md").read_text(encoding="utf-8")
        assert f"Usage: meetctl {' '.join(path)} [" in page
        assert f"({path[0]}.md)" in (ROOT / "docs" / "commands" / "README.md").read_text(encoding="utf-8")
