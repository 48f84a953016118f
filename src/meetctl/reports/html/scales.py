"""Axes: where values lie, and which round values get a tick."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

LOG_SPAN = 20
"""From this ratio between the largest and the smallest value on, an axis is logarithmic."""

_TIME_STEPS_US = tuple(
    round(step_s * 1_000_000)
    for step_s in (
        0.1,
        0.2,
        0.5,
        1,
        2,
        5,
        10,
        15,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        14400,
        21600,
        43200,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyAxis:
    """An axis of amounts that maps each to 0 (left end) … 1 (right end)."""

    low: float
    """The least amount on the axis; on a logarithmic one above 0."""
    high: float
    is_log: bool
    has_zero: bool
    """Whether a logarithmic axis sets a place apart for 0, at its left end."""
    ticks: tuple[Decimal, ...]

    def place(self, amount: Decimal) -> float:
        """Return where an amount lies, from 0 to 1."""
        value = float(amount)
        if not self.is_log:
            return (value - self.low) / (self.high - self.low)
        start = 0.12 if self.has_zero else 0.0
        if value <= 0:
            return start / 3
        return start + (1 - start) * math.log(value / self.low) / math.log(self.high / self.low)


def money_axis(amounts: Sequence[Decimal], most_ticks: int) -> MoneyAxis:
    """Make an axis for amounts from 0 up: from 0, or logarithmic where they span more than 20x.

    >>> axis = money_axis([Decimal("0.5"), Decimal(2)], 6)
    >>> axis.is_log, [str(tick) for tick in axis.ticks]
    (False, ['0.0', '0.5', '1.0', '1.5', '2.0'])
    >>> axis = money_axis([Decimal(1), Decimal(100)], 6)
    >>> axis.is_log, [str(tick) for tick in axis.ticks]
    (True, ['1', '10', '100'])
    """
    positive = [float(amount) for amount in amounts if amount > 0]
    if not positive or max(positive) <= LOG_SPAN * min(positive):
        high = 1.2 * max(positive, default=1.0)
        return MoneyAxis(
            low=0.0, high=high, is_log=False, has_zero=False, ticks=_even_ticks(high, most_ticks)
        )
    low, high = min(positive) / 1.4, max(positive) * 1.4
    has_zero = len(positive) < len(amounts)
    zero = (Decimal(0),) if has_zero else ()
    ticks = (*zero, *_log_ticks(low, high, most_ticks))
    return MoneyAxis(low=low, high=high, is_log=True, has_zero=has_zero, ticks=ticks)


def _even_ticks(high: float, most: int) -> tuple[Decimal, ...]:
    exponent = math.floor(math.log10(high)) - 2
    steps = (Decimal(f"{digit}e{power}") for power in range(exponent, exponent + 5) for digit in (1, 2, 5))
    step = next(step for step in steps if Decimal(high) / step < most)
    return tuple(step * count for count in range(int(Decimal(high) / step) + 1))


def _log_ticks(low: float, high: float, most: int) -> tuple[Decimal, ...]:
    """Take 1, 2 and 5 times the powers of ten; where that is too many, only every so many powers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = _digit_ticks(low, high, powers, (1, 2, 5))
    every = 1
    while len(ticks) > most:
        ticks = _digit_ticks(low, high, [power for power in powers if power % every == 0], (1,))
        every += 1
    return ticks


def _digit_ticks(
    low: float, high: float, powers: Sequence[int], digits: Sequence[int]
) -> tuple[Decimal, ...]:
    ticks = (Decimal(digit).scaleb(power) for power in powers for digit in digits)
    return tuple(Decimal(f"{tick:f}") for tick in ticks if low <= tick <= high)


def time_ticks(end_us: int, most: int = 7) -> list[int]:
    """Return round times from 0 up to `end_us`, at most so many.

    >>> [t_us // 1_000_000 for t_us in time_ticks(75_000_000)]
    [0, 15, 30, 45, 60, 75]
    """
    step_us = next((step for step in _TIME_STEPS_US if end_us // step < most), 0)
    while not step_us or end_us // step_us >= most:
        step_us = step_us * 2 or 86_400_000_000
    return list(range(0, end_us + 1, step_us))


def format_time(t_us: int, *, tenths: bool = True) -> str:
    """Return a time on the media clock as m:ss.s or h:mm:ss.s.

    >>> format_time(65_250_000), format_time(3_600_000_000, tenths=False)
    ('1:05.2', '1:00:00')
    """
    sign, tenths_count = "−" if t_us < 0 else "", abs(t_us) // 100_000
    minutes, rest = divmod(tenths_count, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02}.{rest % 10}" if tenths else f"{rest // 10:02}"
    return f"{sign}{hours}:{minutes:02}:{seconds}" if hours else f"{sign}{minutes}:{seconds}"
