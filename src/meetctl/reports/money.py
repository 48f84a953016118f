"""Amounts of US dollars as text: short for people, exact for programs."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

_FEWEST_DECIMALS = 6
_MOST_DECIMALS = 12
_SIGNIFICANT_DIGITS = 3
_CENTS = 2


def format_usd(amount: Decimal | None) -> str:
    """Return a finite amount for people to read; "n/a" where there is no price.

    From a dollar up it is rounded to cents. Below, three digits count, and never fewer than two
    decimals are shown, so that no cost but zero reads "$0.00".

    >>> [format_usd(Decimal(usd)) for usd in ("1234.5", "1.3333", "0.137020", "0.0042", "0")]
    ['$1,234.50', '$1.33', '$0.137', '$0.0042', '$0.00']
    >>> format_usd(None)
    'n/a'
    """
    if amount is None:
        return "n/a"
    small = bool(amount) and amount.adjusted() < 0
    decimals = max(_CENTS, _SIGNIFICANT_DIGITS - 1 - amount.adjusted()) if small else _CENTS
    rounded = _round(amount.copy_abs(), decimals)
    return f"{'-' if amount < 0 and rounded else ''}${_drop_zeros(f'{rounded:,f}', _CENTS)}"


def exact_usd(amount: Decimal) -> str:
    """Return a finite amount for programs: a plain decimal number with 6 to 12 decimals.

    Up to twelve decimals are exact; more are rounded half-even. Zeros after the sixth decimal are
    dropped, so equal amounts give equal text.

    >>> exact_usd(Decimal("0.13702")), exact_usd(Decimal("2.5E-11")), exact_usd(Decimal(2) / 3)
    ('0.137020', '0.000000000025', '0.666666666667')
    """
    return _drop_zeros(_plain(_round(amount, _MOST_DECIMALS)), _FEWEST_DECIMALS)


def rate_usd(amount: Decimal) -> str:
    """Return a finite amount a minute for programs: rounded half-even to exactly 6 decimals.

    >>> rate_usd(Decimal("0.13702") * 60 / Decimal("61.2"))
    '0.134333'
    """
    return _plain(_round(amount, _FEWEST_DECIMALS))


def _round(amount: Decimal, decimals: int) -> Decimal:
    """Round half-even; the precision grows with the amount, whatever the caller's context is."""
    digits = max(1, amount.adjusted() + 2) + decimals
    return amount.quantize(
        Decimal((0, (1,), -decimals)), context=Context(prec=digits, rounding=ROUND_HALF_EVEN)
    )


def _plain(amount: Decimal) -> str:
    return f"{amount or amount.copy_abs():f}"


def _drop_zeros(text: str, fewest_decimals: int) -> str:
    """Drop closing zeros, but leave so many decimals."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(fewest_decimals, '0')}"
