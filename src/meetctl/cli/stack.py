"""`meetctl up`, `down` and `status`: the local stack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.cli.stack_output import StartDisplay
    from meetctl.core.local_stack import StackPart, StackState

ServerPath = Annotated[
    Path | None,
    typer.Option(
        "--livekit-server",
        metavar="PATH",
        help="The livekit-server to run, instead of one from PATH or a cached build.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def up(
    livekit_server: ServerPath = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and run until Ctrl-C or SIGTERM.")
    ] = False,
    no_offline: Annotated[
        bool,
        typer.Option("--no-offline", help="Without the offline providers: every provider has its own key."),
    ] = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only find or build the LiveKit server, and print its path.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Start the local stack: a LiveKit server and offline providers, on this machine alone.

    Example: meetctl up
    """
    from meetctl import bootstrap
    from meetctl.cli.build_progress import BuildProgress
    from meetctl.cli.configuration import find_keys
    from meetctl.cli.stack_output import StartDisplay, print_prepared, print_stack
    from meetctl.core.local_stack import read_stack, stack_directory
    from meetctl.core.places import cache_directory
    from meetctl.stack.background import start_in_background
    from meetctl.stack.livekit_build import prepare_livekit_server

    if prepare and foreground:
        raise UsageError("--prepare and --foreground contradict each other")
    directory = stack_directory()
    keys = {} if prepare else find_keys()
    running = None if prepare else read_stack(directory)
    if running and running.state == "running":
        _refuse_failed(running)
        _note_running()
        print_stack(running, keys, json=json)
        return
    with BuildProgress() as progress:
        server = prepare_livekit_server(livekit_server, os.environ, cache_directory(), progress)
    if prepare:
        print_prepared(server, json=json)
        return
    display = StartDisplay(bootstrap.system_clock())
    if foreground:
        _stay(server.path, directory, display, keys, with_offline_providers=not no_offline, json=json)
        return
    state = start_in_background(
        binary=server.path,
        directory=directory,
        environment=os.environ,
        changed=display.show,
        with_offline_providers=not no_offline,
    )
    print_stack(state, keys, json=json)


def down() -> None:
    """End the local stack: exactly what `meetctl up` started.

    Example: meetctl down
    """
    from meetctl.cli.diagnostics import note
    from meetctl.core.local_stack import stack_directory
    from meetctl.stack.background import end_stack

    ended = end_stack(stack_directory())
    note("the local stack has ended" if ended else "the local stack was not running")


def status(
    json: AsJson = False,
    env: Annotated[
        bool,
        typer.Option("--env", help="Print shell lines that set LIVEKIT_URL, _API_KEY and _API_SECRET."),
    ] = False,
) -> None:
    """Say what of the local stack runs, and which providers are real; exit 3 unless all of it runs.

    Example: eval "$(meetctl status --env)"
    """
    from meetctl.cli.configuration import find_keys
    from meetctl.cli.stack_output import print_environment, print_stack
    from meetctl.core.local_stack import read_stack, stack_directory

    if env and json:
        raise UsageError("--env and --json contradict each other")
    state = read_stack(stack_directory())
    if env:
        print_environment(state)
        return
    print_stack(state, find_keys(), json=json)
    if state is None:
        raise ServiceError("the local stack is not running", hint="`meetctl up` starts it")
    _refuse_failed(state)
    if state.state != "running":
        raise ServiceError("the local stack is still coming up", hint="ask again in a moment")


def _stay(
    binary: Path,
    directory: Path,
    display: StartDisplay,
    keys: Mapping[str, str],
    *,
    with_offline_providers: bool,
    json: bool,
) -> None:
    """Be the supervisor, and print the stack once it is up."""
    from meetctl import bootstrap
    from meetctl.cli.diagnostics import note, warn
    from meetctl.cli.stack_output import print_stack
    from meetctl.stack.foreground import run_stack

    printed = False

    def show(state: StackState) -> None:
        nonlocal printed
        display.show(state)
        if state.state == "running" and not printed:
            printed = True
            print_stack(state, keys, json=json)

    def tell_crash(part: StackPart) -> None:
        warn(f"{part.name} {part.detail}; its log is {part.log}")

    ran = run_stack(
        binary=binary,
        directory=directory,
        environment=os.environ,
        clock=bootstrap.system_clock(),
        changed=show,
        crashed=tell_crash,
        with_offline_providers=with_offline_providers,
    )
    if ran:
        note("the local stack has ended")
    else:
        _note_running()


def _note_running() -> None:
    from meetctl.cli.diagnostics import note

    note("the local stack is running already")


def _refuse_failed(state: StackState) -> None:
    if failed := state.failed_parts:
        what = "; ".join(f"{part.name} {part.detail}" for part in failed)
        raise ServiceError(
            f"a part of the local stack has failed: {what}",
            hint=f"its log is {failed[0].log}; `meetctl down` and `meetctl up` start anew",
        )
