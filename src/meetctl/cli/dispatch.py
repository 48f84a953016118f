"""`meetctl dispatch`: which agents were sent into which rooms."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.options import AsJson, Room, Url, Yes

dispatch_app = typer.Typer(
    help="List which agents were sent into rooms, and take orders back; `meetctl join` gives them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

InRoom = Annotated[str | None, typer.Argument(metavar="[ROOM]", help="Only in this room; all if not given.")]
Ids = Annotated[list[str], typer.Argument(metavar="DISPATCH…", help="The dispatches' ids.")]
All = Annotated[
    bool,
    typer.Option("--all", help="Also those that LiveKit makes in each room, for workers without a name."),
]


@dispatch_app.command("list")
def list_dispatches(
    room: InRoom = None, everything: All = False, url: Url = None, json: AsJson = False
) -> None:
    """List which agents were sent into rooms, and what became of each order.

    Example: meetctl dispatch list standup
    """
    from meetctl.cli.dispatch_run import run_list

    run_list(room, everything=everything, url=url, json=json)


@dispatch_app.command()
def delete(room: Room, ids: Ids, yes: Yes = False, url: Url = None, json: AsJson = False) -> None:
    """Take orders back; an agent that has come because of one is taken out of the room.

    Example: meetctl dispatch delete standup AD_VqZ3mQ8tTh5x
    """
    from meetctl.cli.dispatch_run import run_delete

    run_delete(room, ids, yes=yes, url=url, json=json)
