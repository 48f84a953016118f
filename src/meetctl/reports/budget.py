"""Where budgets stand, as tables for people and as one document for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from meetctl.domain.budget_standing import BudgetStandings, MeetingStanding, TenantStanding, used_share
from meetctl.reports.ages import format_age
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from decimal import Decimal

    from meetctl.domain.spending import Spent

SCHEMA = "meetctl.cost.budget/1"

_NOTHING = "–"
NO_TENANT = "(no tenant)"


def draw_meetings(standings: BudgetStandings) -> Table:
    """Return the running meetings as a table."""
    table = _table(
        ("Meeting", "Tenant", "Runs for", "Spent", "Limit", "Used", "Step", "An hour", "Limit in"), left=3
    )
    for one in standings.meetings:
        table.add_row(
            show_plain(one.room),
            _name(one.tenant_id),
            format_age((standings.at - one.began_at).total_seconds()),
            *_amounts(one),
            _NOTHING if one.usd_per_hour is None else format_usd(one.usd_per_hour),
            _NOTHING if one.limit_in is None else format_age(one.limit_in.total_seconds()),
        )
    return table


def draw_tenants(standings: BudgetStandings) -> Table:
    """Return the tenants' day as a table."""
    table = _table(("Tenant today", "Meetings", "Spent", "Limit", "Used", "Step", "An hour", "By midnight"))
    for one in standings.tenants:
        running = f", {one.running} running" if one.running else ""
        table.add_row(
            _name(one.tenant_id),
            f"{one.sessions}{running}",
            *_amounts(one),
            format_usd(one.usd_per_hour),
            format_usd(one.forecast_usd),
        )
    return table


def document_standings(standings: BudgetStandings) -> dict[str, Any]:
    """Return it all as one document; amounts are decimal texts in USD, or null."""
    return {
        "schema": SCHEMA,
        "at": _moment(standings.at),
        "day": standings.at.astimezone(UTC).date().isoformat(),
        "meetings": [_document_meeting(one) for one in standings.meetings],
        "tenants": [_document_tenant(one) for one in standings.tenants],
    }


def _document_meeting(one: MeetingStanding) -> dict[str, Any]:
    return {
        "session_id": one.session_id,
        "room": one.room,
        "tenant_id": one.tenant_id,
        "began_at": _moment(one.began_at),
        **_document_amounts(one.spent, one.limit_usd),
        "step": one.step,
        "usd_per_hour": _usd(one.usd_per_hour),
        "limit_in_s": None if one.limit_in is None else round(one.limit_in.total_seconds()),
    }


def _document_tenant(one: TenantStanding) -> dict[str, Any]:
    return {
        "tenant_id": one.tenant_id,
        "sessions": one.sessions,
        "running": one.running,
        **_document_amounts(one.spent, one.limit_usd),
        "step": one.step,
        "usd_per_hour": _usd(one.usd_per_hour),
        "forecast_usd": _usd(one.forecast_usd),
    }


def _document_amounts(spent: Spent, limit_usd: Decimal | None) -> dict[str, Any]:
    return {
        "spent_usd": _usd(spent.usd),
        "limit_usd": _usd(limit_usd),
        "used": _number(used_share(spent, limit_usd)),
        "priced": _number(spent.priced),
    }


def _table(headings: tuple[str, ...], left: int = 1) -> Table:
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place, column in enumerate(table.columns):
        is_text = place < left or headings[place] in ("Meetings", "Step")
        column.justify = "left" if is_text else "right"
        column.overflow = "fold"
        column.no_wrap = not is_text
    return table


def _amounts(one: MeetingStanding | TenantStanding) -> tuple[str, str, str, str]:
    share = used_share(one.spent, one.limit_usd)
    at_least = "≥ " if one.spent.unpriced else ""
    return (
        f"{at_least}{format_usd(one.spent.usd)}",
        _NOTHING if one.limit_usd is None else format_usd(one.limit_usd),
        _NOTHING if share is None else f"{at_least}{float(share):.0%}",
        one.step or _NOTHING,
    )


def _name(tenant_id: str | None) -> str:
    return NO_TENANT if tenant_id is None else show_plain(tenant_id)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else exact_usd(amount)


def _number(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share), 6)
