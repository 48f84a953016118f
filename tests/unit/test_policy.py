from __future__ import annotations

from fractions import Fraction

import pytest

from meetctl.domain.policy import Policy, name_rate, parse_policy, parse_rate
from meetctl.errors import UsageError

BASE = Policy(name="base", fps=Fraction(1))


def test_a_full_policy_says_all_and_what_it_leaves_out_is_as_in_the_base() -> None:
    policy = parse_policy("gated: fps=2 gate=4 detail=low side=1024 window=3 model=gpt-5", BASE)
    assert policy == Policy(
        name="gated", fps=Fraction(2), gate=Fraction(4), detail="low", side=1024, window=3, model="gpt-5"
    )
    assert parse_policy("plain:", BASE) == Policy(name="plain", fps=Fraction(1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fps=1", "has no name"),
        (": fps=1", "has no name"),
        ("a: fps", "is not key=value"),
        ("a: fps=1 fps=2", "fps is given twice"),
        ("a: rate=1", "'rate' is not a key"),
        ("a: fps=fast", "fps 'fast' is not a number"),
        ("a: fps=-1", "fps '-1' is not a number"),
        ("a: fps=1e9", "fps '1e9' is not a number"),
        # Written out it would fill the memory, and never be done.
        ("a: fps=1e999999999999", "fps '1e999999999999' is not a number"),
        ("a: fps=1/0", "fps '1/0' is not a number"),
        ("a: fps=nan", "fps 'nan' is not a number"),
        ("a: detail=fine", "detail 'fine' is not one of"),
        ("a: side=8", "side '8' is not a whole number from 16 on"),
        ("a: window=-1", "window '-1' is not a whole number from 0 on"),
        ("a: window=²", "window '²' is not a whole number"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_policy(text, BASE)
    assert says in caught.value.message


def test_rates_are_exact() -> None:
    assert parse_rate("30000/1001") == Fraction(30000, 1001)
    assert parse_rate("0.1") == Fraction(1, 10)
    assert parse_rate("every-frame") is None


def test_rates_are_named_as_people_write_them() -> None:
    assert [name_rate(fps) for fps in (Fraction(30), Fraction(30000, 1001), Fraction(1, 2))] == [
        "30 fps",
        "29.97 fps",
        "0.5 fps",
    ]
