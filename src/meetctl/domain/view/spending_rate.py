"""How fast a meeting spends, from what its state remembers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState
    from meetctl.domain.state.looks import Request

WINDOW_S = 300.0
"""The model's rate is that of so much of the meeting's time."""

YOUNGEST_S = 30.0
"""A meeting that has not run for so long says nothing about its rate."""

_HOUR_S = 3600
_TOKEN_UNITS = frozenset({"input_tokens", "cached_input_tokens", "output_tokens", "tokens"})


def usd_per_hour(state: SessionState, now_t: float) -> Decimal | None:
    """Return what an hour costs at the present rate, of what has a price; None where nobody can tell yet.

    Requests to the model count as those of the last five minutes, since a change of the policy shows in them
    at once. Of ears and voice only the sum is known, which counts at its average since the meeting began.

    `now_t` is the present in the meeting's media time, in seconds.
    """
    if now_t < YOUNGEST_S or (state.usage.uses and not state.usage.priced_uses):
        return None
    known = [request for request in state.requests.recent if request.usd is not None]
    model_usd = sum(
        (part.usd for part in state.usage.parts if part.usd is not None and part.unit in _TOKEN_UNITS),
        Decimal(0),
    )
    since_t = _window_start(state, now_t)
    lately = sum((request.usd or Decimal(0) for request in known if request.t >= since_t), Decimal(0))
    rest = max(Decimal(0), state.usage.usd - model_usd)
    return _per_hour(lately, now_t - since_t) + _per_hour(rest, now_t)


def _window_start(state: SessionState, now_t: float) -> float:
    """Return from when on requests count: all of them must still be remembered."""
    recent: tuple[Request, ...] = state.requests.recent
    forgotten = state.requests.made > len(recent)
    oldest = recent[0].t if forgotten and recent else 0.0
    return min(max(0.0, now_t - WINDOW_S, oldest), now_t - YOUNGEST_S)


def _per_hour(usd: Decimal, seconds: float) -> Decimal:
    return usd * _HOUR_S / Decimal(str(seconds))
