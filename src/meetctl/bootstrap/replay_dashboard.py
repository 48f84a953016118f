"""What the dashboard is given to replay sessions: a player, and audits by other policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.bootstrap import AuditTask, audit_one, session_catalogue, system_clock
from meetctl.bootstrap.dashboard import run_dashboard
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.domain.audit import RecordingAudit
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import Progress
    from meetctl.services.dashboard.player import Player
    from meetctl.services.dashboard.what_if import WhatIf
    from meetctl.services.replay import AuditRequest


def replay_player(bundles: Sequence[SessionBundle]) -> Player:
    """Return what plays recorded sessions: one, or two side by side."""
    from meetctl.services.dashboard.player import Player

    # A bundle says itself where its journal is, so any catalogue reads it.
    catalogue = session_catalogue(bundles[0].path.parent)
    return Player(bundles, catalogue.read_events, clock=system_clock())


def session_what_if(bundle: SessionBundle) -> WhatIf | None:
    """Return what audits a session by other policies, in a process of its own; None without a recording."""
    from meetctl.services.dashboard.what_if import WhatIf

    return WhatIf(bundle.path, _audit_elsewhere) if bundle.media_bytes else None


def run_replay_dashboard(player: Player, what_if: WhatIf | None, *, theme: str | None = None) -> int:
    """Show recorded sessions until the dashboard is left, and return the command's exit code.

    Raises:
        UsageError: There is no terminal to show it on, or no such theme.
        MediaError: A journal cannot be read.
    """
    from meetctl.adapters.worker_processes import prepare_processes

    prepare_processes()
    return run_dashboard(
        player,
        theme=theme,
        is_read_only=True,
        no_actions="this is a recording",
        player=player,
        what_if=what_if,
    )


def _audit_elsewhere(path: Path, request: AuditRequest, progress: Progress) -> RecordingAudit:
    """Audit a recording in a process of its own, so that decoding holds up no screen.

    Raises:
        MeetctlError: It cannot be audited.
    """
    from meetctl.adapters.worker_processes import run_in_processes

    task = AuditTask(path=path, request=request, price_files=(), frames_directory=None, frames_folder="")
    try:
        done = next(run_in_processes(audit_one, [task], jobs=1, progress_of=lambda _: progress))
    except RuntimeError as error:
        raise MeetctlError(f"the audit of {path} failed") from error
    if done.result is None:
        raise MeetctlError(f"the process that audited {path} was killed")
    if isinstance(done.result, MeetctlError):
        raise done.result
    return done.result
