from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.reports.money import exact_usd, format_usd, rate_usd

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False, places=15)
SMALL = st.decimals(min_value="0.000000000001", max_value="0.99", allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("-0", "$0.00"),
        ("0E-20", "$0.00"),
        ("0.0042", "$0.0042"),
        ("0.004217", "$0.00422"),
        ("0.0000001", "$0.0000001"),
        ("0.013702", "$0.0137"),
        ("0.13702", "$0.137"),
        ("0.5", "$0.50"),
        ("0.9996", "$1.00"),
        ("0.09996", "$0.10"),
        ("1.3333333", "$1.33"),
        ("238.7", "$238.70"),
        ("1234567.891", "$1,234,567.89"),
        ("-0.0042", "-$0.0042"),
        ("-12.5", "-$12.50"),
    ],
)
def test_amounts_for_people(amount: str, text: str) -> None:
    assert format_usd(Decimal(amount)) == text


def test_an_amount_without_a_price_is_not_zero() -> None:
    assert format_usd(None) == "n/a"


@given(AMOUNTS)
def test_an_amount_for_people_is_near_the_amount(amount: Decimal) -> None:
    text = format_usd(amount)
    assert re.fullmatch(r"-?\$\d{1,3}(,\d{3})*\.\d{2,}", text)
    shown = Decimal(text.replace("$", "").replace(",", ""))
    assert abs(shown - amount) <= max(abs(amount) / 199, Decimal(0)) or abs(shown - amount) <= Decimal(
        "0.005"
    )


@given(SMALL)
def test_a_small_amount_keeps_three_digits_and_never_reads_as_zero(amount: Decimal) -> None:
    shown = Decimal(format_usd(amount).removeprefix("$"))
    assert shown > 0
    assert abs(shown - amount) <= amount / 200


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.000000"),
        ("-0", "0.000000"),
        ("0.13702", "0.137020"),
        ("0.1370200000000", "0.137020"),
        ("0.000000000001", "0.000000000001"),
        ("1E-11", "0.00000000001"),
        ("1E+3", "1000.000000"),
        ("0.0000000000005", "0.000000"),
        ("0.0000000000015", "0.000000000002"),
        ("-1.25", "-1.250000"),
        ("12345678901234567890.123456789012", "12345678901234567890.123456789012"),
    ],
)
def test_exact_amounts(amount: str, text: str) -> None:
    assert exact_usd(Decimal(amount)) == text


@given(AMOUNTS)
def test_an_exact_amount_has_six_to_twelve_decimals_and_no_exponent(amount: Decimal) -> None:
    assert re.fullmatch(r"-?\d+\.\d{6,12}", exact_usd(amount))


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_an_amount_of_up_to_twelve_decimals_survives_exactly(trillionths: int) -> None:
    with localcontext(prec=60):
        amount = Decimal(trillionths).scaleb(-12)
        assert Decimal(exact_usd(amount)) == amount


@given(AMOUNTS)
def test_longer_amounts_are_rounded_half_even(amount: Decimal) -> None:
    rounded = amount.quantize(Decimal("1E-12"), context=Context(prec=60, rounding=ROUND_HALF_EVEN))
    assert Decimal(exact_usd(amount)) == rounded


@given(AMOUNTS, st.integers(min_value=1, max_value=9))
def test_the_callers_decimal_context_does_not_matter(amount: Decimal, prec: int) -> None:
    texts = exact_usd(amount), rate_usd(amount), format_usd(amount)
    with localcontext(prec=prec):
        assert (exact_usd(amount), rate_usd(amount), format_usd(amount)) == texts


@given(AMOUNTS)
def test_a_rate_has_six_decimals(amount: Decimal) -> None:
    text = rate_usd(amount)
    assert re.fullmatch(r"-?\d+\.\d{6}", text)
    assert Decimal(text) == amount.quantize(
        Decimal("1E-6"), context=Context(prec=60, rounding=ROUND_HALF_EVEN)
    )
