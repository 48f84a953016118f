"""`meetctl tui`: the dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meetctl.cli.options import KeptSessions

Bundles = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[BUNDLE]...",
        help="Replay a session: its id, the beginning of one, `last`, or the path of a bundle or an archive; "
        "two are shown side by side.",
        show_default=False,
    ),
]


def tui(bundles: Bundles = None, sessions: KeptSessions = None) -> None:
    """Show live meetings, or recorded ones: what is said and seen, how fast answers are, what it costs.

    Example: meetctl tui
    """
    if bundles:
        from meetctl.cli.tui_replay import run_replay

        sys.exit(run_replay(bundles, sessions))

    from meetctl.bootstrap.dashboard import live_feed, run_dashboard
    from meetctl.core.places import sessions_directory

    sys.exit(run_dashboard(live_feed((sessions or sessions_directory()).absolute())))
