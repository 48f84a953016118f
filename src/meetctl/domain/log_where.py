"""What `--where` asks of a line: an expression over its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meetctl.domain.expression import (
    Comparison,
    Conjunction,
    Constant,
    Disjunction,
    Expression,
    Name,
    Negation,
    Operand,
    comparisons_of,
    decide,
    parse_expression,
)
from meetctl.errors import UsageError

_EXAMPLE = "duration_ms > 500 and outcome != 'done'"
_PLAIN = re.compile(r"[\w.:@ -]+", re.ASCII)
"""Texts that no writer of JSON writes in another way."""

Needles = tuple[tuple[bytes, ...], ...]
"""What a line that can match must contain: of each group at least one."""


@dataclass(frozen=True, slots=True)
class Where:
    """An expression over the fields of a line's object; `latency.total_s` is a field of a field."""

    text: str
    expression: Expression
    needles: Needles

    def holds(self, document: Mapping[str, Any]) -> bool:
        """Tell whether it holds for a line; where a field is missing it cannot be decided, and does not."""
        return decide(self.expression, lambda comparison: _compare(comparison, document)) is True


def parse_where(text: str) -> Where:
    """Read an expression of `--where`.

    A number compares with numbers, and with texts that are numbers, as money is. `==` and `!=` compare
    anything, `field == null` holds where there is no such field. `~` looks for a regular expression.

    >>> where = parse_where("latency.total_s > 1 or usd >= 0.1")
    >>> where.holds({"latency": {"total_s": 1.2}}), where.holds({"usd": "0.09"}), where.holds({})
    (True, False, False)

    Raises:
        UsageError: It is none.
    """
    expression = parse_expression(text, option="--where", example=_EXAMPLE)
    for comparison in comparisons_of(expression):
        _check(comparison, text)
    return Where(text, expression, _find_needles(expression))


def quote_plain(text: str) -> bytes | None:
    """Return how any JSON has this text as a whole value or key; None where writers differ."""
    return f'"{text}"'.encode() if _PLAIN.fullmatch(text) else None


def _check(comparison: Comparison, text: str) -> None:
    """Check what can be checked before there is a line.

    Raises:
        UsageError: The right side of `~` is no regular expression.
    """
    if comparison.sign not in ("~", "!~"):
        return
    pattern = comparison.right
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise UsageError(
            f"--where {text!r}: {comparison.sign} needs a text in quotes on its right",
            hint="write it like 'message ~ \"timed? ?out\"'",
        )
    try:
        re.compile(pattern.value)
    except re.error as error:
        raise UsageError(f"--where {text!r}: {pattern.text} is no regular expression: {error}") from None


def _compare(comparison: Comparison, document: Mapping[str, Any]) -> bool | None:
    left, right = _value(comparison.left, document), _value(comparison.right, document)
    sign = comparison.sign
    if sign in ("==", "!="):
        if None in (left, right) and not _asks_for_null(comparison):
            return None
        return _equal(left, right) is (sign == "==")
    if left is None or right is None:
        return None
    if sign in ("~", "!~"):
        return (re.search(str(right), left) is not None) is (sign == "~") if isinstance(left, str) else None
    pair = _as_numbers(left, right) or (
        (left, right) if isinstance(left, str) and isinstance(right, str) else None
    )
    return None if pair is None else _ordered(sign, *pair)


def _ordered(sign: str, left: Any, right: Any) -> bool:
    match sign:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _equal(left: object, right: object) -> bool:
    pair = None if isinstance(left, str) and isinstance(right, str) else _as_numbers(left, right)
    if pair is not None:
        return pair[0] == pair[1]
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def _value(operand: Operand, document: Mapping[str, Any]) -> Any:
    if isinstance(operand, Constant):
        return operand.value
    value: Any = document
    if operand.text in document:
        return document[operand.text]
    for key in operand.text.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def _as_numbers(left: object, right: object) -> tuple[Decimal, Decimal] | None:
    """Return both as numbers, where both are, or one is and the other reads as one."""
    if isinstance(left, str) and isinstance(right, str):
        return None
    first, second = _number(left), _number(right)
    return None if first is None or second is None else (first, second)


def _number(value: object) -> Decimal | None:
    """Take a float at the digits it is written with, so that 0.1 is 0.1."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _asks_for_null(comparison: Comparison) -> bool:
    operands = (comparison.left, comparison.right)
    return any(isinstance(operand, Constant) and operand.value is None for operand in operands)


def _find_needles(expression: Expression) -> Needles:
    """Return what a line must contain for the expression to hold, as far as that is certain."""
    if isinstance(expression, Conjunction):
        return tuple(group for part in expression.parts for group in _find_needles(part))
    if isinstance(expression, Disjunction):
        first = [_find_needles(part)[:1] for part in expression.parts]
        if not all(first):
            return ()
        return (tuple(needle for groups in first for group in groups for needle in group),)
    if isinstance(expression, Negation):
        # A missing field leaves a comparison unknown, and its negation too.
        fields = _fields_of(expression)
        return () if fields is None else tuple((field,) for field in fields)
    return _needles_of_comparison(expression)


def _needles_of_comparison(comparison: Comparison) -> Needles:
    fields = _fields_of(comparison)
    if fields is None:
        return ()
    texts = [
        operand.value
        for operand in (comparison.left, comparison.right)
        # A text that is a number equals a number too, which stands without quotes.
        if isinstance(operand, Constant) and isinstance(operand.value, str) and _number(operand.value) is None
    ]
    exact = [quoted for text in texts if comparison.sign == "==" and (quoted := quote_plain(text))]
    return tuple((needle,) for needle in (*exact, *fields))


def _fields_of(expression: Expression) -> tuple[bytes, ...] | None:
    """Return the fields without which every answer is unknown; None where an absent one may decide."""
    if isinstance(expression, Negation):
        return _fields_of(expression.part)
    if not isinstance(expression, Comparison) or _asks_for_null(expression):
        return None
    names = (operand.text for operand in (expression.left, expression.right) if isinstance(operand, Name))
    # A key may have dots in it, so only the end of one is certain.
    return tuple(f'{name.rpartition(".")[2]}"'.encode() for name in names)
