"""What the vision and cost panels show, as figures, as text and as documents."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from tests.dashboards import NOW, read_recording
from tests.priced_events import price_events

from meetctl.adapters.price_book import load_price_book
from meetctl.domain.events import Event
from meetctl.domain.state import SessionState, fold_events
from meetctl.domain.view.costs import projected_policies, view_costs
from meetctl.domain.view.vision import view_vision
from meetctl.reports.panel_cost import document_costs, draw_spending, tell_budget, tell_costs
from meetctl.reports.panel_vision import document_vision, mark_frames, tell_frame, tell_vision
from meetctl.services.dashboard.projection import current_policy, project_hour
from meetctl.services.image_prices import DatedPrices

EVENTS = read_recording("live-demo")
STATE = fold_events(price_events(EVENTS))
NEWEST_SENT = "frame-000061"


def test_a_sent_frame_has_its_label_and_its_part_of_the_requests_images() -> None:
    vision = view_vision(STATE)
    place = vision.find(NEWEST_SENT)
    assert place is not None

    seen = vision.frames[place]
    (use,) = seen.uses
    assert seen.is_attached
    assert (use.label, use.turn, use.tokens) == ("most recent frame, 0.1 s ago", 4, Fraction(1105))
    assert seen.usd == Decimal("0.00221")
    assert "turn 4: most recent frame, 0.1 s ago, high detail, 1,105 tokens, $0.00221" in tell_frame(
        vision, place
    )


def test_all_frames_together_cost_what_the_requests_images_did() -> None:
    last = STATE.requests.recent[-1]
    frames = [seen for seen in view_vision(STATE).frames if seen.is_attached]

    assert [seen.frame.frame for seen in frames] == list(last.frames)
    assert sum(seen.tokens for seen in frames) == last.image_tokens
    assert sum((seen.usd or 0 for seen in frames), Decimal(0)) == last.image_usd


def test_a_frame_that_was_not_sent_cost_nothing_and_one_without_a_price_is_not_zero() -> None:
    unpriced = view_vision(fold_events(price_events(EVENTS, unpriced="llm.request")))

    assert unpriced.frames[-1].usd == 0
    assert unpriced.image_usd is None
    assert next(seen for seen in unpriced.frames if seen.uses).usd is None
    assert "n/a" in tell_vision(unpriced)


def test_the_chosen_frame_stays_among_the_marks_in_any_width() -> None:
    vision = view_vision(STATE)

    for width in (3, 10, 38, 200):
        for place in (0, 30, len(vision.frames) - 1):
            marks = mark_frames(vision, place, width)
            assert len(marks) == min(width, len(vision.frames) + 2)
            assert "[" in marks


def test_an_offline_meetings_money_is_said_to_be_offline() -> None:
    state = fold_events(EVENTS)

    assert view_costs(state).is_offline
    assert "$0.00 offline" in tell_vision(view_vision(state))
    assert "all offline" in tell_costs(view_costs(state), ())


def test_costs_add_up_over_time_and_by_model() -> None:
    costs = view_costs(STATE)

    assert sum(costs.spent, Decimal(0)) == costs.usage.usd == STATE.usage.usd
    assert costs.vision_share is not None
    assert 0.5 < costs.vision_share < 0.7
    assert costs.usd_per_hour is not None
    assert len(draw_spending(costs, 40, rows=4)) == 5
    assert max(len(line) for line in draw_spending(costs, 4)[:-1]) <= 4


def test_what_has_no_price_is_a_lower_bound_and_no_share() -> None:
    costs = view_costs(fold_events(price_events(EVENTS, unpriced="tts.usage")))

    assert costs.vision_share is None
    assert costs.priced_share is not None
    assert costs.priced_share < 1
    assert tell_costs(costs, ()).startswith("≥ $")


def test_a_budget_is_shown_as_it_stood_at_its_last_step() -> None:
    fields = {"budget": "meeting", "step": "detail=low", "spent_usd": "0.7", "limit_usd": "1"}
    step = replace(
        EVENTS[-1], seq=EVENTS[-1].seq + 1, type="budget.step", fields={**fields, "level": 1, "levels": 4}
    )
    budget = view_costs(fold_events([*EVENTS, step])).budget

    assert budget is not None
    assert budget.used == Fraction(7, 10)
    told = tell_budget(budget)
    assert told == "budget of the meeting: $0.70 of $1.00 (70%) at its last step, detail=low (1 of 4)"


def test_documents_are_json_with_amounts_as_text_or_null() -> None:
    policy = current_policy(STATE)
    assert policy is not None
    prices = DatedPrices(load_price_book([]))
    hours = [project_hour(STATE, one, prices, NOW.date()) for one in projected_policies(policy)]

    costs = json.loads(json.dumps(document_costs(view_costs(STATE), hours)))
    vision = json.loads(json.dumps(document_vision(view_vision(STATE))))

    assert costs["schema"] == "meetctl.panel.cost/1"
    assert len(costs["projections"]) == 9
    assert Decimal(costs["projections"][0]["usd"]) > 0
    assert vision["schema"] == "meetctl.panel.vision/1"
    assert len(vision["frames"]) == 60


def test_a_session_of_nothing_has_views_too() -> None:
    empty: tuple[Event, ...] = ()
    for state in (SessionState(), fold_events(empty)):
        assert view_vision(state).frames == ()
        assert view_costs(state).usd_per_hour is None
        assert "nothing used yet" in tell_costs(view_costs(state), ())
