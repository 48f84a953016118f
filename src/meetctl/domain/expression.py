"""The language of `--assert` and `--where`: comparisons joined by and, or, not; parsed, never run as code.

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | comparison
    comparison = operand ( "<" | "<=" | ">" | ">=" | "==" | "!=" | "~" | "!~" ) operand
    operand = number | text in quotes | "true" | "false" | "null" | name

Whoever asks decides what a comparison comes to. One that cannot be decided is unknown, as in SQL: `false and
unknown` is false, `true and unknown` is unknown, `not unknown` is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from meetctl.errors import UsageError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<name>[A-Za-z_@][\w.@-]*)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|==|!=|!~|<|>|~|\(|\)))",
    re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SIGNS = ("<", "<=", ">", ">=", "==", "!=", "~", "!~")
_CONSTANTS = {"true": True, "false": False, "null": None}
_DEEPEST = 50
"""Parentheses and negations within each other; more would be somebody's attempt to break the parser."""


@dataclass(frozen=True, slots=True)
class Name:
    """What stands for a value that is known only later."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value, and how it was written."""

    value: Decimal | str | bool | None
    text: str


Operand = Name | Constant


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and what is asked of them."""

    left: Operand
    sign: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Negation:
    """What holds where its part does not."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Conjunction:
    """What holds where all parts do."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """What holds where any part does."""

    parts: tuple[Expression, ...]


Expression = Comparison | Negation | Conjunction | Disjunction


def parse_expression(text: str, *, option: str, example: str) -> Expression:
    """Read an expression; `option` is who asks for it, `example` what one looks like.

    >>> parse_expression("usd<1", option="--assert", example="")
    Comparison(left=Name(text='usd'), sign='<', right=Constant(value=Decimal('1'), text='1'))

    Raises:
        UsageError: It is none.
    """
    return _Parser(text, option, example).parse()


def decide(expression: Expression, judge: Callable[[Comparison], bool | None]) -> bool | None:
    """Tell whether an expression holds; None where it cannot be decided.

    `judge` is asked about every comparison, from left to right.
    """
    if isinstance(expression, Comparison):
        return judge(expression)
    if isinstance(expression, Negation):
        inner = decide(expression.part, judge)
        return None if inner is None else not inner
    answers = [decide(part, judge) for part in expression.parts]
    # What one part settles alone, the others cannot change.
    settled = isinstance(expression, Disjunction)
    return settled if settled in answers else None if None in answers else not settled


def comparisons_of(expression: Expression) -> Iterator[Comparison]:
    """Return every comparison of an expression, from left to right."""
    if isinstance(expression, Comparison):
        yield expression
        return
    parts = (expression.part,) if isinstance(expression, Negation) else expression.parts
    for part in parts:
        yield from comparisons_of(part)


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, option: str, example: str) -> None:
        self._text, self._option, self._example = text, option, example
        self._depth = 0
        self._tokens = [*self._split(), ("end", "")]
        self._tokens.reverse()

    def parse(self) -> Expression:
        expression = self._disjunction()
        if self._next[0] != "end":
            raise self._error(f"{self._next[1]!r} is not expected there")
        return expression

    def _split(self) -> Iterator[tuple[str, str]]:
        position, text = 0, self._text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if not match or not match.lastgroup:
                raise self._error(f"{text[position:].strip()[:12]!r} is not understood")
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[-1]

    def _take(self, kind: str, word: str) -> bool:
        if self._next != (kind, word):
            return False
        self._tokens.pop()
        return True

    def _disjunction(self) -> Expression:
        parts = [self._conjunction()]
        while self._take("name", "or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Disjunction(tuple(parts))

    def _conjunction(self) -> Expression:
        parts = [self._negation()]
        while self._take("name", "and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts))

    def _negation(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("too much is nested in it")
        try:
            if self._take("name", "not"):
                return Negation(self._negation())
            if self._take("sign", "("):
                inner = self._disjunction()
                if not self._take("sign", ")"):
                    raise self._error("a parenthesis is not closed")
                return inner
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Comparison:
        left = self._operand()
        kind, sign = self._tokens.pop()
        if kind != "sign" or sign not in _SIGNS:
            raise self._error(f"after {left.text!r} a comparison is missing, such as {left.text}<1")
        return Comparison(left, sign, self._operand())

    def _operand(self) -> Operand:
        kind, text = self._tokens.pop()
        if kind == "number":
            return Constant(Decimal(text), text)
        if kind == "text":
            return Constant(_ESCAPED.sub(r"\1", text[1:-1]), text)
        if kind != "name" or text in ("and", "or", "not"):
            raise self._error(f"{text!r} is neither a value nor a name" if text else "it ends too early")
        return Constant(_CONSTANTS[text], text) if text in _CONSTANTS else Name(text)

    def _error(self, what: str) -> UsageError:
        return UsageError(f"{self._option} {self._text!r}: {what}", hint=f"write it like {self._example!r}")
