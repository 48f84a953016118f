"""The list of meetings: what stands in each row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from meetctl.domain.session_cost import OFFLINE
from meetctl.domain.state.fields import text
from meetctl.domain.view.spending_rate import usd_per_hour

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState
    from meetctl.domain.view.dashboard import Channel, DashboardView, Meeting

Phase = Literal["live", "stale", "ended"]
"""Whether a meeting goes on, may go on although nothing is heard of it, or is over."""

_HOUR_S = 3600
_PEOPLE = ("standard", "sip")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """How much of a budget is used, as far as the meeting's journal tells."""

    budget: str
    """"meeting", or "tenant day" for the budget of all meetings of its tenant."""
    share: Fraction
    """1 is all of it; more is possible."""
    limit_usd: Decimal
    step: str | None
    """The step that it asks for now; None for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a meeting has cost, and how sure that is."""

    usd: Decimal | None
    """What of it has a price; None where nothing has."""
    is_complete: bool
    """Whether all of it has a price."""
    is_offline: bool
    """Whether offline providers served all of it."""
    is_estimated: bool
    """Whether it is our estimate of another agent's usage."""
    usd_per_hour: Decimal | None
    """At the present rate (view.spending_rate); None where nobody can tell yet, or it goes on no more."""
    forecast_usd: Decimal | None
    """What it comes to at the end of the meeting's own running hour, at that rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRow:
    """One meeting in the list."""

    key: str
    room: str
    channel: Channel
    phase: Phase
    problem: str | None
    """Why nothing is heard of it."""
    tenant_id: str | None
    tier: str | None
    agent_state: str | None
    """What the agent does; None where there is none, or nobody knows."""
    is_degraded: bool
    """Whether the meeting has to do without something now."""
    people: int
    age_s: float | None
    seen: int
    kept: int
    latency_s: float | None
    """From the end of the last question to the first word of its answer."""
    money: Money
    budget: BudgetUse | None
    """None where no budget has asked for a step yet: a journal names limits only then."""
    errors: int


def list_rows(view: DashboardView) -> tuple[MeetingRow, ...]:
    """Return a row for each meeting, in the view's order."""
    return tuple(make_row(meeting, view.at) for meeting in view.meetings)


def make_row(meeting: Meeting, at: datetime) -> MeetingRow:
    """Return a meeting's row at a moment.

    >>> from meetctl.domain.view.dashboard import Meeting
    >>> meeting = Meeting(key="s1", room="standup", channel="journal")
    >>> row = make_row(meeting, datetime(2026, 11, 24, tzinfo=UTC))
    >>> row.room, row.phase, row.age_s, row.money.usd, row.money.usd_per_hour
    ('standup', 'live', None, Decimal('0'), None)
    """
    state = meeting.state
    phase = _phase(meeting)
    age_s = _age_s(meeting, at)
    return MeetingRow(
        key=meeting.key,
        room=meeting.room,
        channel=meeting.channel,
        phase=phase,
        problem=meeting.problem,
        tenant_id=state.about.tenant_id,
        tier=state.about.tier,
        agent_state=_agent_state(meeting),
        is_degraded=state.health.is_degraded,
        people=_count_people(meeting),
        age_s=age_s,
        seen=state.frames.seen,
        kept=state.frames.kept,
        latency_s=_last_latency_s(state),
        money=_money(meeting, phase, age_s, at),
        budget=find_budget_use(state),
        errors=state.health.error_count,
    )


def find_budget_use(state: SessionState) -> BudgetUse | None:
    """Return the budget that last asked for a step: the meeting's own with what is spent by now."""
    if not state.steering.budget_steps:
        return None
    fields = state.steering.budget_steps[-1].fields
    limit, then = _amount(text(fields, "limit_usd")), _amount(text(fields, "spent_usd"))
    if limit is None or then is None:
        return None
    budget = text(fields, "budget") or "meeting"
    spent = max(then, state.usage.usd) if budget == "meeting" else then
    share = Fraction(spent) / Fraction(limit) if limit else Fraction(1)
    return BudgetUse(budget=budget, share=share, limit_usd=limit, step=text(fields, "step"))


def _phase(meeting: Meeting) -> Phase:
    if meeting.state.about.has_ended or meeting.is_over:
        return "ended"
    return "stale" if meeting.is_stale or meeting.problem else "live"


def _age_s(meeting: Meeting, at: datetime) -> float | None:
    """Return how long the meeting has gone on, or did go on."""
    about = meeting.state.about
    began = _moment(about.started_at)
    if began is None and meeting.room_view is not None:
        began = meeting.room_view.room.created_at
    if began is None:
        return None
    is_over = about.has_ended or meeting.is_over
    until = (_moment(about.ended_at) or _moment(meeting.state.last_at) or at) if is_over else at
    return max(0.0, (until - began).total_seconds())


def _agent_state(meeting: Meeting) -> str | None:
    said = meeting.state.conversation.agent_state
    if said or meeting.room_view is None:
        return said
    states = [agent.participant.agent_state for agent in meeting.room_view.agents]
    return next((state for state in states if state), None)


def _count_people(meeting: Meeting) -> int:
    if meeting.room_view is not None:
        return meeting.room_view.people
    return sum(one.kind in _PEOPLE for one in meeting.state.people.present)


def _last_latency_s(state: SessionState) -> float | None:
    totals = (turn.latency.get("total_s") for turn in reversed(state.turns.recent))
    return next((total for total in totals if total is not None), None)


def _money(meeting: Meeting, phase: Phase, age_s: float | None, at: datetime) -> Money:
    usage = meeting.state.usage
    is_known = bool(usage.priced_uses or not usage.uses) and meeting.channel != "room"
    rate = usd_per_hour(meeting.state, _now_t(meeting.state, at)) if phase == "live" and is_known else None
    forecast = None
    if rate is not None and age_s is not None:
        left_s = _HOUR_S - age_s % _HOUR_S
        forecast = usage.usd + rate * Decimal(str(left_s)) / _HOUR_S
    return Money(
        usd=usage.usd if is_known else None,
        is_complete=not usage.unpriced,
        is_offline=bool(usage.parts) and all(part.provider == OFFLINE for part in usage.parts),
        is_estimated=meeting.channel == "session",
        usd_per_hour=rate,
        forecast_usd=forecast,
    )


def _now_t(state: SessionState, at: datetime) -> float:
    """Return the present in media time: the last event's, and what has passed since it was written."""
    written = _moment(state.last_at)
    since_s = 0.0 if written is None else max(0.0, (at - written).total_seconds())
    return state.t + since_s


def _moment(written: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written) if written else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _amount(written: str | None) -> Decimal | None:
    try:
        amount = Decimal(written) if written else None
    except ArithmeticError:
        return None
    return amount if amount is not None and amount.is_finite() else None
