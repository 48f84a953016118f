"""Finding the sessions that the dashboard is to replay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from meetctl.bootstrap.replay_dashboard import replay_player, run_replay_dashboard, session_what_if
from meetctl.cli.sessions_finding import opening_bundle
from meetctl.errors import UsageError

_MOST = 2


def run_replay(wanted: Sequence[str], sessions: Path | None, *, theme: str | None) -> int:
    """Show the sessions that a person means, and return the exit code.

    Raises:
        UsageError: They are too many, or one is not to be found.
        MediaError: One cannot be read, or has no journal.
    """
    if len(wanted) > _MOST:
        raise UsageError(
            f"{len(wanted)} sessions are too many to replay",
            hint="name one, or two to see them side by side",
        )
    with ExitStack() as opened:
        bundles = [opened.enter_context(opening_bundle(one, sessions)) for one in wanted]
        for bundle in bundles:
            if bundle.journal is None:
                raise UsageError(f"{bundle.path} has no journal, so there is nothing to replay")
        what_if = session_what_if(bundles[0]) if len(bundles) == 1 else None
        return run_replay_dashboard(replay_player(bundles), what_if, theme=theme)
