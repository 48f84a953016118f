"""Options that several commands share, each with the same name and meaning everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _refuse_empty_name(name: str) -> str:
    """Refuse what LiveKit would make a room without a name of."""
    if not name.strip():
        raise typer.BadParameter("it is empty")
    return name


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The LiveKit server; as configured if not given."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is done.")]
Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room's name.", callback=_refuse_empty_name)]
KeptSessions = Annotated[
    Path | None,
    typer.Option(
        "--sessions",
        metavar="DIRECTORY",
        envvar="MEETCTL_SESSIONS",
        help="Where this machine's workers keep sessions; the data directory if not given.",
    ),
]
