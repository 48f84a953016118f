"""Budgets: which steps are in force, in what order they can be given, and that they never come and go."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.budget import (
    DEFAULT_STEPS,
    SLACK,
    BudgetAccount,
    BudgetLimits,
    Budgets,
    decide_level,
    format_steps,
    judge_budgets,
    lower_limit,
    name_step,
    parse_limit,
    parse_steps,
    parse_tenant_limits,
    restraint_at,
)
from meetctl.domain.policy import Policy
from meetctl.domain.restraint import NO_RESTRAINT, Restraint
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.budget import BudgetStep

CENTS = st.integers(0, 500).map(lambda cents: Decimal(cents) / 100)
LIMITS = st.integers(1, 300).map(lambda cents: Decimal(cents) / 100)
LADDERS = st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True).map(
    lambda shares: parse_steps(", ".join(f"{share}% window={100 - share}" for share in sorted(shares)))
)


def account(spent: Decimal | str, limit: Decimal | str | None = "1") -> BudgetAccount:
    return BudgetAccount(
        budget="meeting", spent_usd=Decimal(spent), limit_usd=None if limit is None else Decimal(limit)
    )


def day(spent: str, limit: str | None) -> BudgetAccount:
    return replace(account(spent, limit), budget="tenant day")


@given(steps=LADDERS, limit=LIMITS, one=CENTS, other=CENTS, level=st.integers(0, 6))
def test_more_spending_never_means_fewer_steps(
    steps: tuple[BudgetStep, ...], limit: Decimal, one: Decimal, other: Decimal, level: int
) -> None:
    less, more = sorted([one, other])
    assert decide_level(account(less, limit), steps, level) <= decide_level(
        account(more, limit), steps, level
    )


@given(steps=LADDERS, limit=LIMITS, spent=CENTS, level=st.integers(0, 9))
def test_there_are_never_more_steps_than_are_configured_and_all_that_are_reached(
    steps: tuple[BudgetStep, ...], limit: Decimal, spent: Decimal, level: int
) -> None:
    decided = decide_level(account(spent, limit), steps, level)
    reached = [step for step in steps if Fraction(spent) >= step.share * Fraction(limit)]
    assert len(reached) <= decided <= len(steps)
    # What is held beyond that is held by the slack alone.
    for step in steps[len(reached) : decided]:
        assert Fraction(spent) >= step.share * Fraction(limit) * (1 - SLACK)


@given(steps=LADDERS, limit=LIMITS, spent=CENTS, level=st.integers(0, 6))
def test_a_decision_stands_while_nothing_changes(
    steps: tuple[BudgetStep, ...], limit: Decimal, spent: Decimal, level: int
) -> None:
    decided = decide_level(account(spent, limit), steps, level)
    assert decide_level(account(spent, limit), steps, decided) == decided


@given(steps=LADDERS, limit=LIMITS, level=st.integers(0, 6))
def test_every_step_is_undone_when_nothing_is_spent_or_nothing_is_limited(
    steps: tuple[BudgetStep, ...], limit: Decimal, level: int
) -> None:
    assert decide_level(account("0", limit), steps, level) == 0
    assert decide_level(account("99", None), steps, level) == 0


@given(
    spending=st.lists(st.integers(0, 40).map(lambda cents: Decimal(cents) / 1000), max_size=60), limit=LIMITS
)
def test_while_spending_only_grows_steps_are_only_taken(spending: list[Decimal], limit: Decimal) -> None:
    level, spent = 0, Decimal(0)
    for usd in spending:
        spent += usd
        before, level = level, decide_level(account(spent, limit), DEFAULT_STEPS, level)
        assert level >= before


def test_around_a_threshold_a_step_does_not_come_and_go() -> None:
    levels = []
    level = 0
    for spent in ("0.69", "0.70", "0.69", "0.70", "0.67", "0.664", "0.69"):
        level = decide_level(account(spent), DEFAULT_STEPS, level)
        levels.append(level)
    assert levels == [0, 1, 1, 1, 1, 0, 0]


def test_a_limit_of_nothing_allows_nothing() -> None:
    assert decide_level(account("0", "0"), DEFAULT_STEPS) == len(DEFAULT_STEPS)


def test_the_stricter_budget_wins_and_each_keeps_its_own_steps() -> None:
    verdict = judge_budgets([account("0.75"), day("1.9", "2")], DEFAULT_STEPS, {})
    assert (verdict.levels, verdict.level) == ({"meeting": 1, "tenant day": 3}, 3)
    assert verdict.account.budget == "tenant day"
    # A new day has begun: what is left is the meeting's own step, which its slack holds.
    verdict = judge_budgets([account("0.68"), day("0", "2")], DEFAULT_STEPS, verdict.levels)
    assert (verdict.levels, verdict.level) == ({"meeting": 1, "tenant day": 0}, 1)
    assert verdict.account.budget == "meeting"


def test_where_both_ask_for_the_same_the_first_is_named() -> None:
    verdict = judge_budgets([account("0.7"), day("1.4", "2")], DEFAULT_STEPS, {})
    assert verdict.account.budget == "meeting"


def test_the_usual_steps_give_up_vision_before_speech() -> None:
    policy = Policy(name="live", fps=Fraction(1), window=5, detail="high")
    left = [restraint_at(DEFAULT_STEPS, level) for level in range(len(DEFAULT_STEPS) + 1)]
    assert [(one.hold(policy).detail, one.hold(policy).fps, one.hold(policy).window) for one in left[:3]] == [
        ("high", 1, 5),
        ("low", 1, 5),
        ("low", Fraction(1, 5), 1),
    ]
    assert [(one.sees, one.speaks, one.stays) for one in left] == [
        (True, True, True),
        (True, True, True),
        (True, True, True),
        (False, True, True),
        (False, False, True),
    ]
    assert [name_step(DEFAULT_STEPS, level) for level in (0, 1, 4)] == [None, "detail=low", "speech=off"]


@given(steps=LADDERS, level=st.integers(0, 5), fps=st.fractions(0, 60), window=st.integers(0, 40))
def test_each_further_step_leaves_less_or_the_same(
    steps: tuple[BudgetStep, ...], level: int, fps: Fraction, window: int
) -> None:
    policy = Policy(name="live", fps=fps, window=window)
    here, further = (restraint_at(steps, one).hold(policy) for one in (level, level + 1))
    assert further.window <= here.window <= policy.window
    assert further.fps is not None
    assert here.fps is not None
    assert further.fps <= here.fps <= fps


@given(steps=LADDERS)
def test_steps_are_read_as_they_are_written(steps: tuple[BudgetStep, ...]) -> None:
    assert parse_steps(format_steps(steps)) == steps


def test_steps_may_say_several_things_with_any_blanks_between_them() -> None:
    (first, last) = parse_steps(" 50.5%  detail=low   side=512,100% leave")
    assert (first.share, first.name) == (Fraction(101, 200), "detail=low side=512")
    assert first.restraint == Restraint(detail="low", side=512)
    assert last.restraint == Restraint(stays=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with a percentage"),
        ("detail=low", "does not begin with a percentage"),
        ("70 detail=low", "does not begin with a percentage"),
        ("-70% detail=low", "does not begin with a percentage"),
        ("1e2% detail=low", "does not begin with a percentage"),
        ("0% detail=low", "not above 0%"),
        ("101% detail=low", "at most 100%"),
        ("70%", "says nothing"),
        ("70% detail=low detail=high", "says something twice"),
        ("70% detail=auto", "detail 'auto' is not one of low"),
        ("70% fps=every-frame", "bounds nothing"),
        ("70% fps=-1", "fps '-1' is not a number"),
        ("70% window=none", "window 'none'"),
        ("70% vision=on", "'vision=on' is not known"),
        ("70% sleep", "'sleep' is not known"),
        ("70% leave=now", "'leave=now' is not known"),
        ("70% detail=low,", "does not begin with a percentage"),
        ("80% detail=low, 70% vision=off", "does not come after"),
        ("70% detail=low, 70% vision=off", "does not come after"),
        ("70% speech=off, 90% vision=off", "comes after speech=off"),
        ("70% leave, 90% speech=off", "comes after leaving"),
        (", ".join(f"{share}% window=1" for share in range(1, 30)), "29 steps"),
    ],
)
def test_steps_in_no_sensible_order_or_words_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        parse_steps(text)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "nan", "$2", "1,5", "٣", ".", "1" * 30])
def test_amounts_are_plain_decimal_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="no amount of US dollars"):
        parse_limit(text)


def test_a_tenant_has_its_own_limits_and_what_it_leaves_open_is_as_for_everyone() -> None:
    budgets = Budgets(
        everyone=BudgetLimits(meeting_usd=Decimal(2)),
        tenants=parse_tenant_limits('{"acme": {"day_usd": 0.1}, "": {"meeting_usd": "9"}}'),
    )
    assert budgets.of("acme") == BudgetLimits(meeting_usd=Decimal(2), day_usd=Decimal("0.1"))
    assert budgets.of("globex") == BudgetLimits(meeting_usd=Decimal(2))
    assert budgets.of(None) == BudgetLimits(meeting_usd=Decimal(2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no JSON object of tenants"),
        ("{", "no JSON object of tenants"),
        ('{"acme": 3}', "no JSON object of tenants"),
        ('{"acme": {"day": "3"}}', "'acme' has 'day'"),
        ('{"acme": {"day_usd": "lots"}}', "'acme' has 'lots'"),
        ('{"acme": {"day_usd": -1}}', "'acme' has '-1'"),
        ('{"acme": {"day_usd": null}}', "'acme' has 'None'"),
        ('{"acme": {"day_usd": NaN}}', "'acme' has 'nan'"),
    ],
)
def test_limits_of_tenants_are_checked_and_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_tenant_limits(text)


def test_an_order_lowers_a_limit_and_never_raises_one() -> None:
    assert lower_limit(Decimal(2), Decimal("0.5")) == Decimal("0.5")
    assert lower_limit(Decimal(2), Decimal(5)) == Decimal(2)
    assert lower_limit(None, Decimal(5)) == Decimal(5)


DETAILS = st.sampled_from([None, "low", "medium", "high", "ultra_high", "original"])
RESTRAINTS = st.builds(
    Restraint,
    detail=DETAILS,
    fps=st.none() | st.fractions(0, 30),
    window=st.none() | st.integers(0, 9),
    side=st.none() | st.integers(16, 2000),
    sees=st.booleans(),
    speaks=st.booleans(),
    stays=st.booleans(),
)


@given(one=RESTRAINTS, other=RESTRAINTS)
def test_restraints_join_in_any_order_and_joining_one_twice_changes_nothing(
    one: Restraint, other: Restraint
) -> None:
    assert one.join(other) == other.join(one)
    assert one.join(other).join(other) == one.join(other)
    assert one.join(NO_RESTRAINT) == one


@given(
    restraint=RESTRAINTS,
    policy=st.builds(
        Policy,
        name=st.just("live"),
        fps=st.none() | st.fractions(0, 30),
        window=st.integers(0, 9),
        detail=st.sampled_from(["auto", "low", "high", "original"]),
        side=st.none() | st.integers(16, 2000),
    ),
)
def test_a_restraint_never_raises_anything_and_holding_twice_changes_nothing(
    restraint: Restraint, policy: Policy
) -> None:
    held = restraint.hold(policy)
    closeness = ["low", "medium", "high", "auto", "ultra_high", "original"]
    assert closeness.index(held.detail) <= closeness.index(policy.detail)
    assert held.window <= policy.window
    assert policy.fps is None or (held.fps is not None and held.fps <= policy.fps)
    assert policy.side is None or (held.side is not None and held.side <= policy.side)
    assert restraint.hold(held) == held


def test_a_detail_that_a_model_does_not_know_is_left_out() -> None:
    policy = Policy(name="live", fps=None, detail="high")
    assert Restraint(detail="low").hold(policy, {"high", "original"}).detail == "high"
    assert Restraint(detail="low").hold(policy, {"low", "high"}).detail == "low"
