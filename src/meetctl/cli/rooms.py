"""`meetctl rooms`: the rooms of a LiveKit server."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.options import AsJson, KeptSessions, Room, Url, Yes

rooms_app = typer.Typer(
    help="List, show, watch, make and close rooms.", no_args_is_help=True, rich_markup_mode=None
)

Rooms = Annotated[list[str], typer.Argument(metavar="ROOM…", help="The rooms' names.")]
Watched = Annotated[
    list[str] | None, typer.Argument(metavar="[ROOM…]", help="Only these rooms; all if not given.")
]
Every = Annotated[
    float, typer.Option("--every", metavar="SECONDS", min=0.2, help="How often the rooms are looked at.")
]
Metadata = Annotated[str, typer.Option("--metadata", metavar="TEXT", help="What everybody in it can read.")]
EmptyTimeout = Annotated[
    int | None,
    typer.Option(
        "--empty-timeout", metavar="SECONDS", min=1, help="How long it waits for the first participant."
    ),
]
DepartureTimeout = Annotated[
    int | None,
    typer.Option(
        "--departure-timeout", metavar="SECONDS", min=1, help="How long it stays after the last has left."
    ),
]
MaxParticipants = Annotated[
    int | None,
    typer.Option("--max-participants", metavar="NUMBER", min=1, help="How many may be in it, agents too."),
]


@rooms_app.command("list")
def list_rooms(sessions: KeptSessions = None, url: Url = None, json: AsJson = False) -> None:
    """List the rooms: who is in each, what the agent does there, and what it has cost so far.

    Example: meetctl rooms list
    """
    from meetctl.cli.rooms_run import run_list

    run_list(sessions=sessions, url=url, json=json)


@rooms_app.command()
def show(room: Room, sessions: KeptSessions = None, url: Url = None, json: AsJson = False) -> None:
    """Show one room with everybody in it, their tracks, and which agents were sent there.

    Example: meetctl rooms show standup
    """
    from meetctl.cli.rooms_run import run_show

    run_show(room, sessions=sessions, url=url, json=json)


@rooms_app.command()
def watch(
    rooms: Watched = None,
    every: Every = 2.0,
    sessions: KeptSessions = None,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Keep the list of rooms up to date until Ctrl-C; off a terminal, one JSON document a line.

    Example: meetctl rooms watch --every 1
    """
    from meetctl.cli.rooms_watch import run_watch

    run_watch(rooms or (), every_s=every, sessions=sessions, url=url, json=json)


@rooms_app.command()
def create(
    room: Room,
    metadata: Metadata = "",
    empty_timeout: EmptyTimeout = None,
    departure_timeout: DepartureTimeout = None,
    max_participants: MaxParticipants = None,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Make a room before anybody joins it; one that is there already is left as it is.

    Example: meetctl rooms create standup --max-participants 12
    """
    from meetctl.cli.rooms_run import run_create

    run_create(
        room,
        metadata=metadata,
        empty_timeout_s=empty_timeout,
        departure_timeout_s=departure_timeout,
        max_participants=max_participants,
        url=url,
        json=json,
    )


@rooms_app.command()
def close(rooms: Rooms, yes: Yes = False, url: Url = None, json: AsJson = False) -> None:
    """Close rooms, which ends the meeting for everybody in them.

    Example: meetctl rooms close standup
    """
    from meetctl.cli.rooms_run import run_close

    run_close(rooms, yes=yes, url=url, json=json)
