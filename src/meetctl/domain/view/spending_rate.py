"""How fast a meeting spends now."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState

WINDOW_S = 300.0
"""What was spent in so much of the meeting's time makes the rate."""

YOUNGEST_S = 30.0
"""A meeting that has not run for so long says nothing about its rate."""

_HOUR_S = 3600


def usd_per_hour(state: SessionState, now_t: float) -> Decimal | None:
    """Return what an hour costs at the rate of the last five minutes; None where nobody can tell yet.

    Usage without a price is not in it. `now_t` is the present in the meeting's media time, in seconds.

    >>> from meetctl.domain.state import SessionState
    >>> from meetctl.domain.state.spending import Spending
    >>> state = SessionState(spending=Spending(step_s=60, usd=(Decimal(9), *[Decimal("0.01")] * 9)))
    >>> usd_per_hour(state, 600.0), usd_per_hour(state, 20.0)
    (Decimal('0.6'), None)
    """
    if now_t < YOUNGEST_S or (state.usage.uses and not state.usage.priced_uses):
        return None
    spending = state.spending
    # Only whole steps are known; of long meetings they are long.
    window_s = max(WINDOW_S, 2 * spending.step_s)
    since_t = max(0, ceil((now_t - window_s) / spending.step_s) * spending.step_s)
    return spending.since(since_t) * _HOUR_S / Decimal(str(now_t - since_t))
