"""Every command's name, where it is, and its first line of help: all that `meetctl --help` needs.

A command is imported when it is called, and not before: a start pays for one of them, not for all. A new
command or group is one line in COMMANDS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group of the table."""

    name: str
    place: str
    """Its module in meetctl.cli, and the name of the function or Typer app in it."""
    help: str
    """The first paragraph of its help, in one line."""
    hidden: bool = False

    def load(self) -> Any:
        """Import the command, and build it as Typer builds what is below an app."""
        module, name = self.place.split(":")
        found = getattr(import_module(f"meetctl.cli.{module}"), name)
        holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.name)
        else:
            holder.command(self.name, hidden=self.hidden)(found)
        return typer.main.get_group(holder).commands[self.name]

    def outline(self) -> TyperCommand:
        """Return a command that can be listed, but not called."""
        return TyperCommand(self.name, help=self.help, hidden=self.hidden, rich_markup_mode=None)


COMMANDS = (
    Entry(
        "demo",
        "demo:demo",
        "Hold a whole meeting on this machine, without any key, and audit what its vision cost.",
    ),
    Entry(
        "join",
        "join:join",
        "Send the agent into a room, and wait until it has joined, seen what is shared, and spoken.",
    ),
    Entry(
        "leave",
        "join:leave",
        "Take the agent out of a room: ask it to leave, or put it out where it does not answer.",
    ),
    Entry(
        "replay",
        "replay:replay",
        "Say what a recording's vision costs at other frame rates, and what they would miss.",
    ),
    Entry(
        "record",
        "record:record",
        "Record a room in which another agent works, or none, and leave a bundle for `meetctl replay`.",
    ),
    Entry(
        "tui",
        "tui:tui",
        "Show live meetings, or recorded ones: what is said and seen, how fast answers are, what it costs.",
    ),
    Entry(
        "logs",
        "logs:logs",
        "Show what happened: the events of sessions and the log lines of workers, in the order of time.",
    ),
    Entry(
        "up",
        "stack:up",
        "Start the local stack: a LiveKit server and offline providers, on this machine alone.",
    ),
    Entry("down", "stack:down", "End the local stack: exactly what `meetctl up` started."),
    Entry(
        "status",
        "stack:status",
        "Say what of the local stack runs, and which providers are real; exit 3 unless all of it runs.",
    ),
    Entry(
        "doctor",
        "doctor:doctor",
        "Check everything that meetings need: configuration, server, workers, media, backend, prices, disk.",
    ),
    Entry(
        "sql",
        "sql:sql",
        "Ask the ledger of all sessions: views sessions, turns, frames, requests, usage, cost, events.",
    ),
    Entry(
        "offline-providers",
        "offline:offline_providers",
        "Stand in for OpenAI, Deepgram, Cartesia and Rime on this machine, until stopped.",
        hidden=True,
    ),
    Entry(
        "agent",
        "agent:agent_app",
        "Run the agent: a worker that takes part in the meetings it is dispatched to.",
    ),
    Entry(
        "cost",
        "cost:cost_app",
        "What meetings cost: by tenant, session, model, day; under other prices; against a bill.",
    ),
    Entry("prices", "prices:prices_app", "Show and check the price book."),
    Entry("rooms", "rooms:rooms_app", "List, show, watch, make and close rooms."),
    Entry("participants", "participants:participants_app", "List who is in a room, mute them, put them out."),
    Entry(
        "dispatch",
        "dispatch:dispatch_app",
        "List which agents were sent into rooms, and take orders back; `meetctl join` gives them.",
    ),
    Entry("token", "token:token_app", "Make access tokens of a LiveKit server, and explain them."),
    Entry("sessions", "sessions:sessions_app", "List, show, export and prune the sessions on this machine."),
    Entry("config", "config:config_app", "Show the configuration with its sources, and check it."),
)


class LoadingCommands(Mapping[str, Any]):
    """Commands by name, each loaded when it is first taken out; to go through the names loads none."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._loaded: dict[str, Any] = {}
        self._prepare: Callable[[Any], None] | None = None

    def prepare_with(self, prepare: Callable[[Any], None]) -> None:
        """Let this be done to each command once, when it is loaded."""
        self._prepare = prepare

    def outline(self, name: str) -> TyperCommand | None:
        """Return what can be listed of a command without loading it; None where there is none."""
        entry = self._entries.get(name)
        return entry.outline() if entry else None

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            command = self._entries[name].load()
            if self._prepare:
                self._prepare(command)
            self._loaded[name] = command
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class LoadingGroup(TyperGroup):
    """The group of COMMANDS: lists them from the table, and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._loading = LoadingCommands(COMMANDS)
        # Typer only reads it, but says that it might be written to.
        self.commands: Any = self._loading

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  Typer names it
        """Return the names in the table's order."""
        return list(self._loading)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  as above
        """Return what help and completion list of a command."""
        return self._loading.outline(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is called, loaded."""
        name, outline, rest = super().resolve_command(ctx, args)
        return name, self._loading[name] if name and outline else None, rest
