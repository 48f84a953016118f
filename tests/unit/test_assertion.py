from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.assertion import check
from meetctl.errors import UsageError

VALUES = {"usd": Decimal("1.20"), "coverage": Decimal("0.95"), "delay": None, "per_turn.usd": Decimal(2)}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("usd<1.21", True),
        ("usd<1.20", False),
        ("usd<=1.20", True),
        ("coverage==0.95", True),
        ("coverage!=0.95", False),
        ("0.5<coverage and usd>1", True),
        ("usd>9 or coverage>0.9", True),
        ("usd>9 or coverage>0.9 and usd>9", False),
        ("(usd>9 or coverage>0.9) and usd<9", True),
        ("not usd>9", True),
        ("not not usd>9", False),
        ("per_turn.usd==2", True),
        ("delay<1", None),
        ("not delay<1", None),
        ("delay<1 and usd<1", False),
        ("delay<1 and usd<9", None),
        ("delay<1 or usd<9", True),
        ("delay<1 or usd<1", None),
    ],
)
def test_verdicts(expression: str, holds: bool | None) -> None:
    assert check(expression, VALUES).holds is holds


def test_what_did_not_hold_is_said_with_its_value() -> None:
    assert check("usd<1 and coverage>0.9", VALUES).reasons == ("usd<1 does not hold: usd is 1.2",)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "ends too early"),
        ("usd", "a comparison is missing"),
        ("usd<", "ends too early"),
        ("usd<1 and", "ends too early"),
        ("usd<1)", "')' is not expected there"),
        ("(usd<1", "a parenthesis is not closed"),
        ("price<1", "'price' is not a name"),
        ("usd=1", "'=1' is not understood"),
        ("__import__('os')", "a comparison is missing"),
        ("usd<1; usd", "is not understood"),
        ("and<1", "neither a value nor a name"),
        ("usd<'1'", "neither a number nor a name"),
        ("usd==null", "neither a number nor a name"),
        ("usd~1", "'~' compares texts"),
        ("usd<1<2", "'<' is not expected there"),
        ("USD<1", "'USD' is not a name"),
        ("not " * 60 + "usd<1", "too much is nested"),
    ],
)
def test_a_mistake_is_named(expression: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(expression, VALUES)
    assert says in caught.value.message


@given(st.text(max_size=40))
def test_any_text_is_either_a_verdict_or_a_usage_error(text: str) -> None:
    try:
        holds = check(text, VALUES).holds
    except UsageError:
        holds = None
    assert holds in (True, False, None)


@given(st.decimals(0, 3, places=2), st.decimals(0, 3, places=2))
def test_comparisons_are_exact(left: Decimal, right: Decimal) -> None:
    assert check(f"value<{right}", {"value": left}).holds is (left < right)
