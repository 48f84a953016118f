"""What sessions have spent, by the day (UTC) on which they did: what budgets are held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from meetctl.domain.budget import BudgetLimits
from meetctl.domain.events import Event, moment_of
from meetctl.domain.session_cost import read_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The sum of some uses of providers."""

    usd: Decimal = Decimal(0)
    """What has a price; a lower bound where some uses have none."""
    uses: int = 0
    """How many were billed."""
    unpriced: int = 0
    """How many of them cost something that nobody knows."""

    def __add__(self, other: Spent) -> Spent:
        """Return the sum of both."""
        return Spent(
            usd=self.usd + other.usd, uses=self.uses + other.uses, unpriced=self.unpriced + other.unpriced
        )

    @property
    def priced(self) -> Fraction | None:
        """The share of the uses that have a price; None where there are no uses."""
        return 1 - Fraction(self.unpriced, self.uses) if self.uses else None


NOTHING = Spent()


def read_spent(kind: str, fields: Mapping[str, Any]) -> Spent:
    """Return what one usage event spent; nothing for an event that is no usage, or is not billed.

    >>> read_spent("stt.usage", {"audio_s": 60, "provider": "deepgram", "usd": "0.0048"})
    Spent(usd=Decimal('0.0048'), uses=1, unpriced=0)
    >>> read_spent("stt.usage", {"audio_s": 60, "provider": "deepgram", "usd": None})
    Spent(usd=Decimal('0'), uses=1, unpriced=1)
    """
    lines = read_usage(kind, fields)
    if not lines:
        return NOTHING
    return Spent(
        usd=sum((line.usd for line in lines if line.usd is not None), Decimal(0)),
        uses=1,
        unpriced=int(any(line.usd is None for line in lines)),
    )


def add_spent(parts: Iterable[Spent]) -> Spent:
    """Return the sum of all parts."""
    return sum(parts, NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpending:
    """What one session spent on one day, and how its budgets stood then."""

    day: date
    """UTC."""
    session_id: str
    tenant_id: str | None
    room: str
    began_at: datetime
    updated_at: datetime
    spent: Spent = NOTHING
    """On that day."""
    meeting: Spent = NOTHING
    """Since the session began."""
    limits: BudgetLimits = field(default_factory=BudgetLimits)
    """Those in force."""
    step: str | None = None
    """The last step in force."""
    day_step: str | None = None
    """The last step that the tenant's day alone asks for."""
    is_running: bool = True


def fold_spending(events: Iterable[Event]) -> tuple[SessionSpending, ...]:
    """Return what a journal says was spent, a day each; all of it is the tenant's that it names last.

    Uses without a time that can be read are left out. Limits and steps are not in it.
    """
    days: dict[date, SessionSpending] = {}
    began_at: datetime | None = None
    meeting, tenant_id = NOTHING, None
    for event in events:
        tenant_id = event.tenant_id or tenant_id
        at = moment_of(event)
        began_at = began_at or at
        spent = read_spent(event.type, event.fields)
        if at is None or began_at is None or not spent.uses:
            continue
        meeting += spent
        known = days.get(at.date()) or SessionSpending(
            day=at.date(),
            session_id=event.session_id,
            tenant_id=tenant_id,
            room=event.room,
            began_at=began_at,
            updated_at=at,
            is_running=False,
        )
        days[at.date()] = replace(known, spent=known.spent + spent, meeting=meeting, updated_at=at)
    return tuple(replace(spending, tenant_id=tenant_id) for spending in days.values())
