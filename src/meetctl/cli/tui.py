"""`meetctl tui`: the dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meetctl.cli.join import AgentName
from meetctl.cli.options import AsJson, KeptSessions, Url

WatchedRooms = Annotated[
    list[str] | None,
    typer.Option("--room", metavar="NAME", help="Only meetings in this room; all if not given. Repeatable."),
]

_PORT = 8417

Bundles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[BUNDLE]...",
        help="Replay a session: its id, the beginning of one, `last`, or the path of a bundle or an archive; "
        "two are shown side by side.",
        show_default=False,
    ),
]


def tui(
    bundles: Bundles = None,
    sessions: KeptSessions = None,
    url: Url = None,
    room: WatchedRooms = None,
    agent_name: AgentName = "meetctl",
    theme: Annotated[
        str | None,
        typer.Option("--theme", metavar="NAME", help="Its colours to begin with; `t` changes them."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Only look: nothing can be done to meetings.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve it to browsers, to look only, until Ctrl-C.")
    ] = False,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="With --serve: the address of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, metavar="N", help="With --serve: the port.")
    ] = _PORT,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="With --serve: let --host be reachable from other machines; needs MEETCTL_TUI_PASSWORD.",
        ),
    ] = False,
    json: AsJson = False,
    panel: Annotated[
        str | None,
        typer.Option("--panel", metavar="NAME", help="With --json: this panel; meetings if not given."),
    ] = None,
) -> None:
    """Show live meetings, or recorded ones: what is said and seen, how fast answers are, what it costs.

    Without a LiveKit server it shows the sessions of this machine.

    Example: meetctl tui
    """
    from meetctl.core.places import sessions_directory
    from meetctl.errors import UsageError

    if bundles and (serve or json or url or room):
        raise UsageError("a recorded session takes none of --serve, --json, --url and --room")
    if bundles:
        from meetctl.cli.tui_replay import run_replay

        sys.exit(run_replay(bundles, sessions, theme=theme))
    directory = (sessions or sessions_directory()).absolute()
    if serve and json:
        raise UsageError("--serve and --json exclude each other")
    if not json and panel:
        raise UsageError("--panel goes with --json", hint="meetctl tui --json --panel meetings")
    if serve:
        from meetctl.cli.tui_serve import name_options, serve_looking

        options = name_options(sessions=directory, url=url, rooms=room or (), theme=theme)
        serve_looking(options, host=host, port=port, allows_remote=allow_remote)
        return
    from meetctl.bootstrap.dashboard import live_feed, run_dashboard
    from meetctl.bootstrap.dashboard_actions import meeting_actions
    from meetctl.cli.configuration import find_server_if_any

    access = find_server_if_any(url)
    feed = live_feed(directory, access, rooms=room or ())
    if json:
        from meetctl.cli.tui_json import print_panel

        print_panel(feed, panel or "meetings", rooms=room or ())
        return
    actions = meeting_actions(access, agent_name) if access is not None and not read_only else None
    no_actions = "it was started with --read-only" if read_only else "no LiveKit server is configured"
    sys.exit(run_dashboard(feed, theme=theme, is_read_only=read_only, actions=actions, no_actions=no_actions))
