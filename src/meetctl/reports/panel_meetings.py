"""The dashboard's list of meetings, as words for people and as one document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.view.meeting_rows import BudgetUse, MeetingRow, list_rows
from meetctl.domain.view.totals import StaleSource, Totals, add_up
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.domain.view.meeting_rows import Money

SCHEMA = "meetctl.panel.meetings/1"

NOTHING = "–"
_BAR_WIDTH = 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def document_meetings(view: DashboardView) -> dict[str, Any]:
    """Return all meetings with their totals (schema meetctl.panel.meetings/1)."""
    return {
        "schema": SCHEMA,
        "at": view.at.isoformat(),
        "totals": document_totals(add_up(view)),
        "meetings": [_document_row(row) for row in list_rows(view)],
    }


def document_totals(totals: Totals) -> dict[str, Any]:
    """Return the totals; of the workers null where nobody asked them."""
    workers = totals.workers
    return {
        "live": totals.live,
        "stale": totals.stale,
        "ended": totals.ended,
        "workers": workers
        and {
            "count": workers.workers,
            "silent": workers.silent,
            "meetings": workers.meetings,
            "places": workers.places,
        },
        "usd": exact_usd(totals.usd),
        "usd_per_hour": exact_usd(totals.usd_per_hour),
        "complete": totals.is_complete,
        "errors": totals.errors,
        "is_live": totals.is_live,
        "missing_sources": list(totals.missing_sources),
        "stale_sources": [
            {"name": one.name, "since": _moment(one.since), "error": one.error}
            for one in totals.stale_sources
        ],
    }


def show_money(money: Money) -> str:
    """Return what a meeting has cost: `≥` where a part has no price, `~` where all is our estimate.

    >>> from decimal import Decimal
    >>> from meetctl.domain.view.meeting_rows import Money
    >>> money = Money(
    ...     usd=Decimal("0.5"),
    ...     is_complete=False,
    ...     is_offline=False,
    ...     is_estimated=False,
    ...     usd_per_hour=None,
    ...     forecast_usd=None,
    ... )
    >>> show_money(money)
    '≥ $0.50'
    """
    if money.is_offline:
        return "$0 offline"
    return show_amount(money, money.usd)


def show_amount(money: Money, usd: Decimal | None) -> str:
    """Return another amount of the same meeting, with the same marks."""
    if usd is None:
        return format_usd(None) if money.usd is None else NOTHING
    mark = "~ " if money.is_estimated else "" if money.is_complete else "≥ "
    return f"{mark}{format_usd(usd)}"


def show_budget(budget: BudgetUse | None) -> str:
    """Return how much of a budget is used as a bar and a share; of a tenant's day with a `d`.

    >>> from decimal import Decimal
    >>> from fractions import Fraction
    >>> show_budget(
    ...     BudgetUse(budget="meeting", share=Fraction(3, 4), limit_usd=Decimal(2), step="detail=low")
    ... )
    '████▌  75%'
    """
    if budget is None:
        return NOTHING
    eighths = max(0, min(_BAR_WIDTH * 8, round(budget.share * _BAR_WIDTH * 8)))
    whole, part = divmod(eighths, 8)
    bar = f"{'█' * whole}{_EIGHTHS[part] if part else ''}".ljust(_BAR_WIDTH)
    percent = min(999, int(budget.share * 100))
    return f"{bar}{percent:>3}%{'d' if budget.budget == 'tenant day' else ''}"


def show_latency(seconds: float | None) -> str:
    """Return how long the last answer took to begin."""
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def show_stale_source(source: StaleSource) -> str:
    """Say since when a source gives no news, and why."""
    since = "no news yet" if source.since is None else f"no news since {source.since:%H:%M:%S} UTC"
    return show_plain(f"{source.name}: {since}{f' ({source.error})' if source.error else ''}")


def _document_row(row: MeetingRow) -> dict[str, Any]:
    money = row.money
    return {
        "key": row.key,
        "room": row.room,
        "channel": row.channel,
        "phase": row.phase,
        "problem": row.problem,
        "tenant_id": row.tenant_id,
        "tier": row.tier,
        "agent_state": row.agent_state,
        "degraded": row.is_degraded,
        "people": row.people,
        "age_s": None if row.age_s is None else round(row.age_s, 3),
        "frames": {"seen": row.seen, "kept": row.kept},
        "latency_s": row.latency_s,
        "cost": {
            "usd": _usd(money.usd),
            "complete": money.is_complete,
            "offline": money.is_offline,
            "estimated": money.is_estimated,
            "usd_per_hour": _usd(money.usd_per_hour),
            "forecast_usd": _usd(money.forecast_usd),
        },
        "budget": row.budget
        and {
            "budget": row.budget.budget,
            "limit_usd": exact_usd(row.budget.limit_usd),
            "used": round(float(row.budget.share), 4),
            "step": row.budget.step,
        },
        "errors": row.errors,
    }


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else exact_usd(amount)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
