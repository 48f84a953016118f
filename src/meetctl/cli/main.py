"""The command line's front: groups and commands, and the one place where an error ends the process."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from meetctl import __version__
from meetctl.cli.agent import agent_app
from meetctl.cli.cost import cost_app
from meetctl.cli.demo import demo
from meetctl.cli.offline import offline_providers
from meetctl.cli.prices import prices_app
from meetctl.cli.replay import replay
from meetctl.cli.sql import sql
from meetctl.cli.stack import down, status, up
from meetctl.errors import ExitCode, MeetctlError, OutputError

app = typer.Typer(
    name="meetctl",
    help="Run, watch, replay and price meetings in which an AI agent takes part.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(replay)
app.command()(up)
app.command()(down)
app.command()(status)
app.command()(sql)
app.command("offline-providers", hidden=True)(offline_providers)
app.add_typer(agent_app, name="agent")
app.add_typer(cost_app, name="cost")
app.add_typer(prices_app, name="prices")


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
) -> None:
    """Run, watch, replay and price meetings in which an AI agent takes part."""


def run() -> NoReturn:
    """Run the command line, and end the process with the exit code that CONTRACTS.md promises."""
    arguments = _take_global_flags(sys.argv[1:])
    # A terminal may know fewer signs than we print; that is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(args=arguments)
    except MeetctlError as error:
        from meetctl.cli.diagnostics import report

        sys.exit(report(error))
    except Exception as error:  # noqa: BLE001  a defect of ours is one line for the user too, not a traceback
        from meetctl.cli.diagnostics import report

        sys.exit(report(_name_defect(error)))
    sys.exit(ExitCode.DONE)


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
    """Let --debug and --no-color stand anywhere, where people write them, before a bare `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, rest = arguments[:end], arguments[end:]
    if "--no-color" in options:
        os.environ["NO_COLOR"] = "1"
    if "--debug" in options:
        from meetctl.cli.diagnostics import start_debugging

        start_debugging()
    return [word for word in options if word not in ("--debug", "--no-color")] + rest
