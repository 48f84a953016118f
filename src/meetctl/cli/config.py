"""`meetctl config`: what meetctl is configured with, where that comes from, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from meetctl.cli.agent_options import Environment
from meetctl.cli.options import AsJson, Url
from meetctl.core.places import sessions_directory
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.core import settings

config_app = typer.Typer(
    help="Show the configuration with its sources, and check it.", no_args_is_help=True, rich_markup_mode=None
)

Where = Annotated[
    Environment | None,
    typer.Option("--environment", help="Development or production; as configured if not given."),
]


@config_app.command()
def show(context: typer.Context, environment: Where = None, url: Url = None, json: AsJson = False) -> None:
    """Show every value and where it comes from, and which files were looked at; secrets are not shown.

    Exit 2 when a file or a value is wrong, after showing the rest.

    Example: meetctl config show --profile staging
    """
    from meetctl.cli.config_output import make_show_document, show_values
    from meetctl.cli.configuration import make_sources, read_config_files, warn_of_files
    from meetctl.cli.output import print_json
    from meetctl.core.effective import list_values

    files = read_config_files()
    warn_of_files(files)
    sources = make_sources(files, url=url, environment=_name(environment))
    values = list_values(sources, find_defaults(context.find_root().command))
    if json:
        print_json(make_show_document(files, sources, values))
    else:
        show_values(files, sources, values)
    problems = [*files.find_problems(), *(value.problem for value in values if value.problem)]
    if problems:
        raise UsageError(
            "; ".join(problems), hint="`meetctl config check` tells all that is wrong or missing"
        )


@config_app.command()
def check(environment: Where = None, url: Url = None, json: AsJson = False) -> None:
    """Say everything that is missing or malformed for an agent, all at once; exit 2 if anything is.

    Example: meetctl config check --environment production
    """
    from meetctl.cli.config_output import make_check_document, praise
    from meetctl.cli.configuration import make_sources, read_config_files, warn_of_files
    from meetctl.cli.output import print_json, print_lines
    from meetctl.core.effective import find_all_problems

    files = read_config_files()
    warn_of_files(files)
    sources = make_sources(files, url=url, environment=_name(environment))
    problems = find_all_problems(files, sources)
    if json:
        print_json(make_check_document(sources, problems))
    else:
        print_lines([problem.message for problem in problems] or [praise(sources)])
    if problems:
        missing = [problem.variable for problem in problems if problem.variable]
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise UsageError(f"the configuration has {count}", hint=sources.hint(missing) if missing else None)


def _name(environment: Environment | None) -> settings.Environment | None:
    return None if environment is None else environment.value


def find_defaults(command: Any) -> dict[str, str]:
    """Return the defaults of all options below a command that have a variable, by its name."""
    defaults = {"MEETCTL_SESSIONS": str(sessions_directory())}
    for child in getattr(command, "commands", {}).values():
        defaults |= find_defaults(child)
    for option in command.params:
        default = getattr(option.default, "value", option.default)
        if option.envvar and default is not None:
            defaults[option.envvar] = str(default).lower() if isinstance(default, bool) else str(default)
    return defaults
