"""`meetctl sessions`: the sessions on this machine."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.cli.options import AsJson, Yes
from meetctl.errors import ExitCode

if TYPE_CHECKING:
    from meetctl.domain.session_reading import SessionReading

sessions_app = typer.Typer(
    help="List, show, export and prune the sessions on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Directory = Annotated[
    Path | None,
    typer.Option(
        "--sessions",
        metavar="DIRECTORY",
        envvar="MEETCTL_SESSIONS",
        help="Where sessions' bundles are; the data directory if not given.",
    ),
]
Session = Annotated[
    str,
    typer.Argument(
        metavar="SESSION", help="An id or its beginning, last, or a path to a bundle or an archive."
    ),
]

Tenant = Annotated[str | None, typer.Option("--tenant", metavar="ID", help="Only this tenant's.")]
Room = Annotated[str | None, typer.Option("--room", metavar="NAME", help="Only of this room.")]


class State(StrEnum):
    """How far a session is."""

    RUNNING = "running"
    ENDED = "ended"
    KILLED = "killed"
    UNKNOWN = "unknown"


@sessions_app.command("list")
def list_(
    tenant: Tenant = None,
    room: Room = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only what went on since then: 2h, 7d, 2026-11-24."),
    ] = None,
    state: Annotated[
        list[State] | None, typer.Option("--state", help="Only those that are so; repeatable.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="At most so many; 0 for all.")
    ] = 20,
    sessions: Directory = None,
    json: AsJson = False,
) -> None:
    """List the sessions on this machine, newest first.

    Example: meetctl sessions list --since 7d --state killed
    """
    from meetctl.cli.sessions_list import list_sessions

    list_sessions(
        tenant=tenant,
        room=room,
        since=since,
        states=tuple(one.value for one in state or ()),
        limit=limit,
        sessions=sessions,
        json=json,
    )


@sessions_app.command()
def show(session: Session, sessions: Directory = None, json: AsJson = False) -> None:
    """Show a session on one page: turns, latency, frames, cost, troubles.

    Example: meetctl sessions show last
    """
    from meetctl.cli.output import print_json, print_text, render
    from meetctl.cli.sessions_finding import reading_session
    from meetctl.reports.session_document import summary_document
    from meetctl.reports.session_page import print_summary

    with reading_session(session, sessions) as reading:
        if json:
            print_json(summary_document(reading))
        else:
            print_text(render(lambda console: print_summary(reading, console), for_stdout=True))
        _end(reading)


@sessions_app.command()
def export(
    session: Annotated[
        list[str],
        typer.Argument(metavar="SESSION...", help="Ids or their beginnings, last, or bundles' paths."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file, or a directory for one each; the working directory if not given.",
        ),
    ] = None,
    without_media: Annotated[bool, typer.Option("--without-media", help="Leave the recording out.")] = False,
    without_content: Annotated[
        bool,
        typer.Option(
            "--without-content", help="Leave out what people said, who they are, and the recording."
        ),
    ] = False,
    prices: Annotated[
        list[Path] | None,
        typer.Option(
            "--prices", metavar="FILE", help="TOML file that goes before the bundled prices; repeatable."
        ),
    ] = None,
    sessions: Directory = None,
    json: AsJson = False,
) -> None:
    """Write a session as one archive that opens offline elsewhere, with a page to read.

    Example: meetctl sessions export last -o standup.zip
    """
    from meetctl.cli.sessions_export import export_sessions

    export_sessions(
        session,
        output=output,
        media=not without_media,
        content=not without_content,
        price_files=tuple(prices or ()),
        sessions=sessions,
        json=json,
    )


@sessions_app.command("import")
def import_(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that export has written.")],
    sessions: Directory = None,
    json: AsJson = False,
) -> None:
    """Check an archive, and put its session among those of this machine.

    Example: meetctl sessions import standup.zip
    """
    from meetctl.cli.sessions_export import import_session

    import_session(archive, sessions=sessions, json=json)


@sessions_app.command()
def prune(
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="WHEN", help="Sessions that ended before: 30d ago, or a day."),
    ],
    keep_cost: Annotated[
        bool,
        typer.Option("--keep-cost", help="Remove recordings and what people said, and keep what it cost."),
    ] = False,
    tenant: Tenant = None,
    room: Room = None,
    undelivered: Annotated[
        bool,
        typer.Option("--undelivered", help="Also those whose usage still waits for a backend."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    sessions: Directory = None,
    json: AsJson = False,
) -> None:
    """Remove old sessions after asking; one that runs is never touched.

    Example: meetctl sessions prune --older-than 30d --keep-cost
    """
    from meetctl.cli.sessions_prune import prune_sessions

    prune_sessions(
        older_than=older_than,
        tenant=tenant,
        room=room,
        keep_cost=keep_cost,
        undelivered=undelivered,
        dry_run=dry_run,
        yes=yes,
        sessions=sessions,
        json=json,
    )


def _end(reading: SessionReading) -> None:
    """End with 5 where totals lack something, saying what."""
    from meetctl.cli.diagnostics import warn
    from meetctl.reports.session_cost_facts import cost_notes
    from meetctl.reports.session_facts import count_of

    if not reading.is_partial:
        return
    if reading.priced_share < 1:
        warn("; ".join(list(cost_notes(reading))[:2]))
    if reading.is_damaged:
        # A line that cannot be read is mostly one of the events that are missing by their numbers.
        missing = max(reading.unreadable, reading.state.lost)
        of_all = max(reading.state.next_seq, reading.state.events + reading.unreadable)
        said = f"{count_of(missing, 'event')} of {of_all:,} missing" if missing else "see its problems"
        warn(f"the bundle is damaged: {said}")
    sys.exit(ExitCode.PARTIAL)
