"""Where budgets stand, as figures, as tables and as a document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from meetctl.domain.budget import BudgetLimits, Budgets, parse_tenant_limits
from meetctl.domain.budget_standing import YOUNGEST, survey_budgets, used_share
from meetctl.domain.spending import SessionSpending, Spent
from meetctl.reports.budget import NO_TENANT, document_standings, draw_meetings, draw_tenants

if TYPE_CHECKING:
    from rich.table import Table

    from meetctl.domain.budget_standing import BudgetStandings

AT = datetime(2026, 11, 16, 18, tzinfo=UTC)


def entry(
    session_id: str, *, tenant: str | None = "acme", usd: str = "1", hours: float = 1, unpriced: int = 0
) -> SessionSpending:
    return SessionSpending(
        day=date(2026, 11, 16),
        session_id=session_id,
        tenant_id=tenant,
        room=f"room {session_id}",
        began_at=AT - timedelta(hours=hours),
        updated_at=AT,
        spent=Spent(usd=Decimal(usd), uses=4, unpriced=unpriced),
        meeting=Spent(usd=Decimal(usd) * 2, uses=8, unpriced=unpriced),
        limits=BudgetLimits(meeting_usd=Decimal(8), day_usd=Decimal(10)),
        step="vision=off",
        day_step="detail=low",
    )


def ended(one: SessionSpending) -> SessionSpending:
    return replace(one, is_running=False)


def survey(
    *entries: SessionSpending, budgets: Budgets | None = None, tenant: str | None = None
) -> BudgetStandings:
    return survey_budgets(entries, budgets or Budgets(), AT, tenant)


def test_a_running_meeting_says_when_its_limit_is_reached_at_its_rate() -> None:
    (meeting,) = survey(entry("a", hours=0.5)).meetings
    assert (meeting.spent.usd, meeting.limit_usd, meeting.step) == (Decimal(2), Decimal(8), "vision=off")
    assert meeting.usd_per_hour == 4
    assert meeting.limit_in == timedelta(hours=1.5)


def test_a_meeting_that_has_just_begun_or_spends_nothing_has_no_forecast() -> None:
    young = replace(entry("a"), began_at=AT - YOUNGEST / 2)
    free = entry("b", usd="0")
    spent = replace(entry("c"), limits=BudgetLimits(meeting_usd=Decimal(2)))
    endless = replace(entry("d"), limits=BudgetLimits(meeting_usd=Decimal(10**9)))
    known = {one.session_id: one for one in survey(young, free, spent, endless).meetings}
    assert (known["a"].usd_per_hour, known["a"].limit_in) == (None, None)
    assert (known["b"].usd_per_hour, known["b"].limit_in) == (Decimal(0), None)
    assert (known["c"].limit_in, known["d"].limit_in) == (None, None)


def test_a_tenants_day_is_the_sum_of_its_meetings_and_goes_on_with_those_that_run() -> None:
    standings = survey(
        entry("a"),
        ended(entry("b", usd="3")),
        entry("c", hours=2),
        entry("d", tenant="globex"),
        entry("e", tenant=None),
    )
    acme = standings.tenants[0]
    assert (acme.tenant_id, acme.spent.usd, acme.limit_usd, acme.step) == (
        "acme",
        Decimal(5),
        Decimal(10),
        "detail=low",
    )
    assert (acme.sessions, acme.running) == (3, 2)
    # 2 $/h and 1 $/h for the six hours until midnight.
    assert (acme.usd_per_hour, acme.forecast_usd) == (Decimal(3), Decimal(5 + 18))
    assert [one.tenant_id for one in standings.tenants] == ["acme", "globex", None]
    assert [one.session_id for one in standings.meetings] == ["a", "c", "d", "e"]


def test_the_limit_is_what_the_running_session_goes_by() -> None:
    raised = replace(entry("a"), limits=BudgetLimits(day_usd=Decimal(99)), updated_at=AT - timedelta(hours=1))
    assert survey(raised, ended(entry("b"))).tenants[0].limit_usd == 99
    assert survey(ended(raised), ended(entry("b"))).tenants[0].limit_usd == 10


def test_what_is_configured_fills_in_what_no_session_knows() -> None:
    budgets = Budgets(
        everyone=BudgetLimits(day_usd=Decimal(4)), tenants=parse_tenant_limits('{"hooli": {"day_usd": 7}}')
    )
    restored = ended(replace(entry("a"), limits=BudgetLimits(), step=None, day_step=None))
    known = {one.tenant_id: one for one in survey(restored, budgets=budgets).tenants}
    assert (known["acme"].limit_usd, known["acme"].step) == (Decimal(4), None)
    assert (known["hooli"].limit_usd, known["hooli"].sessions, known["hooli"].spent.usd) == (
        Decimal(7),
        0,
        Decimal(0),
    )


def test_one_tenant_is_shown_alone() -> None:
    budgets = Budgets(tenants=parse_tenant_limits('{"hooli": {}, "acme": {}}'))
    standings = survey(entry("a"), entry("b", tenant="globex"), budgets=budgets, tenant="acme")
    assert [one.tenant_id for one in standings.tenants] == ["acme"]
    assert [one.session_id for one in standings.meetings] == ["a"]
    assert survey(entry("a"), tenant="nobody").tenants == ()


@given(spent=st.decimals(0, 100, places=4), limit=st.decimals(0, 100, places=4))
def test_the_used_share_is_exact(spent: Decimal, limit: Decimal) -> None:
    share = used_share(Spent(usd=spent), limit)
    assert share == (Fraction(spent) / Fraction(limit) if limit else 1)


def draw(table: Table, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_tables_say_at_least_where_something_has_no_price() -> None:
    standings = survey(entry("a", unpriced=1), entry("b", tenant=None, usd="0.5"))
    assert not standings.is_priced
    meetings, tenants = draw(draw_meetings(standings)), draw(draw_tenants(standings))
    assert "≥ $2.00" in meetings
    assert "≥ 25%" in meetings
    assert "≥ $1.00" in tenants
    assert NO_TENANT in tenants
    assert "2 running" not in tenants


def test_names_cannot_steer_a_terminal() -> None:
    hostile = replace(entry("a", tenant="ac\x1b[31mme"), room="de\nmo\x07")
    drawn = draw(draw_meetings(survey(hostile)), 200) + draw(draw_tenants(survey(hostile)), 200)
    assert "\x1b[31m" not in drawn
    assert "\x07" not in drawn
    assert "de\\nmo" in drawn


def test_the_document_has_everything_and_keeps_money_exact() -> None:
    document = document_standings(survey(entry("a", usd="0.1", unpriced=1), ended(entry("b", usd="0.2"))))
    assert document == {
        "schema": "meetctl.cost.budget/1",
        "at": "2026-11-16T18:00:00.000000Z",
        "day": "2026-11-16",
        "meetings": [
            {
                "session_id": "a",
                "room": "room a",
                "tenant_id": "acme",
                "began_at": "2026-11-16T17:00:00.000000Z",
                "spent_usd": "0.200000",
                "limit_usd": "8.000000",
                "used": 0.025,
                "priced": 0.875,
                "step": "vision=off",
                "usd_per_hour": "0.200000",
                "limit_in_s": 140400,
            }
        ],
        "tenants": [
            {
                "tenant_id": "acme",
                "sessions": 2,
                "running": 1,
                "spent_usd": "0.300000",
                "limit_usd": "10.000000",
                "used": 0.03,
                "priced": 0.875,
                "step": "detail=low",
                "usd_per_hour": "0.200000",
                "forecast_usd": "1.500000",
            }
        ],
    }


def test_what_nothing_limits_has_no_share() -> None:
    free = replace(entry("a", usd="0"), limits=BudgetLimits(), step=None, day_step=None, spent=Spent())
    document = document_standings(survey(free))
    (tenant,) = document["tenants"]
    assert (tenant["limit_usd"], tenant["used"], tenant["priced"], tenant["step"]) == (None, None, None, None)
    assert "–" in draw(draw_tenants(survey(free)))
