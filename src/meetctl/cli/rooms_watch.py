"""The list of rooms, kept up to date: a live table on a terminal, JSON Lines elsewhere."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from meetctl import bootstrap
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_data
from meetctl.cli.room_server import ask_server
from meetctl.cli.rooms_run import open_sessions
from meetctl.errors import ServiceError
from meetctl.reports.ages import format_age
from meetctl.reports.rooms import make_rooms_table
from meetctl.reports.rooms_document import document_rooms
from meetctl.services.rooms import find_room, view_rooms

if TYPE_CHECKING:
    from datetime import datetime

    from rich.live import Live

    from meetctl.domain.room_view import RoomView
    from meetctl.ports import RoomAdmin


class _Display(Protocol):
    """Where each look at the rooms goes."""

    def show(self, views: tuple[RoomView, ...], now: datetime) -> None:
        """Show the rooms as they are now."""

    def miss(self, error: ServiceError, now: datetime) -> None:
        """Say that the server could not be asked this time."""


def run_watch(
    names: Collection[str], *, every_s: float, sessions: Path | None, url: str | None, json: bool
) -> None:
    """Show the rooms until Ctrl-C. A server that is away for a while is waited for.

    Raises:
        NotFoundError: A room that was named is not there at first.
        ServiceError: The server cannot be reached, or refuses, at first.
    """

    async def watch(rooms: RoomAdmin, display: _Display) -> None:
        clock, states = bootstrap.system_clock(), open_sessions(sessions)
        for name in names:
            await find_room(rooms, name)
        display.show(await view_rooms(rooms, states, names=names), clock.now())
        while True:
            await asyncio.sleep(every_s)
            try:
                display.show(await view_rooms(rooms, states, names=names), clock.now())
            except ServiceError as error:
                display.miss(error, clock.now())

    if json or not sys.stdout.isatty():
        ask_server(url, lambda rooms: watch(rooms, _Lines()))
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False, vertical_overflow="crop") as live:
        ask_server(url, lambda rooms: watch(rooms, _Screen(live)))


class _Lines:
    """One document a line."""

    def __init__(self) -> None:
        self._is_away = False

    def show(self, views: tuple[RoomView, ...], now: datetime) -> None:
        if self._is_away:
            self._is_away = False
            note("the server answers again")
        print_data(json.dumps(document_rooms(views, now), ensure_ascii=False) + "\n")

    def miss(self, error: ServiceError, _: datetime) -> None:
        if not self._is_away:
            self._is_away = True
            warn(f"{error.message}; trying again")


class _Screen:
    """A table that is drawn over the one before it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._views: tuple[RoomView, ...] = ()
        self._seen_at: datetime | None = None

    def show(self, views: tuple[RoomView, ...], now: datetime) -> None:
        self._views, self._seen_at = views, now
        table = make_rooms_table(views, now)
        table.caption = f"{now:%H:%M:%S} UTC, Ctrl-C ends it" + ("" if views else "; there are no rooms")
        table.caption_justify = "left"
        self._live.update(table, refresh=True)

    def miss(self, error: ServiceError, now: datetime) -> None:
        seen_at = self._seen_at or now
        table = make_rooms_table(self._views, now)
        table.caption = (
            f"as of {format_age((now - seen_at).total_seconds())} ago: {error.message}; trying again"
        )
        table.caption_justify = "left"
        self._live.update(table, refresh=True)
