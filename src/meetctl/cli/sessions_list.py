"""What `meetctl sessions list` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_text, render
from meetctl.cli.sessions_finding import place_of_sessions
from meetctl.domain.time_spans import parse_moment
from meetctl.reports.session_document import list_document
from meetctl.reports.session_page import print_sessions
from meetctl.services.sessions import SessionFilter

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import RunState


def list_sessions(
    *,
    tenant: str | None,
    room: str | None,
    since: str | None,
    states: Sequence[RunState],
    limit: int,
    sessions: Path | None,
    json: bool,
) -> None:
    """Print the sessions that are asked for.

    Raises:
        UsageError: `since` is no time.
        MediaError: The directory cannot be read.
    """
    now = bootstrap.system_clock().now()
    place = place_of_sessions(sessions)
    wanted = SessionFilter(
        tenant_id=tenant,
        room=room,
        since=None if since is None else parse_moment(since, now),
        states=states,
    )
    every = bootstrap.session_catalogue(place).list_sessions()
    found = [bundle for bundle in every if wanted.takes(bundle)]
    shown = found[:limit] if limit else found
    if json:
        print_json(list_document(place, shown, len(found)))
    elif shown:
        print_text(render(lambda console: print_sessions(shown, now, console), for_stdout=True))
    for bundle in shown:
        for problem in bundle.problems if bundle.state != "running" else ():
            warn(f"{bundle.path}: {problem}")
    if not every:
        note(f"no sessions in {place}")
    elif not found:
        note(f"none of {len(every)} sessions in {place} is so")
    elif len(shown) < len(found) and not json:
        left = len(found) - len(shown)
        note(f"{left:,} older {'one is' if left == 1 else 'ones are'} not shown; --limit 0 shows all")
