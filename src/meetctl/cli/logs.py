"""`meetctl logs`: journals and logs together, of meetings that run and that have ended."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class LeastLevel(StrEnum):
    """How serious a line has to be."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def logs(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[tail|FILE]",
            help="tail is --follow. Files are what is read instead: journals, logs, bundles, "
            "directories of them; - for stdin.",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    last: Annotated[
        int | None,
        typer.Option(
            "--last", "-n", metavar="N", min=0, help="Only the last N of what is there; 10 with --follow."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="From then on: 10m (ago), 2026-11-24, 09:30 (UTC)."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Up to then.")] = None,
    level: Annotated[
        LeastLevel | None,
        typer.Option("--level", help="This serious, or more; info if not given, and debug with --json."),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Events of this type, such as 'llm.*'. May be repeated."),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="ID", help="Of this tenant.")] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="Of this session; its beginning or end will do."),
    ] = None,
    room: Annotated[str | None, typer.Option("--room", metavar="NAME", help="Of this room.")] = None,
    turn: Annotated[
        int | None, typer.Option("--turn", metavar="N", min=1, help="Of this turn, with its stages drawn.")
    ] = None,
    grep: Annotated[
        list[str] | None,
        typer.Option("--grep", metavar="REGEX", help="With this in the line. May be repeated: all are."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="REGEX", help="Without this in the line. May be repeated."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="EXPRESSION", help="Whose fields are so: 'duration_ms > 500'."),
    ] = None,
    sessions: Annotated[
        Path | None,
        typer.Option(
            "--sessions",
            metavar="DIRECTORY",
            envvar="MEETCTL_SESSIONS",
            help="Where the sessions' bundles are; the data directory if not given.",
        ),
    ] = None,
    log_directory: Annotated[
        str | None,
        typer.Option(
            "--log-directory",
            metavar="DIRECTORY",
            envvar="MEETCTL_LOG_DIRECTORY",
            help="Where the workers' logs are; the state directory if not given, off for none.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines: each line's object, and its file.")
    ] = False,
) -> None:
    """Show what happened: the events of sessions and the log lines of workers, in the order of time.

    `meetctl logs tail` is `meetctl logs --follow`.

    Example: meetctl logs -f --room standup --level warning
    """
    from meetctl.cli.logs_run import LogChoices, run_logs

    run_logs(
        LogChoices(
            paths=tuple(paths or ()),
            follow=follow,
            last=last,
            since=since,
            until=until,
            level=level.value if level is not None else None,
            types=tuple(types or ()),
            tenant=tenant,
            session=session,
            room=room,
            turn=turn,
            grep=tuple(grep or ()),
            without=tuple(without or ()),
            where=tuple(where or ()),
            sessions=sessions,
            log_directory=log_directory,
            json=json,
        )
    )
