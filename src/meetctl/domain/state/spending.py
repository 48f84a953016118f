"""How much was spent when: what was used, in steps of media time whose number is bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import read_usage

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_STEPS = 120
"""So many steps are told apart; where a meeting goes on longer, two become one."""
_SHORTEST_S = 5
_LATEST_S = 10**8
"""No meeting is three years long: an event that says so is counted at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was spent in each step of media time since the beginning; later steps are nothing yet.

    >>> from meetctl.domain.events import parse_event
    >>> spending = Spending()
    >>> for t, usd in ((1, "0.01"), (12, "0.02"), (14, "0.03")):
    ...     use = f'"type":"tts.usage","provider":"x","model":"y","characters":1,"usd":"{usd}"'
    ...     spending = spend(spending, parse_event(f'{{"seq":0,"t":{t},{use}}}'))
    >>> spending.step_s, [str(usd) for usd in spending.usd]
    (5, ['0.01', '0', '0.05'])
    """

    step_s: int = _SHORTEST_S
    usd: tuple[Decimal, ...] = ()
    """In US dollars; usage without a price is not in it."""

    def since(self, t: float) -> Decimal:
        """Return what was spent in the steps that began at `t` (in seconds) or later."""
        first = max(0, -int(-t // self.step_s))
        return sum(self.usd[first:], Decimal(0))


def spend(spending: Spending, event: Event) -> Spending:
    """Take a usage event."""
    usd = sum((line.usd for line in read_usage(event.type, event.fields) if line.usd is not None), Decimal(0))
    if not usd:
        return spending
    t = min(max(0.0, event.t), _LATEST_S)
    while t >= spending.step_s * MOST_STEPS:
        spending = _join_pairs(spending)
    place = int(t // spending.step_s)
    steps = [*spending.usd, *[Decimal(0)] * (place + 1 - len(spending.usd))]
    steps[place] += usd
    return replace(spending, usd=tuple(steps))


def _join_pairs(spending: Spending) -> Spending:
    steps = spending.usd if len(spending.usd) % 2 == 0 else (*spending.usd, Decimal(0))
    joined = tuple(one + other for one, other in zip(steps[::2], steps[1::2], strict=True))
    return Spending(step_s=spending.step_s * 2, usd=joined)
