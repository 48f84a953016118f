"""Where budgets stand: each running meeting's, and each tenant's of a day, with where they are heading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.budget import BudgetLimits, Budgets
from meetctl.domain.spending import SessionSpending, Spent, add_spent

YOUNGEST = timedelta(seconds=30)
"""A meeting that has not run for so long says nothing about its rate."""

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingStanding:
    """A running meeting and its budget."""

    session_id: str
    room: str
    tenant_id: str | None
    began_at: datetime
    spent: Spent
    """Since it began."""
    limit_usd: Decimal | None
    step: str | None
    """The last step in force, be it for the meeting's own budget or for its tenant's day."""
    usd_per_hour: Decimal | None
    """So far; None where it has just begun."""
    limit_in: timedelta | None
    """When the limit is reached at that rate; None where it is not, or nothing limits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantStanding:
    """All meetings of a tenant on one day, and the budget for them."""

    tenant_id: str | None
    """None for the meetings of no tenant."""
    spent: Spent
    limit_usd: Decimal | None
    step: str | None
    """The last step that this budget asks for."""
    sessions: int
    running: int
    usd_per_hour: Decimal
    """Of the meetings that run now, as far as their rates are known."""
    forecast_usd: Decimal
    """What the day comes to if these go on until its end (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStandings:
    """Where everything stands at a moment."""

    at: datetime
    meetings: tuple[MeetingStanding, ...]
    tenants: tuple[TenantStanding, ...]

    @property
    def is_priced(self) -> bool:
        """Whether all that was spent has a price."""
        spent = [one.spent for one in self.meetings] + [one.spent for one in self.tenants]
        return not any(one.unpriced for one in spent)


def used_share(spent: Spent, limit_usd: Decimal | None) -> Fraction | None:
    """Return how much of a limit is used; 1 of a limit of nothing, and None where there is no limit.

    >>> used_share(Spent(usd=Decimal("0.5")), Decimal(2)), used_share(Spent(), None)
    (Fraction(1, 4), None)
    """
    if limit_usd is None:
        return None
    return Fraction(spent.usd) / Fraction(limit_usd) if limit_usd else Fraction(1)


def survey_budgets(
    entries: Sequence[SessionSpending], budgets: Budgets, at: datetime, tenant_id: str | None = None
) -> BudgetStandings:
    """Return where budgets stand by a day's entries; of one tenant only where it is named.

    Limits and steps are those that the sessions go by. What is configured here fills in the limits of
    sessions whose own are not known, and tenants that have not met yet.
    """
    known = [entry for entry in entries if tenant_id in (None, entry.tenant_id)]
    meetings = [_meeting(entry, at) for entry in known if entry.is_running]
    by_tenant: defaultdict[str | None, list[SessionSpending]] = defaultdict(list)
    for entry in known:
        by_tenant[entry.tenant_id].append(entry)
    for name in _named_tenants(budgets.tenants, tenant_id):
        by_tenant.setdefault(name, [])
    tenants = [_tenant(name, days, budgets.of(name), at) for name, days in by_tenant.items()]
    return BudgetStandings(
        at=at,
        meetings=tuple(sorted(meetings, key=lambda one: one.spent.usd, reverse=True)),
        tenants=tuple(
            sorted(tenants, key=lambda one: (-one.spent.usd, one.tenant_id is None, one.tenant_id or ""))
        ),
    )


def _named_tenants(limits: Mapping[str, BudgetLimits], tenant_id: str | None) -> Iterable[str]:
    return (name for name in limits if tenant_id in (None, name))


def _meeting(entry: SessionSpending, at: datetime) -> MeetingStanding:
    rate, limit = _rate(entry, at), entry.limits.meeting_usd
    return MeetingStanding(
        session_id=entry.session_id,
        room=entry.room,
        tenant_id=entry.tenant_id,
        began_at=entry.began_at,
        spent=entry.meeting,
        limit_usd=limit,
        step=entry.step,
        usd_per_hour=rate,
        limit_in=_time_until(limit, entry.meeting.usd, rate),
    )


def _tenant(
    tenant_id: str | None, entries: Sequence[SessionSpending], configured: BudgetLimits, at: datetime
) -> TenantStanding:
    # Only a session that holds its budgets knows the limit; one that was restored from its journal does not.
    latest = max(
        (entry for entry in entries if entry.limits.day_usd is not None),
        key=lambda entry: (entry.is_running, entry.updated_at),
        default=None,
    )
    spent = add_spent(entry.spent for entry in entries)
    rates = [_rate(entry, at) for entry in entries if entry.is_running]
    rate = sum((one for one in rates if one is not None), Decimal(0))
    left = datetime.combine(at.astimezone(UTC).date() + timedelta(days=1), time(), UTC) - at
    return TenantStanding(
        tenant_id=tenant_id,
        spent=spent,
        limit_usd=latest.limits.day_usd if latest else configured.day_usd,
        step=latest.day_step if latest else None,
        sessions=len(entries),
        running=sum(entry.is_running for entry in entries),
        usd_per_hour=rate,
        forecast_usd=spent.usd + rate * _seconds(left) / _HOUR_S,
    )


def _rate(entry: SessionSpending, at: datetime) -> Decimal | None:
    age = at - entry.began_at
    return None if age < YOUNGEST else entry.meeting.usd * _HOUR_S / _seconds(age)


def _time_until(limit: Decimal | None, spent: Decimal, rate: Decimal | None) -> timedelta | None:
    if limit is None or spent >= limit or not rate:
        return None
    seconds = (limit - spent) * _HOUR_S / rate
    return timedelta(seconds=float(seconds)) if seconds < _HOUR_S * 24 * 365 else None


def _seconds(span: timedelta) -> Decimal:
    return Decimal(str(span.total_seconds()))
