"""`meetctl demo`: a whole meeting on this machine, then its cost audit and its verification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ServerPath = Annotated[
    Path | None,
    typer.Option(
        "--livekit-server",
        metavar="PATH",
        help="The livekit-server to run, instead of one from PATH or a cached build.",
    ),
]
Screen = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A recording to share as the screen, instead of drawn slides."),
]
Sessions = Annotated[
    Path | None,
    typer.Option(metavar="DIRECTORY", help="Where the bundle goes; the data directory if not given."),
]
Record = Annotated[
    str,
    typer.Option(metavar="HOW", help="What of the video is recorded: sampled, full, or frames a second."),
]
Real = Annotated[
    bool,
    typer.Option(
        "--real", help="Use the providers whose keys are set, which costs money; offline otherwise."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def demo(
    livekit_server: ServerPath = None,
    screen: Screen = None,
    sessions: Sessions = None,
    record: Record = "full",
    real: Real = False,
    json: Json = False,
) -> None:
    """Hold a whole meeting on this machine, without any key, and audit what its vision cost.

    A real LiveKit server, the agent, offline providers, and a person made of code who shares a screen and
    asks questions by voice. The recording stays, for `meetctl replay`.

    Example: meetctl demo --screen talk.mkv
    """
    from meetctl.cli.demo_run import run_demo_command

    run_demo_command(
        livekit_server=livekit_server,
        screen=screen,
        sessions=sessions,
        record=record,
        real=real,
        json=json,
    )
