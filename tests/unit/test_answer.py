from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.written_audit import make_costs, one_track, two_tracks

from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
from meetctl.domain.coverage import Coverage
from meetctl.reports.answer import answer_recording, answer_total, describe_assumptions
from meetctl.services.summary import make_audit

if TYPE_CHECKING:
    from meetctl.domain.billing import Meaning

SECOND_US = 1_000_000


def answer(
    policy: PolicyAudit,
    meaning: Meaning = "per_turn",
    *,
    sweep: bool = False,
    baseline: PolicyAudit | None = None,
) -> str:
    """Return what is said of one policy beside the source rate."""
    recording = replace(one_track(), policies=(baseline or one_track().policies[0], policy))
    audit = make_audit((recording,), price_book="2026-11-22", meaning=meaning, target=0.95, sweep=sweep)
    return answer_recording(audit.recordings[0], audit)


def slow(**changes: Any) -> PolicyAudit:
    return replace(one_track().policies[1], **changes)


def seen(changes: int, count: int, delay_us: int = SECOND_US) -> Coverage:
    return Coverage(method="decode", changes=changes, seen=count, delays_us=(delay_us,) * count)


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (
            "per_turn",
            "costs $0.00663 ($7.96 an hour) with the last 5 frames attached to each request, 70% less",
        ),
        ("every_frame", "costs $0.00442 ($5.30 an hour) if each kept frame is sent once, 66.7% less"),
        ("history", "costs $0.0373 ($44.75 an hour) if sent frames stay in the history, 12.5% more"),
    ],
)
def test_cost_is_said_in_the_chosen_meaning(meaning: Meaning, expected: str) -> None:
    assert f"At 0.5 fps the vision {expected} than at 2 fps;" in answer(slow(), meaning)


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        (seen(19, 15, 640_000), "; it shows 15 of 19 visible changes, half of them within 0.6 s."),
        (seen(2, 2, 0), "; it shows 2 of 2 visible changes, half of them at once."),
        (seen(1, 1), "; it shows 1 of 1 visible change, within 1.0 s."),
        (seen(3, 0), "; it shows none of 3 visible changes."),
        (seen(0, 0), "; nothing visible changed."),
        (Coverage(method="off", changes=None, seen=None), "less than at 2 fps."),
        (
            Coverage(method="packets", changes=4, seen=1, delays_us=(SECOND_US,)),
            "; it shows 1 of an estimated 4 visible changes, within 1.0 s.",
        ),
    ],
)
def test_what_is_seen_stands_beside_the_cost(coverage: Coverage, expected: str) -> None:
    assert answer(slow(coverage=coverage)).endswith(expected)


def test_window_of_one_is_one_frame() -> None:
    policy = replace(slow().policy, window=1)
    assert "with the last frame attached to each request" in answer(slow(policy=policy))


def test_where_nothing_is_sent_nothing_is_compared() -> None:
    nothing = make_costs((2, 2210, "0.00442"), (0, 0, "0"), (0, 0, "0"), 3 * SECOND_US)
    no_window = replace(slow().policy, window=0)
    assert answer(slow(costs=nothing, coverage=seen(0, 0))) == (
        "At 0.5 fps the vision costs nothing, because no request takes a frame; nothing visible changed."
    )
    assert "because no frame is attached to a request" in answer(slow(costs=nothing, policy=no_window))
    assert answer(slow(kept=0, coverage=seen(3, 0))) == (
        "At 0.5 fps no frame is kept, and the vision costs nothing; it shows none of 3 visible changes."
    )


def test_rate_that_saves_nothing_per_request_says_where_it_would() -> None:
    text = answer(slow(saving={"every_frame": 0.9667, "per_turn": 0.0, "history": 0.0}))
    assert ", the same as at 2 fps;" in text
    assert "The rate alone saves nothing there" in text
    assert text.endswith("would cost $5.30 an hour instead of $15.91, 96.7% less.")


def test_model_without_a_price_is_named() -> None:
    policy = one_track().policies[2]
    assert answer(replace(policy, coverage=seen(0, 0))) == (
        "At a|b, <i>*odd*</i> 85 image tokens are sent, but nobody-prices-this has no price; "
        "nothing visible changed."
    )


def test_source_rate_alone_is_compared_with_nothing() -> None:
    recording = replace(one_track(), policies=one_track().policies[:1])
    audit = make_audit((recording,), price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=False)
    assert "attached to each request; it shows" in answer_recording(recording, audit)


def test_sweep_names_its_choice_first() -> None:
    assert answer(slow(), sweep=True).startswith(
        "0.5 fps is the cheapest tried with at least 95% coverage. At 0.5 fps"
    )


def test_sweep_of_a_picture_that_never_changes_takes_the_cheapest() -> None:
    baseline = replace(one_track().policies[0], coverage=seen(0, 0))
    text = answer(slow(coverage=seen(0, 0)), sweep=True, baseline=baseline)
    assert text.startswith("Nothing visible changed, so the cheapest policy tried is 0.5 fps.")


def test_sweep_that_chooses_none_says_why() -> None:
    worse = replace(one_track().policies[0], coverage=seen(10, 4))
    nearest = answer(slow(coverage=seen(10, 9)), sweep=True, baseline=worse)
    assert nearest.startswith("No policy tried shows 95% of the changes; 0.5 fps comes nearest. At 0.5 fps")
    blind = Coverage(method="off", changes=None, seen=None)
    unknown = answer(slow(coverage=blind), sweep=True, baseline=replace(worse, coverage=blind))
    assert unknown.startswith("No policy can be chosen, because what changed is not known.")
    unpriced = replace(one_track().policies[2], coverage=seen(10, 10))
    assert answer(unpriced, sweep=True, baseline=worse).startswith(
        "No policy tried that shows 95% of the changes has a price."
    )


def total_of(*recordings: RecordingAudit) -> Audit:
    return make_audit(recordings, price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=False)


def test_total_speaks_of_all_recordings() -> None:
    text = answer_total(total_of(one_track(), two_tracks()))
    assert text.startswith("All 2 recordings together. At 0.5 fps the vision costs $0.0133 ($7.96 an hour)")


def test_total_with_a_part_that_has_no_price_is_at_least_the_rest() -> None:
    unpriced = slow(costs=make_costs((2, 2210, None), (3, 3315, None), (4, 4420, None), 3 * SECOND_US))
    part = replace(one_track(), policies=(one_track().policies[0], unpriced))
    text = answer_total(total_of(part, two_tracks()))
    assert "At 0.5 fps the vision costs at least $0.00663: for a part of it gpt-4.1 has no price" in text


def test_name_cannot_break_the_line() -> None:
    policy = replace(slow().policy, name="two\nlines\x1b[31m")
    assert r"At two\nlines\x1b[31m the vision" in answer(slow(policy=policy))


def test_day_of_the_prices_is_said_to_be_a_guess_only_where_it_is_one() -> None:
    audit = total_of(one_track(), two_tracks())
    known = one_track()
    guessed = replace(
        known,
        recording=replace(known.recording, recorded_at_source="file time"),
        priced_at=known.recording.recorded_at,
    )
    chosen = replace(guessed, priced_at=guessed.priced_at + timedelta(days=1))
    said = ["(the file's date, " in describe_assumptions(one, audit)[2] for one in (known, guessed, chosen)]
    assert said == [False, True, False]


def test_assumptions_are_one_line_each() -> None:
    audit = total_of(one_track(), two_tracks())
    assert describe_assumptions(one_track(), audit) == [
        "requests: 2, assumed at an even rate (--turns-per-min)",
        "image tokens: gpt-4.1, openai-tile/2024-05-13; nobody-prices-this, flat/2026-01-01",
        "prices: as of 2026-11-16, price book 2026-11-22; "
        "list prices for image tokens only, no cache discount",
        "changes: estimated from packet sizes (--coverage decode looks at the pictures)",
    ]
    assert describe_assumptions(two_tracks(), audit)[0] == "requests: 0, from the journal"
    assert describe_assumptions(two_tracks(), audit)[3] == "changes: not looked for (--coverage)"
