"""`meetctl tui`: the dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meetctl.cli.options import KeptSessions, Url

WatchedRooms = Annotated[
    list[str] | None,
    typer.Option("--room", metavar="NAME", help="Only meetings in this room; all if not given. Repeatable."),
]


def tui(sessions: KeptSessions = None, url: Url = None, room: WatchedRooms = None) -> None:
    """Show live meetings: what is said and seen, how fast answers are, what it costs.

    Without a LiveKit server it shows the sessions of this machine.

    Example: meetctl tui
    """
    from meetctl.bootstrap.dashboard import live_feed, run_dashboard
    from meetctl.cli.configuration import find_server_if_any
    from meetctl.core.places import sessions_directory

    place = (sessions or sessions_directory()).absolute()
    sys.exit(run_dashboard(live_feed(place, find_server_if_any(url), rooms=room or ())))
