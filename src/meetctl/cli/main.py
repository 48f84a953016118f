"""The command line's front: groups and commands, and the one place where an error ends the process."""

from __future__ import annotations

import errno
import functools
import os
import sys
import warnings
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import typer.main

from meetctl import __version__
from meetctl.cli.commands import LoadingGroup
from meetctl.cli.ending import end_process
from meetctl.cli.file_defaults import FileDefaults
from meetctl.errors import ExitCode, MeetctlError, OutputError, UsageError

if TYPE_CHECKING:
    from meetctl.core.values import Values

app = typer.Typer(
    name="meetctl",
    cls=LoadingGroup,
    help="Run, watch, replay and price meetings in which an AI agent takes part.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meetctl {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour, as with NO_COLOR.")] = False,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="The configuration files' values of this profile."),
    ] = None,
) -> None:
    """Run, watch, replay and price meetings in which an AI agent takes part."""


def run() -> NoReturn:
    """Run the command line, and end the process with the exit code that CONTRACTS.md promises."""
    # A terminal may know fewer signs than we print; that is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # The library that signs tokens prints this on every command; those that are about keys say it plainly.
    warnings.filterwarnings("ignore", "The HMAC key is", append=True)
    end_process(_call(sys.argv[1:]))


def _call(arguments: list[str]) -> int:
    """Run a command, and return its exit code; an error is told on stderr."""
    try:
        _run_command(_take_global_flags(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except MeetctlError as error:
        from meetctl.cli.diagnostics import report

        return report(error)
    except Exception as error:  # noqa: BLE001  a defect of ours is one line for the user too, not a traceback
        from meetctl.cli.diagnostics import report

        return report(_name_defect(error))
    return ExitCode.DONE


def _run_command(arguments: list[str]) -> None:
    command = typer.main.get_command(app)
    is_completing = "_MEETCTL_COMPLETE" in os.environ
    if is_completing:
        from meetctl.cli.completion import add_completions

        add_completions(command)
    _pass_over_groups(command, arguments)
    is_lenient = is_completing or not {"-h", "--help"}.isdisjoint(arguments)
    # Each option asks, so that files are read only for a command with such options; they are read once.
    read_values = functools.cache(_read_file_values)
    command(args=arguments, default_map=FileDefaults(command, read_values, is_lenient=is_lenient))


def _pass_over_groups(command: Any, arguments: list[str]) -> None:
    """Let no option be looked for that would stand between groups, before the command itself.

    There is none: _take_global_flags has taken what may stand there. To see that, Typer would import
    pydantic, a third of what a command's help costs.
    """
    for place, word in enumerate(arguments):
        child = getattr(command, "commands", {}).get(word)
        if child is None:
            return
        command.add_help_option = False
        if place == 0:
            command.params = []
        command = child


def _read_file_values() -> Values:
    from meetctl.cli.configuration import read_config_files
    from meetctl.core.values import Values

    files = read_config_files()
    files.check()
    return Values(files.layers())


def _name_defect(error: Exception) -> MeetctlError:
    """Say in one line what nobody foresaw, and keep its traceback for --debug."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        defect: MeetctlError = OutputError("stdout cannot be written: no space is left")
    else:
        defect = MeetctlError(
            f"an unexpected {type(error).__name__}; this is a defect of meetctl",
            hint="run it again with --debug and report what it prints",
        )
    return defect.with_traceback(error.__traceback__)


def _take_global_flags(arguments: list[str]) -> list[str]:
    """Let --debug, --no-color and --profile stand anywhere, where people write them, before a bare `--`.

    Raises:
        UsageError: --profile stands alone.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, rest = iter(arguments[:end]), arguments[end:]
    kept = []
    for word in options:
        match word.partition("="):
            case ("--no-color", "", _):
                os.environ["NO_COLOR"] = "1"
            case ("--debug", "", _):
                from meetctl.cli.diagnostics import start_debugging

                start_debugging()
            case ("--profile", sign, value):
                os.environ["MEETCTL_PROFILE"] = name = value if sign else next(options, "")
                if not name or name.startswith("-"):
                    raise UsageError("--profile names no profile", hint="--profile staging")
            case _:
                kept.append(word)
    return kept + rest
