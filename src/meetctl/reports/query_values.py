"""Values of a database as text and as JSON: money exact, times in UTC, NULL never an empty text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal


def csv_value(value: object) -> str:
    """Return a value for CSV; NULL is an empty field."""
    if value is None:
        return ""
    plain = plain_value(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)


def plain_value(value: object) -> object:
    """Return a value of JSON's types; decimals are texts, so that no digit is lost.

    >>> plain_value(Decimal("0.0115820000")), plain_value([datetime(2026, 11, 24, 14, 5)])
    ('0.011582', ['2026-11-24T14:05:00Z'])
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z" if value.tzinfo is None else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    return str(value)


def is_number(value: object) -> bool:
    """Tell whether people want a value at the right."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _plain_decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
