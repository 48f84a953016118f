"""What all meetings come to together, and whether that is news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.view.meeting_rows import list_rows

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, SourceHealth, SourceName
    from meetctl.domain.workers import LocalWorker

SILENT_AFTER = timedelta(seconds=30)
"""A source that has not answered for so long is out of date, also where it reports no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTotals:
    """The workers of this machine together."""

    workers: int
    silent: int
    """How many of them do not answer."""
    meetings: int
    """How many meetings those hold that answer."""
    places: int
    """How many those that answer have places for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleSource:
    """A source whose last news is old."""

    name: SourceName
    since: datetime | None
    """When it last answered; None where it never did."""
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all meetings come to."""

    at: datetime
    live: int
    stale: int
    ended: int
    workers: WorkerTotals | None
    """None where nobody has asked yet."""
    usd: Decimal
    """What all meetings that are shown have cost, of what has a price."""
    usd_per_hour: Decimal
    """Of the meetings whose rate is known."""
    is_complete: bool
    """Whether all of it has a price."""
    errors: int
    stale_sources: tuple[StaleSource, ...]
    missing_sources: tuple[SourceName, ...] = ()
    """Those that are not configured."""

    @property
    def is_live(self) -> bool:
        """Whether every source answers."""
        return not self.stale_sources


def add_up(view: DashboardView) -> Totals:
    """Return the totals of a view.

    >>> from datetime import UTC
    >>> from meetctl.domain.view.dashboard import DashboardView
    >>> totals = add_up(DashboardView(at=datetime(2026, 11, 24, tzinfo=UTC)))
    >>> totals.live, totals.workers, totals.is_live
    (0, None, True)
    """
    rows = list_rows(view)
    money = [row.money for row in rows]
    phases = [row.phase for row in rows]
    return Totals(
        at=view.at,
        live=phases.count("live"),
        stale=phases.count("stale"),
        ended=phases.count("ended"),
        workers=None if view.workers is None else _add_workers(view.workers),
        usd=sum((one.usd for one in money if one.usd is not None), Decimal(0)),
        usd_per_hour=sum((one.usd_per_hour for one in money if one.usd_per_hour is not None), Decimal(0)),
        is_complete=all(one.is_complete for one in money),
        errors=sum(row.errors for row in rows),
        stale_sources=tuple(stale for one in view.sources if (stale := _judge(one, view.at))),
        missing_sources=tuple(one.name for one in view.sources if not one.is_configured),
    )


def _add_workers(workers: tuple[LocalWorker, ...]) -> WorkerTotals:
    held = [(worker.meetings, worker.max_meetings) for worker in workers]
    return WorkerTotals(
        workers=len(workers),
        silent=sum(meetings is None for meetings, _ in held),
        meetings=sum(meetings or 0 for meetings, _ in held),
        places=sum(places for meetings, places in held if meetings is not None),
    )


def _judge(source: SourceHealth, at: datetime) -> StaleSource | None:
    """Return what is wrong with a source; nothing of one that has not been asked yet."""
    is_silent = source.seen_at is not None and at - source.seen_at > SILENT_AFTER
    if not source.is_configured or (source.error is None and not is_silent):
        return None
    return StaleSource(name=source.name, since=source.seen_at, error=source.error)
