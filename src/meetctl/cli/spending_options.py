"""Options that say which usage is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.ledger import Selection

_WHEN = "10m, 7d, a day (2026-11-24) or a day and a time, UTC"

Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=f"Usage from then on: {_WHEN}.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Usage before then; a day itself is left out.")
]
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="ID", help="Only this tenant's.")]
Room = Annotated[str | None, typer.Option("--room", metavar="NAME", help="Only this room's.")]
Session = Annotated[str | None, typer.Option("--session", metavar="ID", help="Only this session's.")]
PriceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--prices", metavar="FILE", help="TOML file that goes before the bundled prices; repeatable."
    ),
]


def select_usage(
    *, since: str | None, until: str | None, tenant: str | None, room: str | None, session: str | None
) -> Selection:
    """Return which usage is meant.

    Raises:
        UsageError: A time cannot be read, or the period ends before it begins.
    """
    from meetctl import bootstrap
    from meetctl.domain.ledger import Selection
    from meetctl.domain.time_spans import parse_moment

    now = bootstrap.system_clock().now()
    begin = parse_moment(since, now) if since else None
    end = parse_moment(until, now) if until else None
    if begin and end and end <= begin:
        raise UsageError(f"--until {until} is not after --since {since}")
    return Selection(since=begin, until=end, tenant=tenant, room=room, session=session)
