"""What `--assert` demands: an expression over figures, and why it does not hold.

A name whose value is unknown makes its comparison unknown, and an unknown answer is never a pass.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from meetctl.domain.expression import Comparison, Name, Operand, decide, parse_expression
from meetctl.errors import UsageError

_COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_EXAMPLE = "usd_per_hour<1.20 and coverage>0.95"
_SHOWN_DECIMALS = 6

Values = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an expression comes to for one set of values."""

    holds: bool | None
    """None where it cannot be decided."""
    reasons: tuple[str, ...]
    """Each comparison that did not hold, or could not be decided, with the values it met."""


def check(expression: str, values: Values) -> Verdict:
    """Hold an expression against values by name; None stands for an unknown value.

    >>> from decimal import Decimal
    >>> check("usd<1.20 and coverage>0.95", {"usd": Decimal("0.9"), "coverage": Decimal(1)}).holds
    True
    >>> check("coverage>0.95", {"coverage": None})
    Verdict(holds=None, reasons=('coverage is unknown',))

    Raises:
        UsageError: The expression is not one, or names what there is not.
    """
    judge = _Judge(expression, values)
    parsed = parse_expression(expression, option="--assert", example=_EXAMPLE)
    return Verdict(holds=decide(parsed, judge.compare), reasons=tuple(judge.reasons))


class _Judge:
    """Compares figures, and remembers what did not hold."""

    def __init__(self, expression: str, values: Values) -> None:
        self._expression, self._values = expression, values
        self.reasons: list[str] = []

    def compare(self, comparison: Comparison) -> bool | None:
        compare = _COMPARISONS.get(comparison.sign)
        if compare is None:
            raise self._error(f"{comparison.sign!r} compares texts, and these are figures")
        left, right = self._value(comparison.left), self._value(comparison.right)
        texts = (comparison.left.text, comparison.right.text)
        if left is None or right is None:
            unknown = [text for text, value in zip(texts, (left, right), strict=True) if value is None]
            self.reasons.append(f"{' and '.join(unknown)} is unknown")
            return None
        if not (holds := compare(left, right)):
            told = f"{texts[0]}{comparison.sign}{texts[1]}"
            self.reasons.append(f"{told} does not hold: {_show(texts[0], left)}")
        return holds

    def _value(self, operand: Operand) -> Decimal | None:
        if isinstance(operand, Name):
            if operand.text not in self._values:
                names = ", ".join(sorted(self._values))
                raise self._error(f"{operand.text!r} is not a name", hint=f"the names are {names}")
            return self._values[operand.text]
        if not isinstance(operand.value, Decimal):
            raise self._error(f"{operand.text} is neither a number nor a name")
        return operand.value

    def _error(self, what: str, hint: str | None = None) -> UsageError:
        return UsageError(
            f"--assert {self._expression!r}: {what}", hint=hint or f"write it like {_EXAMPLE!r}"
        )


def _show(text: str, value: Decimal) -> str:
    """Return a value with as many digits as tell it from what it was compared with, in all likelihood."""
    shown = f"{round(value, _SHOWN_DECIMALS).normalize():f}"
    return f"the value is {shown}" if text[0].isdigit() else f"{text} is {shown}"
