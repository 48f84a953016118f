"""Which meetings the list shows, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, get_args

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.view.meeting_rows import MeetingRow

ColumnName = Literal[
    "room",
    "tenant",
    "tier",
    "agent",
    "people",
    "age",
    "frames",
    "latency",
    "usd",
    "usd_per_hour",
    "forecast",
    "budget",
    "errors",
]
COLUMN_NAMES: tuple[ColumnName, ...] = get_args(ColumnName)

_Value = str | int | float | Decimal | Fraction

_VALUES: Mapping[ColumnName, Callable[[MeetingRow], _Value | None]] = {
    "room": lambda row: row.room.casefold(),
    "tenant": lambda row: row.tenant_id.casefold() if row.tenant_id else None,
    "tier": lambda row: row.tier,
    "agent": lambda row: row.agent_state,
    "people": lambda row: row.people,
    "age": lambda row: row.age_s,
    "frames": lambda row: row.kept,
    "latency": lambda row: row.latency_s,
    "usd": lambda row: row.money.usd,
    "usd_per_hour": lambda row: row.money.usd_per_hour,
    "forecast": lambda row: row.money.forecast_usd,
    "budget": lambda row: row.budget.share if row.budget else None,
    "errors": lambda row: row.errors,
}

_TEXTS = frozenset({"room", "tenant", "tier", "agent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which column the list is sorted."""

    column: ColumnName | None = None
    """None for the order in which the meetings became known."""
    is_reversed: bool = False
    """Texts stand from A to Z and figures with the largest first, unless it is reversed."""

    def next_column(self) -> Order:
        """Return the order by the next column; after the last one, that of becoming known.

        >>> Order().next_column().column, Order(column="errors").next_column().column
        ('room', None)
        """
        place = -1 if self.column is None else COLUMN_NAMES.index(self.column)
        return Order(column=COLUMN_NAMES[place + 1] if place + 1 < len(COLUMN_NAMES) else None)

    def by(self, column: ColumnName) -> Order:
        """Return the order by a column; by the same one again, its reverse.

        >>> Order(column="usd").by("usd")
        Order(column='usd', is_reversed=True)
        """
        return Order(column=column, is_reversed=self.column == column and not self.is_reversed)

    def reverse(self) -> Order:
        """Return the opposite order."""
        return Order(column=self.column, is_reversed=not self.is_reversed)

    @property
    def is_ascending(self) -> bool:
        """Whether the smallest value comes first."""
        return (self.column is None or self.column in _TEXTS) != self.is_reversed


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are shown: those in which an expression is found, or those in which it is not."""

    expression: re.Pattern[str] | None = None
    """None where all are shown."""
    is_inverse: bool = False

    @property
    def text(self) -> str:
        """Return it as it was typed."""
        return "" if self.expression is None else f"{'!' * self.is_inverse}{self.expression.pattern}"

    def keeps(self, row: MeetingRow) -> bool:
        """Tell whether a row is shown: room, tenant, tier, agent's state, phase or channel match."""
        if self.expression is None:
            return True
        words = (row.room, row.tenant_id, row.tier, row.agent_state, row.phase, row.channel)
        found = any(self.expression.search(word) for word in words if word)
        return found != self.is_inverse


def parse_filter(typed: str) -> Filter:
    """Read a filter: a regular expression in any case; `!` before it turns it round.

    >>> parse_filter("!standup|retro").text, parse_filter(" ").text
    ('!standup|retro', '')

    Raises:
        UsageError: It is no regular expression.
    """
    words = typed.strip()
    inverse = words.startswith("!")
    pattern = words.removeprefix("!").strip()
    if not pattern:
        return Filter()
    try:
        return Filter(expression=re.compile(pattern, re.IGNORECASE), is_inverse=inverse)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from error


def arrange(rows: Iterable[MeetingRow], order: Order, chosen: Filter) -> tuple[MeetingRow, ...]:
    """Return the rows that a filter keeps, in order; those without a value stand last either way."""
    kept = [row for row in rows if chosen.keeps(row)]
    if order.column is None:
        return tuple(reversed(kept)) if order.is_reversed else tuple(kept)
    value_of = _VALUES[order.column]
    known = [(value, row) for row in kept if (value := value_of(row)) is not None]
    # Values of one column are of one kind.
    known.sort(key=lambda pair: pair[0], reverse=not order.is_ascending)
    return (*(row for _, row in known), *(row for row in kept if value_of(row) is None))
