"""Leaving takes a person's own words in two turns; whatever else there is, the agent stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.confirmation import TURNS_TO_CONFIRM, LeaveConfirmation, asks_to_leave, confirms_leaving

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from meetctl.domain.confirmation import LeaveDecision

MAYA = frozenset({"maya"})
ASK = "Please end the meeting."


def decide(
    confirmation: LeaveConfirmation,
    turn: int | None,
    said: str,
    *,
    speakers: AbstractSet[str] = MAYA,
    people: AbstractSet[str] = MAYA,
) -> LeaveDecision:
    return confirmation.decide(turn=turn, said=said, speakers=speakers, people=people)


@pytest.mark.parametrize(
    "said",
    [
        "Yes, leave.",
        "Yeah, you can leave.",
        "OK, go ahead and leave please.",
        "Leave the meeting.",
        "Goodbye!",
    ],
)
def test_agreement_confirms(said: str) -> None:
    assert confirms_leaving(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "...",
        "No.",
        "Yes.",
        "Yes, please.",
        "OK",
        "Sure, go ahead.",
        "Yes, but not now.",
        "Don't leave.",
        "Yes, show me the next slide.",
        "Yes?",
        "Shall we end the meeting?",
        "Leave it on the table.",
        "The slide says yes, end the meeting.",
        "Thank you.",
        "Stop.",
        "yes leave the meeting nope",
    ],
)
def test_anything_else_does_not_confirm(said: str) -> None:
    assert not confirms_leaving(said)


@given(st.text(), st.sampled_from(["no", "not", "don't", "never", "wait", "stay", "cannot"]))
def test_a_refusal_is_never_taken_for_agreement(said: str, refusal: str) -> None:
    assert not confirms_leaving(f"yes {refusal} {said}")
    assert not asks_to_leave(f"leave {refusal} {said}")


def test_a_person_who_asks_and_confirms_in_the_next_turn_is_left() -> None:
    confirmation = LeaveConfirmation()
    assert decide(confirmation, 4, ASK) == "ask"
    assert decide(confirmation, 5, "Yes, leave.") == "confirmed"


def test_one_confirmation_is_good_for_one_leave() -> None:
    confirmation = LeaveConfirmation()
    decide(confirmation, 4, ASK)
    assert decide(confirmation, 5, "Yes, leave.") == "confirmed"
    assert decide(confirmation, 6, "Yes.") == "nobody asked"


@pytest.mark.parametrize("said", ["What is on the screen?", "Yes.", "Don't leave."])
def test_what_no_person_asked_for_is_refused(said: str) -> None:
    confirmation = LeaveConfirmation()
    assert decide(confirmation, 1, said) == "nobody asked"
    assert decide(confirmation, 2, "Yes.") == "nobody asked"


def test_the_turn_of_the_question_cannot_confirm_it() -> None:
    confirmation = LeaveConfirmation()
    said = "Yes, leave the meeting."
    assert decide(confirmation, 1, said) == "ask"
    assert decide(confirmation, 1, said) == "no later turn"


@pytest.mark.parametrize(("later", "decision"), [(2, "confirmed"), (3, "ask")])
def test_a_late_yes_does_not_count(later: int, decision: str) -> None:
    confirmation = LeaveConfirmation()
    decide(confirmation, 1, ASK)
    assert decide(confirmation, 1 + later, "Yes, leave.") == decision
    assert TURNS_TO_CONFIRM == 2


def test_a_person_may_hesitate_and_then_agree() -> None:
    confirmation = LeaveConfirmation()
    decide(confirmation, 1, ASK)
    assert decide(confirmation, 2, "Wait.") == "not confirmed"
    assert decide(confirmation, 3, "Yes, leave.") == "confirmed"


def test_others_are_never_cut_off() -> None:
    confirmation = LeaveConfirmation()
    decide(confirmation, 1, ASK)
    both = frozenset({"maya", "noor"})
    assert decide(confirmation, 2, "Yes.", people=both) == "others are here"


def test_somebody_elses_yes_does_not_count() -> None:
    confirmation = LeaveConfirmation()
    noor = frozenset({"noor"})
    decide(confirmation, 1, ASK)
    assert decide(confirmation, 2, "Yes.", speakers=noor) == "unknown speaker"
    assert decide(confirmation, 2, "Yes.", speakers=noor, people=noor) == "nobody asked"
    assert decide(confirmation, 2, "Yes.", speakers=MAYA | noor) == "unknown speaker"


@pytest.mark.parametrize(
    ("turn", "speakers", "people"),
    [(None, frozenset(), MAYA), (1, frozenset({""}), MAYA), (1, MAYA, frozenset())],
)
def test_without_a_known_person_nobody_can_ask(
    turn: int | None, speakers: frozenset[str], people: frozenset[str]
) -> None:
    assert decide(LeaveConfirmation(), turn, ASK, speakers=speakers, people=people) == "unknown speaker"
