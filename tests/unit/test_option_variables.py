"""Options and their variables: each is in the catalogue, which refuses what the option refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from meetctl.cli.file_defaults import FileDefaults
from meetctl.cli.main import app
from meetctl.core.values import PlainLayer, Values
from meetctl.core.variables import VARIABLES
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def options(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every option that has a variable, with its command's path."""
    command = command or typer.main.get_command(app)
    for name, child in getattr(command, "commands", {}).items():
        yield from options(child, (*path, name))
    yield from ((path, option) for option in command.params if option.envvar)


OPTIONS = list(options())
IDS = [f"{' '.join(path)} {option.opts[0]}" for path, option in OPTIONS]


def values(**found: str) -> Values:
    return Values([PlainLayer(kind="file", source="a file", values=found)])


def test_each_variable_of_an_option_is_in_the_catalogue_under_that_option() -> None:
    assert {option.envvar: option.opts[0] for _, option in OPTIONS}
    for _, option in OPTIONS:
        assert VARIABLES[option.envvar].option in option.opts, option.envvar


def test_keys_in_files_are_unique_and_none_lies_below_another() -> None:
    keys = [variable.key for variable in VARIABLES.values()]
    assert len(set(keys)) == len(keys)
    assert [key for key in keys if any(other.startswith(f"{key}.") for other in keys)] == []
    assert all(variable.purpose for variable in VARIABLES.values())


@pytest.mark.parametrize("option", [option for _, option in OPTIONS], ids=IDS)
def test_the_catalogue_has_the_same_bounds_as_the_option(option: Any) -> None:
    find_fault = VARIABLES[option.envvar].find_fault
    for bound, outside in ((option.min, -1), (option.max, 1)):
        if bound is not None:
            assert find_fault(str(bound)) is None
            assert find_fault(str(bound + outside)) is not None
    if option.default is not None and not option.multiple:
        assert find_fault(str(getattr(option.default, "value", option.default))) is None


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=IDS)
def test_each_option_is_given_what_a_file_says(path: tuple[str, ...], option: Any) -> None:
    good = {"MEETCTL_FALLBACK_MODEL": "a b", "MEETCTL_PRICES": "a:b"}
    default = getattr(option.default, "value", option.default)
    text = good.get(option.envvar) or str(16 if default is None else default)
    defaults: Any = FileDefaults(typer.main.get_command(app), lambda: values(**{option.envvar: text}))
    for name in path:
        defaults = defaults.get(name)
    assert defaults.get(option.name) == (["a", "b"] if option.multiple else text.strip())
    assert defaults.get("no such option") is None


def test_a_wrong_value_is_refused_but_for_help() -> None:
    command = typer.main.get_command(app)
    wrong = values(MEETCTL_FPS="often")
    start: Any = FileDefaults(command, lambda: wrong)
    with pytest.raises(UsageError, match=r"^MEETCTL_FPS \(frames kept a second, from a file\) is wrong"):
        start.get("agent").get("start").get("fps")
    lenient: Any = FileDefaults(command, lambda: wrong, is_lenient=True)
    assert lenient.get("agent").get("start").get("fps") is None
