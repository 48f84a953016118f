"""The language of `--assert`: comparisons joined by and, or, not; parsed, never run as code.

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | comparison
    comparison = operand ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) operand
    operand = number | name

A name whose value is unknown makes its comparison unknown, as in SQL: `false and unknown` is false,
`true and unknown` is unknown, and an unknown answer is never a pass.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from meetctl.errors import UsageError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z][a-z0-9_.]*)|(?P<sign><=|>=|==|!=|<|>|\(|\)))"
)

_COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

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
    parser = _Parser(expression, values)
    holds = parser.parse()
    return Verdict(holds=holds, reasons=tuple(parser.reasons))


@dataclass(slots=True)
class _Parser:
    """Recursive descent that evaluates as it goes; both sides of `and` and `or` are always read."""

    expression: str
    values: Values
    reasons: list[str] = field(default_factory=list)
    _tokens: list[tuple[str, str]] = field(default_factory=list)

    def parse(self) -> bool | None:
        self._tokens = [*self._split(), ("end", "")]
        result = self._disjunction()
        if self._tokens[0][0] != "end":
            raise self._error(f"{self._tokens[0][1]!r} is not expected there")
        return result

    def _split(self) -> Iterator[tuple[str, str]]:
        position, text = 0, self.expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if not match or not match.lastgroup:
                raise self._error(f"{text[position:].strip()[:12]!r} is not understood")
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _take(self, word: str) -> bool:
        if self._tokens[0][1] != word:
            return False
        self._tokens.pop(0)
        return True

    def _disjunction(self) -> bool | None:
        result = self._conjunction()
        while self._take("or"):
            other = self._conjunction()
            result = True if True in (result, other) else None if None in (result, other) else False
        return result

    def _conjunction(self) -> bool | None:
        result = self._negation()
        while self._take("and"):
            other = self._negation()
            result = False if False in (result, other) else None if None in (result, other) else True
        return result

    def _negation(self) -> bool | None:
        if self._take("not"):
            inner = self._negation()
            return None if inner is None else not inner
        if self._take("("):
            inner = self._disjunction()
            if not self._take(")"):
                raise self._error("a parenthesis is not closed")
            return inner
        return self._comparison()

    def _comparison(self) -> bool | None:
        left_text, left = self._operand()
        kind, sign = self._tokens.pop(0)
        if kind != "sign" or sign not in _COMPARISONS:
            raise self._error(f"after {left_text!r} a comparison is missing, such as {left_text}<1")
        right_text, right = self._operand()
        unknown = [text for text, value in ((left_text, left), (right_text, right)) if value is None]
        if left is None or right is None:
            self.reasons.append(f"{' and '.join(unknown)} is unknown")
            return None
        if not (holds := _COMPARISONS[sign](left, right)):
            self.reasons.append(f"{left_text}{sign}{right_text} does not hold: {_show(left_text, left)}")
        return holds

    def _operand(self) -> tuple[str, Decimal | None]:
        kind, text = self._tokens.pop(0)
        if kind == "number":
            return text, Decimal(text)
        if kind != "name" or text in ("and", "or", "not"):
            raise self._error(f"{text!r} is neither a number nor a name" if text else "it ends too early")
        if text not in self.values:
            raise self._error(
                f"{text!r} is not a name", hint=f"the names are {', '.join(sorted(self.values))}"
            )
        return text, self.values[text]

    def _error(self, what: str, hint: str | None = None) -> UsageError:
        example = "write it like 'usd_per_hour<1.20 and coverage>0.95'"
        return UsageError(f"--assert {self.expression!r}: {what}", hint=hint or example)


def _show(text: str, value: Decimal) -> str:
    """Return a value with as many digits as tell it from what it was compared with, in all likelihood."""
    shown = f"{round(value, _SHOWN_DECIMALS).normalize():f}"
    return f"the value is {shown}" if text[0].isdigit() else f"{text} is {shown}"
