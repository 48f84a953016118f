"""Shell completion with real names: rooms of the server, sessions of this machine, models of the price book.

A shell starts the command for each Tab, so nothing here runs, or is imported, at any other time. Whatever
goes wrong there are no suggestions, and nothing is printed: somebody is in the middle of a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from meetctl.cli.commands import LoadingCommands

if TYPE_CHECKING:
    from meetctl.ports import RoomAdmin

_LIMIT_S = 2.0
"""How long a server may take: somebody waits with the finger on the key."""

_USUAL_AGENT = "meetctl"
_SAFE = re.compile(r"[A-Za-z0-9_.@%+=:/][A-Za-z0-9_.@%+=:/-]*")
"""Names that every shell reads as they are.

Others are left out: anybody may name a room, and the shells' scripts put a suggestion into the line unquoted.
"""

Suggest = Callable[[typer.Context], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One suggestion, with all that Typer looks at when it writes it for a shell."""

    value: str
    help: str | None = None
    type: str = "plain"


def add_completions(command: Any) -> None:
    """Give every parameter below a command that names a thing what suggests such things.

    Which that is follows from its name and metavar, so a command that comes later is completed too. What
    suggests by itself already goes on to do so.
    """
    for parameter in command.params:
        if suggest := _choose(parameter):
            parameter.shell_complete = _complete_with(suggest, parameter.shell_complete)
    children = getattr(command, "commands", {})
    if isinstance(children, LoadingCommands):
        children.prepare_with(add_completions)
        return
    for child in children.values():
        add_completions(child)


def _choose(parameter: Any) -> Suggest | None:
    """Return what suggests values of a parameter; None where it takes no names."""
    kind = str(parameter.metavar or "").strip("[]….").lower()
    by_name: dict[str, Suggest] = {
        "room": suggest_rooms,
        "rooms": suggest_rooms,
        "session": suggest_sessions,
        "model": suggest_language_models,
        "profile": suggest_profiles,
        "agent": suggest_agents,
        "agent_name": suggest_agents,
    }
    by_kind: dict[str, Suggest] = {"room": suggest_rooms, "session": suggest_sessions}
    if parameter.param_type_name == "argument":
        by_kind |= {
            "model": suggest_models,
            "identity": suggest_participants,
            "dispatch": suggest_dispatches,
        }
    return by_kind.get(kind) or by_name.get(parameter.name)


def _complete_with(
    suggest: Suggest, usual: Callable[[typer.Context, str], list[Any]]
) -> Callable[[typer.Context, str], list[Any]]:
    def complete(ctx: typer.Context, incomplete: str) -> list[Any]:
        if found := usual(ctx, incomplete):
            return found
        with _silence():
            if profile := ctx.find_root().params.get("profile"):
                os.environ["MEETCTL_PROFILE"] = str(profile)
            try:
                names = [name for name in suggest(ctx) if name.startswith(incomplete)]
            except Exception:  # noqa: BLE001  no failure is worth a traceback across a half-typed line
                return []
        return [Suggestion(name) for name in names if _SAFE.fullmatch(name)]

    return complete


def suggest_rooms(ctx: typer.Context) -> list[str]:
    """Return the server's rooms."""

    async def ask(admin: RoomAdmin) -> list[str]:
        return [room.name for room in await admin.list_rooms()]

    return _ask_server(ctx, ask)


def suggest_participants(ctx: typer.Context) -> list[str]:
    """Return who is in the room that the line names."""

    async def ask(admin: RoomAdmin) -> list[str]:
        return [one.identity for one in await admin.list_participants(_room_in(ctx))]

    return _ask_server(ctx, ask)


def suggest_dispatches(ctx: typer.Context) -> list[str]:
    """Return the dispatches in the room that the line names."""

    async def ask(admin: RoomAdmin) -> list[str]:
        return [one.id for one in await admin.list_dispatches(_room_in(ctx))]

    return _ask_server(ctx, ask)


def suggest_sessions(ctx: typer.Context) -> list[str]:
    """Return the sessions on this machine, newest first."""
    from pathlib import Path

    from meetctl import bootstrap
    from meetctl.core.places import sessions_directory

    directory = ctx.params.get("sessions")
    if not isinstance(directory, str | Path):
        directory = _configured("MEETCTL_SESSIONS") or sessions_directory()
    return [bundle.session_id for bundle in bootstrap.session_catalogue(Path(directory)).list_sessions()]


def suggest_models(_: typer.Context) -> list[str]:
    """Return everything that the price book has prices for."""
    return sorted({model for model, _ in _prices()})


def suggest_language_models(_: typer.Context) -> list[str]:
    """Return the language models that the price book has prices for."""
    return sorted({model for model, unit in _prices() if unit == "input_tokens"})


def suggest_profiles(_: typer.Context) -> list[str]:
    """Return the profiles of the configuration files."""
    from meetctl.cli.configuration import read_config_files

    return sorted({name for file in read_config_files().files for name in file.profiles})


def suggest_agents(_: typer.Context) -> list[str]:
    """Return the name that agents are configured with, and the usual one."""
    return sorted({_configured("MEETCTL_AGENT_NAME") or _USUAL_AGENT, _USUAL_AGENT})


def _prices() -> Iterator[tuple[str, str]]:
    """Yield the model and the unit of each price in force."""
    from meetctl import bootstrap

    for row in bootstrap.price_book(()).rows(None, bootstrap.system_clock().now()):
        yield row.model, row.unit


def _ask_server(ctx: typer.Context, ask: Callable[[RoomAdmin], Awaitable[list[str]]]) -> list[str]:
    """Ask the configured server, or that of --url, for so long as somebody would wait."""
    import asyncio

    from meetctl import bootstrap
    from meetctl.cli.configuration import find_server

    access = find_server(_text(ctx.params.get("url")))

    async def ask_in_time() -> list[str]:
        admin = bootstrap.room_admin(access)
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await ask(admin)
        finally:
            await admin.aclose()

    return asyncio.run(ask_in_time())


def _configured(variable: str) -> str:
    from meetctl.cli.configuration import find_sources

    return find_sources().values.get(variable)


def _room_in(ctx: typer.Context) -> str:
    return _text(ctx.params.get("room")) or ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be printed over a half-typed line: no warning, no word of a library."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123
        yield
