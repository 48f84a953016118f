"""What `meetctl config` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.cli.output import print_lines, print_text, render
from meetctl.core.config import find_livekit, find_offer
from meetctl.core.lk_config import lk_path, read_lk
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from meetctl.core.config_files import ConfigFile, ConfigFiles
    from meetctl.core.effective import EffectiveValue, Problem
    from meetctl.core.sources import Sources

_MALFORMED = "[malformed]"
_WIDE = 100
"""Columns in which all of the table fits."""


def show_values(files: ConfigFiles, sources: Sources, values: Sequence[EffectiveValue]) -> None:
    """Print a table of the values, and the places that were looked at."""
    print_text(render(lambda console: console.print(_make_table(values, console.width)), for_stdout=True))
    print_lines(_place_lines(files, sources))


def _make_table(values: Sequence[EffectiveValue], width: int) -> Table:
    """Return the values as a table; on a narrow terminal without the names of their variables."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    headings = ("Key", "Value", "From", "Variable")[: 4 if width >= _WIDE else 3]
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"
    for value in values:
        shown = _MALFORMED if value.problem else value.shown
        key = value.variable.key
        cells = (key, "–" if shown is None else shown, _shorten(value.source, key), value.variable.name)
        is_set = value.kind not in (None, "default")
        # As Text, since brackets in a value would be read as markup.
        row = [Text(show_plain(cell)) for cell in cells[: len(headings)]]
        table.add_row(*row, style=None if is_set or value.problem else "dim")
    return table


def _shorten(source: str, key: str) -> str:
    """Leave out of a source the key that stands beside it: "meetctl.toml", or "meetctl.toml, staging"."""
    before, found, file = source.partition(f"{key} in ")
    profile = before.removeprefix("profiles.").removesuffix(".")
    return source if not found else f"{file}, {profile}" if profile else file


def _place_lines(files: ConfigFiles, sources: Sources) -> Iterator[str]:
    yield f"Environment: {sources.environment}" + (f", profile {files.profile}" if files.profile else "")
    yield "Looked at, strongest first:"
    yield "  the environment"
    for file in files.files:
        yield f"  {show_plain(str(file.path))} ({_describe_file(file)})"
    if sources.lk_file is not None:
        lk = read_lk(sources.lk_file)
        projects = f"lk's; projects: {', '.join(map(show_plain, lk.projects)) or 'none'}"
        state = lk.problem or projects if lk.is_there else "lk's; not there"
        yield f"  {show_plain(str(sources.lk_file))} ({state})"
    yield f"  the local stack ({_describe_stack(sources)})"


def _describe_file(file: ConfigFile) -> str:
    if not file.is_there:
        return "not there"
    if file.problems:
        return "wrong, not used"
    profiles = ", ".join(map(show_plain, file.profiles))
    return "read; profiles: " + profiles if profiles else "read"


def _describe_stack(sources: Sources) -> str:
    if sources.environment == "production":
        return "not used in production"
    return "not running" if sources.stack is None else "running"


def make_show_document(
    files: ConfigFiles, sources: Sources, values: Sequence[EffectiveValue]
) -> dict[str, Any]:
    """Return the document of `meetctl config show --json`; it has no secret in it."""
    lk = sources.lk_file and read_lk(sources.lk_file)
    return {
        "schema": "meetctl.config/1",
        "environment": sources.environment,
        "profile": files.profile,
        "files": [
            {
                "path": str(file.path),
                "role": file.role,
                "found": file.is_there,
                "profiles": list(file.profiles),
                "problems": list(file.problems),
            }
            for file in files.files
        ],
        "lk": lk
        and {
            "path": str(lk_path()),
            "found": lk.is_there,
            "projects": list(lk.projects),
            "default": lk.default,
            "problem": lk.problem,
        },
        "local_stack": sources.stack is not None and sources.environment != "production",
        "values": [
            {
                "key": value.variable.key,
                "variable": value.variable.name,
                "option": value.variable.option,
                "value": value.shown,
                "secret": value.variable.is_secret,
                "source": value.kind,
                "from": value.source or None,
                "problem": value.problem,
            }
            for value in values
        ],
    }


def make_check_document(sources: Sources, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the document of `meetctl config check --json`."""
    return {
        "schema": "meetctl.config_check/1",
        "environment": sources.environment,
        "good": not problems,
        "problems": [
            {"kind": problem.kind, "variable": problem.variable, "message": problem.message}
            for problem in problems
        ],
    }


def praise(sources: Sources) -> str:
    """Say in one line that nothing is missing or malformed."""
    offer = find_offer(sources)
    server = find_livekit(sources).url + (f" from {offer.source}" if offer else "")
    return f"The configuration is good for {sources.environment}: LiveKit at {server}."
