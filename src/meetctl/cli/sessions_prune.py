"""What `meetctl sessions prune` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl import bootstrap
from meetctl.bootstrap.sessions import session_pruner
from meetctl.cli.confirmation import confirm
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_text, render
from meetctl.cli.sessions_finding import place_of_sessions
from meetctl.domain.time_spans import parse_moment
from meetctl.reports.session_document import bundle_document
from meetctl.reports.session_facts import count_of
from meetctl.reports.session_page import print_sessions
from meetctl.reports.sizes import format_bytes
from meetctl.services.session_pruning import PrunePlan, PruneRequest, plan_pruning, prune
from meetctl.services.sessions import SessionFilter

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.services.session_pruning import Outcome

_WHY = {
    "runs": "runs, and stays",
    "may run": "has no end, and nobody can tell whether it runs; it stays",
    "usage waits": "stays, because usage of it waits for the backend; --undelivered takes it too",
}


def prune_sessions(
    *,
    older_than: str,
    tenant: str | None,
    room: str | None,
    keep_cost: bool,
    undelivered: bool,
    dry_run: bool,
    yes: bool,
    sessions: Path | None,
    json: bool,
) -> None:
    """Ask, and let old sessions go.

    Raises:
        UsageError: `older_than` is no time, or there is nobody to ask.
        MeetctlError: The answer was no.
        OutputError: A session cannot be removed.
    """
    now = bootstrap.system_clock().now()
    request = PruneRequest(
        before=parse_moment(older_than, now),
        keeps_cost=keep_cost,
        takes_undelivered=undelivered,
        only=SessionFilter(tenant_id=tenant, room=room),
    )
    place = place_of_sessions(sessions)
    plan = plan_pruning(bootstrap.session_catalogue(place).list_sessions(), request)
    _tell(plan, request, now, json=json)
    if not plan.going:
        note("nothing is to be pruned")
    elif not dry_run:
        confirm(_question(plan, request), yes=yes)
    outcomes = [] if dry_run else _prune(plan, request, place, now)
    if json:
        print_json(_document(plan, request, outcomes, dry_run=dry_run))


def _prune(
    plan: PrunePlan, request: PruneRequest, place: Path, now: datetime
) -> list[tuple[SessionBundle, Outcome]]:
    """Let the sessions go; what is interrupted tells how far it came."""
    pruner = session_pruner(place)
    leftovers = pruner.clear_leftovers(warn)
    if leftovers:
        note(f"the rest of {count_of(leftovers, 'session')} that an interrupted prune left was removed")
    outcomes: list[tuple[SessionBundle, Outcome]] = []
    try:
        for bundle, outcome in prune(plan, request, pruner, now):
            outcomes.append((bundle, outcome))
            if outcome == "skipped":
                warn(f"{bundle.session_id} is in use or has changed; it stays")
    finally:
        done = [bundle for bundle, outcome in outcomes if outcome != "skipped"]
        if plan.going:
            what = "reduced to what they cost" if request.keeps_cost else "removed"
            note(f"{len(done)} of {count_of(len(plan.going), 'session')} {what}")
    return outcomes


def _tell(plan: PrunePlan, request: PruneRequest, now: datetime, *, json: bool) -> None:
    if plan.going and not json:
        print_text(render(lambda console: print_sessions(plan.going, now, console), for_stdout=True))
    for bundle, verdict in plan.staying:
        note(f"{bundle.session_id} {_WHY[verdict]}")
    broken = [bundle for bundle in plan.going if bundle.problems]
    if broken and request.keeps_cost:
        warn(f"{count_of(len(broken), 'session')} of these are broken, so their cost may not be known whole")


def _question(plan: PrunePlan, request: PruneRequest) -> str:
    count = count_of(len(plan.going), "session")
    if request.keeps_cost:
        size = format_bytes(sum(bundle.media_bytes for bundle in plan.going))
        return f"Remove the recordings ({size}) and what people said of {count}, and keep what they cost?"
    return f"Remove {count} ({format_bytes(plan.freed_bytes)}), with what they cost?"


def _document(
    plan: PrunePlan,
    request: PruneRequest,
    outcomes: Sequence[tuple[SessionBundle, Outcome]],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    became = {bundle.path: outcome for bundle, outcome in outcomes}
    return {
        "schema": "meetctl.sessions-prune/1",
        "before": f"{request.before:%Y-%m-%dT%H:%M:%SZ}",
        "keep_cost": request.keeps_cost,
        "dry_run": dry_run,
        "bytes": plan.freed_bytes,
        "sessions": [
            {**bundle_document(bundle), "outcome": became.get(bundle.path)} for bundle in plan.going
        ],
        "staying": [{"session_id": bundle.session_id, "why": verdict} for bundle, verdict in plan.staying],
    }
