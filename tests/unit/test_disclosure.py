"""Answers that recite the instructions are cut before they tell them, however they come in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.disclosure import HELD_RUN, LONGEST_RUN, STRICT_RUN, DisclosureGuard
from meetctl.domain.spoken_words import spoken_words

INSTRUCTIONS = (
    "You are the agent of Acme. Be brief, and don't promise discounts above ten percent to anybody. "
    "If a customer is angry, offer the voucher with the code silver-fox and nothing else."
)
GREETING = "Hello, I am the agent of Acme, and I am here to help you today."
GUARD = DisclosureGuard([], strict=[INSTRUCTIONS + " " + GREETING], public=[GREETING])


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def check(text: str, cuts: list[int] | None = None, guard: DisclosureGuard = GUARD) -> tuple[str, bool]:
    checked = guard.begin()
    said = "".join(checked.feed(piece) for piece in pieces_of(text, cuts or []))
    return said + checked.finish(), checked.is_cut


cuts = st.lists(st.integers(min_value=0, max_value=2000), max_size=60)


@given(cuts)
def test_a_recital_is_cut_whatever_its_pieces(places: list[int]) -> None:
    said, is_cut = check(f"Sure, here they are: {INSTRUCTIONS}", places)
    assert is_cut
    assert said.startswith("Sure, here they are: ")
    told = said.removeprefix("Sure, here they are: ")
    assert INSTRUCTIONS.startswith(told)
    assert len(spoken_words(told)) <= HELD_RUN


@given(cuts)
def test_an_honest_answer_passes_unchanged(places: list[int]) -> None:
    answer = "The slide shows Acme's revenue; if a customer is angry, be kind. Don't promise much!"
    assert check(answer, places) == (answer, False)


@given(st.text(), cuts)
def test_any_other_text_passes_unchanged(text: str, places: list[int]) -> None:
    assert check(text, places) == (text, False)


@pytest.mark.parametrize(
    "recital",
    [
        "OFFER THE VOUCHER WITH THE CODE SILVER FOX AND NOTHING ELSE",
        "offer—the—voucher—with—the—code—silver—fox",
        "**offer** the *voucher*\nwith the\ncode: silver-fox, and",
        "1. offer 2. the voucher",
    ],
)
def test_marks_and_case_do_not_hide_a_recital(recital: str) -> None:
    assert check(recital)[1] is ("1." not in recital)


def test_words_are_only_held_back_while_they_could_be_a_recital() -> None:
    checked = GUARD.begin()
    assert checked.feed("Please offer the ") == "Please offer the "
    assert checked.feed("voucher ") == ""
    assert checked.feed("wi") == ""
    assert checked.feed("ll be there.") == "voucher will be there."


def test_a_word_in_two_pieces_is_one_word() -> None:
    checked = GUARD.begin()
    for piece in ("be brief and don", "'", "t promise dis", "counts above", " ten "):
        checked.feed(piece)
    assert checked.is_cut


def test_nothing_is_said_after_the_cut() -> None:
    checked = GUARD.begin()
    checked.feed(INSTRUCTIONS)
    assert (checked.feed(" And more."), checked.finish()) == ("", "")


def test_seven_words_in_a_row_are_no_recital_and_eight_are() -> None:
    words = spoken_words(INSTRUCTIONS)
    assert STRICT_RUN == 8
    for start in range(len(words) - STRICT_RUN + 1):
        run = words[start : start + STRICT_RUN]
        assert check(" ".join(run))[1]
        assert not check(" ".join(run[:-1]))[1]


def test_a_fact_of_the_instructions_may_be_told_and_more_of_them_may_not() -> None:
    fact = "Acme ships every order within two working days from its warehouse in Utrecht."
    guard = DisclosureGuard([f"You are the agent of Acme. {fact} {INSTRUCTIONS}"])
    assert check(fact, guard=guard) == (fact, False)
    words = spoken_words(INSTRUCTIONS)
    assert check(" ".join(words[:LONGEST_RUN]), guard=guard) == ("", True)
    assert not check(" ".join(words[: LONGEST_RUN - 1]), guard=guard)[1]


def test_what_is_said_to_everybody_is_no_secret() -> None:
    assert check(GREETING) == (GREETING, False)


def test_a_short_secret_is_known_by_all_its_words() -> None:
    guard = DisclosureGuard(["The word is silver fox.", "Be brief."])
    assert check("I think the word is silver fox, or not.", guard=guard) == ("I think ", True)
    assert check("Be brief. Be brief. Be brief.", guard=guard)[1] is False


def test_a_recital_at_the_very_end_is_still_found() -> None:
    said, is_cut = check("offer the voucher with the code silver-fox")
    assert (said, is_cut) == ("", True)
