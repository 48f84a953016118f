"""Finding the sessions that the dashboard is to replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from meetctl.bootstrap.replaying import replay_player, run_replay_dashboard, session_what_if
from meetctl.cli.sessions_finding import opening_bundle
from meetctl.errors import UsageError

_MOST = 2


def run_replay(
    wanted: Sequence[str], sessions: Path | None, *, theme: str | None, others: Mapping[str, object]
) -> int:
    """Show the sessions that a person means, and return the exit code.

    `others` are options of the live dashboard, by name, which nothing may be given of.

    Raises:
        UsageError: They are too many, one is not to be found, or an option does not fit.
        MediaError: One cannot be read, or has no journal.
    """
    given = [name for name, value in others.items() if value]
    if given:
        raise UsageError(
            f"{given[0]} is for live meetings, not for a replay",
            hint="`meetctl sessions show --json` prints a session",
        )
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
