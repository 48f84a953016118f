"""How commands get at the ledger: what is new in the journals is folded in first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from meetctl.ports import Ledger

Sessions = Annotated[
    Path | None,
    typer.Option(
        "--sessions",
        metavar="DIRECTORY",
        envvar="MEETCTL_SESSIONS",
        show_envvar=False,
        help="Where sessions' bundles are; the data directory if not given (MEETCTL_SESSIONS).",
    ),
]


def fold_ledger(sessions: Path | None) -> Ledger:
    """Return the ledger with everything in it that the journals have by now.

    Raises:
        UsageError: There is no such directory of sessions.
        ServiceError: Others use the ledger for too long.
        MeetctlError: It is damaged, or not ours.
    """
    from meetctl import bootstrap
    from meetctl.cli.diagnostics import note, warn
    from meetctl.cli.progress import ProgressBoard
    from meetctl.errors import UsageError

    if sessions is not None and not sessions.is_dir():
        raise UsageError(
            f"--sessions {sessions} is no directory", hint="name the one that the agent writes to"
        )
    ledger = bootstrap.ledger(sessions, note)
    with ProgressBoard(bootstrap.system_clock(), ["ledger"]) as board:
        report = ledger.fold(board.of(0))
        board.end(0)
    for journal in report.unread_journals:
        warn(f"not read: {journal}")
    return ledger
