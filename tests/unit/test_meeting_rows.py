"""The list of meetings: facts of each row, their order, the filter, and the totals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dashboards import NOW, make_meeting, make_view, read_recording

from meetctl.domain.events import Event, parse_event
from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
from meetctl.domain.view.meeting_order import COLUMN_NAMES, ColumnName, Filter, Order, arrange, parse_filter
from meetctl.domain.view.meeting_rows import make_row
from meetctl.domain.view.totals import add_up
from meetctl.domain.workers import LocalWorker
from meetctl.errors import UsageError
from meetctl.reports.panel_meetings import document_meetings, show_amount, show_budget, show_money

BEGAN = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)


def make_events(*bodies: str) -> tuple[Event, ...]:
    events = []
    for seq, body in enumerate(bodies):
        event = parse_event(f'{{"v":1,"seq":{seq},"room":"standup","session_id":"s1",{body}}}')
        assert event is not None
        events.append(event)
    return tuple(events)


STARTED = '"t":0,"ts":"2026-11-24T11:30:00Z","type":"session.started","agent":"meetctl"'


def make_request(t: float, usd: str | None, at: datetime = NOW) -> str:
    price = "" if usd is None else f',"usd":"{usd}"'
    return (
        f'"t":{t},"ts":"{at.isoformat()}","type":"llm.request","request":"r{t}","provider":"openai",'
        f'"model":"gpt-4.1","input_tokens":100,"basis":"reported"{price}'
    )


def make_priced(*, key: str = "s1", room: str = "standup", usd: str = "0.30") -> Meeting:
    return make_meeting(make_events(STARTED, make_request(1800, usd)), key=key, room=room)


def test_a_row_tells_what_the_recording_came_to() -> None:
    events = tuple(event for event in read_recording("live-demo") if event.type != "session.ended")
    row = make_row(make_meeting(events), NOW)
    assert (row.room, row.phase, row.kept, row.seen) == ("demo", "live", 65, 1960)
    assert row.latency_s == 0.663
    assert show_money(row.money) == "$0 offline"


def test_the_rate_is_that_of_the_last_five_minutes_and_the_forecast_goes_to_the_full_hour() -> None:
    events = make_events(STARTED, make_request(10, "5.00"), make_request(1800, "0.30"))
    money = make_row(make_meeting(events), NOW).money
    assert money.usd == Decimal("5.30")
    assert money.usd_per_hour == Decimal("0.30") * 12
    # It has run for half an hour of its hour.
    assert money.forecast_usd == Decimal("5.30") + Decimal("1.80")


def test_a_meeting_that_fell_silent_spends_nothing_more() -> None:
    events = make_events(STARTED, make_request(1800, "0.30", NOW - timedelta(minutes=10)))
    assert make_row(make_meeting(events), NOW).money.usd_per_hour == 0


def test_what_has_no_price_is_never_zero() -> None:
    unpriced = make_row(make_meeting(make_events(STARTED, make_request(1800, None))), NOW).money
    assert (unpriced.usd, unpriced.usd_per_hour, show_money(unpriced)) == (None, None, "n/a")
    partly = make_row(
        make_meeting(make_events(STARTED, make_request(1790, "0.30"), make_request(1800, None))), NOW
    ).money
    assert show_money(partly) == "≥ $0.30"
    assert show_amount(partly, partly.usd_per_hour) == "≥ $3.60"


def test_a_foreign_agents_cost_is_marked_as_our_estimate() -> None:
    meeting = replace(make_priced(), channel="session")
    assert show_money(make_row(meeting, NOW).money) == "~ $0.30"


def test_an_ended_meeting_has_an_age_and_no_rate() -> None:
    ended = '"t":1900,"ts":"2026-11-24T11:45:00Z","type":"session.ended","reason":"left"'
    row = make_row(make_meeting(make_events(STARTED, make_request(60, "0.30"), ended)), NOW)
    assert (row.phase, row.age_s) == ("ended", 900)
    assert row.money.usd_per_hour is None
    assert row.money.forecast_usd is None


@pytest.mark.parametrize("changes", [{"is_stale": True}, {"problem": "the journal cannot be read"}])
def test_a_meeting_of_which_nothing_is_heard_is_stale(changes: dict[str, object]) -> None:
    row = make_row(replace(make_priced(), **changes), NOW)  # type: ignore[arg-type]
    assert (row.phase, row.money.usd_per_hour) == ("stale", None)


def test_a_budget_counts_what_was_spent_since_its_step() -> None:
    step = (
        '"t":1700,"ts":"2026-11-24T11:59:00Z","type":"budget.step","budget":"meeting","step":"detail=low",'
        '"spent_usd":"0.35","limit_usd":"0.50"'
    )
    row = make_row(make_meeting(make_events(STARTED, make_request(9, "0.35"), step)), NOW)
    assert row.budget is not None
    assert row.budget.share == Fraction(7, 10)
    later = make_events(STARTED, make_request(9, "0.35"), step, make_request(1800, "0.15"))
    row = make_row(make_meeting(later), NOW)
    assert row.budget is not None
    assert show_budget(row.budget) == "██████100%"


def test_sorting_keeps_those_without_a_value_last() -> None:
    rows = [
        make_row(make_priced(key="a", usd="0.10"), NOW),
        make_row(Meeting(key="b", room="retro", channel="room"), NOW),
        make_row(make_priced(key="c", usd="0.90"), NOW),
    ]
    order = Order().by("usd")
    assert [row.key for row in arrange(rows, order, Filter())] == ["c", "a", "b"]
    assert [row.key for row in arrange(rows, order.reverse(), Filter())] == ["a", "c", "b"]
    assert [row.key for row in arrange(rows, Order().by("room"), Filter())] == ["b", "a", "c"]


@given(column=st.sampled_from(COLUMN_NAMES), is_reversed=st.booleans(), typed=st.text(max_size=12))
def test_every_order_and_filter_shows_a_part_of_the_rows(
    column: ColumnName, is_reversed: bool, typed: str
) -> None:
    rows = [make_row(make_priced(key=key, room=key), NOW) for key in ("a", "b")]
    rows.append(make_row(Meeting(key="c", room="c", channel="room"), NOW))
    try:
        chosen = parse_filter(typed)
    except UsageError:
        return
    shown = arrange(rows, Order(column=column, is_reversed=is_reversed), chosen)
    inverse = Filter(expression=chosen.expression, is_inverse=not chosen.is_inverse)
    hidden = arrange(rows, Order(), inverse) if chosen.expression else ()
    assert sorted(row.key for row in (*shown, *hidden)) == ["a", "b", "c"]


def test_a_filter_looks_at_names_states_and_tiers() -> None:
    row = make_row(replace(make_priced(), is_stale=True), NOW)
    assert parse_filter("STAND").keeps(row)
    assert parse_filter("stale").keeps(row)
    assert not parse_filter("!stale").keeps(row)
    with pytest.raises(UsageError, match="no regular expression"):
        parse_filter("(")


def test_totals_say_which_source_is_silent_since_when() -> None:
    view = replace(
        make_view(make_priced(), make_priced(key="s2", usd="0.10")),
        sources=(
            SourceHealth(name="journals", seen_at=NOW - timedelta(seconds=2)),
            SourceHealth(name="livekit", seen_at=NOW - timedelta(minutes=1), error="it refuses connections"),
            SourceHealth(name="workers", seen_at=NOW - timedelta(minutes=2)),
            SourceHealth(name="livekit", seen_at=None, error="there is none", is_configured=False),
        ),
        workers=(
            LocalWorker(worker_id="1", agent_name="a", url="u", pid=1, max_meetings=4, meetings=3),
            LocalWorker(worker_id="2", agent_name="a", url="u", pid=2, max_meetings=4, meetings=None),
        ),
    )
    totals = add_up(view)
    assert (totals.live, totals.usd, totals.usd_per_hour) == (2, Decimal("0.40"), Decimal("4.80"))
    assert [one.name for one in totals.stale_sources] == ["livekit", "workers"]
    assert not totals.is_live
    assert totals.workers is not None
    assert (totals.workers.meetings, totals.workers.places, totals.workers.silent) == (3, 4, 1)


def test_the_document_has_the_same_facts() -> None:
    document = document_meetings(make_view(make_priced()))
    assert document["schema"] == "meetctl.panel.meetings/1"
    assert document["meetings"][0]["cost"]["usd_per_hour"] == "3.600000"
    assert document["totals"]["usd"] == "0.300000"


def test_an_empty_view_has_no_rows() -> None:
    assert document_meetings(DashboardView(at=NOW))["meetings"] == []
