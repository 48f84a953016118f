"""Which sessions may go, and letting them go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from meetctl.services.sessions import SessionFilter

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import SessionPruner

Verdict = Literal["goes", "is not asked for", "is younger", "runs", "may run", "usage waits", "is pruned"]
Outcome = Literal["removed", "reduced", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRequest:
    """What a person wants to be gone."""

    before: datetime
    """Sessions of which nothing happened since then go."""
    keeps_cost: bool = False
    """Whether the journals stay, without what people said, so that the cost stays known."""
    takes_undelivered: bool = False
    """Whether sessions go whose usage still waits for a backend."""
    only: SessionFilter = field(default_factory=SessionFilter)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What would go, and what is old enough and stays all the same."""

    going: tuple[SessionBundle, ...]
    staying: tuple[tuple[SessionBundle, Verdict], ...]
    """Those that run or may run, or whose usage waits."""

    @property
    def freed_bytes(self) -> int:
        """How many bytes all of it has; of sessions that are only reduced less is freed."""
        return sum(bundle.size_bytes for bundle in self.going)


def judge(bundle: SessionBundle, request: PruneRequest) -> Verdict:
    """Say whether a session goes, or why it stays."""
    if not request.only.takes(bundle):
        return "is not asked for"
    if bundle.state == "running":
        return "runs"
    last_at = bundle.last_at
    if last_at is None or last_at >= request.before:
        return "is younger"
    if bundle.state == "unknown" and (bundle.journal is not None or _is_fresh(bundle, request.before)):
        return "may run"
    if bundle.usage_waits and not request.takes_undelivered:
        return "usage waits"
    if request.keeps_cost and bundle.pruned_at is not None:
        return "is pruned"
    return "goes"


def plan_pruning(bundles: Sequence[SessionBundle], request: PruneRequest) -> PrunePlan:
    """Return what goes, the oldest first."""
    judged = [(bundle, judge(bundle, request)) for bundle in reversed(bundles)]
    return PrunePlan(
        going=tuple(bundle for bundle, verdict in judged if verdict == "goes"),
        staying=tuple(
            (bundle, verdict)
            for bundle, verdict in judged
            if verdict in ("may run", "usage waits") or (verdict == "runs" and _began_before(bundle, request))
        ),
    )


def prune(
    plan: PrunePlan, request: PruneRequest, pruner: SessionPruner, now: datetime
) -> Iterator[tuple[SessionBundle, Outcome]]:
    """Let the plan's sessions go, one after the other, and yield each with what became of it.

    Each is judged again at the moment when nobody else can touch it.

    Raises:
        OutputError: One cannot be removed.
    """

    def is_wanted(bundle: SessionBundle) -> bool:
        return judge(bundle, request) == "goes"

    for bundle in plan.going:
        if request.keeps_cost:
            yield bundle, "reduced" if pruner.reduce(bundle, is_wanted, now=now) else "skipped"
        else:
            yield bundle, "removed" if pruner.remove(bundle, is_wanted) else "skipped"


def _is_fresh(bundle: SessionBundle, before: datetime) -> bool:
    """Tell whether a directory without a journal was touched lately: one may be about to begin in it."""
    return bundle.changed_at is None or bundle.changed_at >= before


def _began_before(bundle: SessionBundle, request: PruneRequest) -> bool:
    return bundle.started_at is not None and bundle.started_at < request.before
