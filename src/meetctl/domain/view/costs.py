"""What a meeting costs: by provider and model, over time, of its budget, and by other policies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from meetctl.domain.policy import Policy
from meetctl.domain.session_cost import OFFLINE, UsageTotal
from meetctl.domain.view.spending_rate import YOUNGEST_S, usd_per_hour

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.state import SessionState

RATES = (Fraction(1, 5), Fraction(1, 2), Fraction(1), Fraction(2))
DETAILS = ("low", "high")

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """The last step of a budget: how it stood then, and what has been given up since."""

    budget: str
    spent_usd: Decimal | None
    limit_usd: Decimal | None
    step: str | None
    """None where everything is as before."""
    level: int | None
    levels: int | None
    t: float
    """When that was, in seconds of media time."""

    @property
    def used(self) -> Fraction | None:
        """Which share of the limit was spent then; None where either is not known."""
        if self.spent_usd is None or not self.limit_usd:
            return None
        return Fraction(self.spent_usd) / Fraction(self.limit_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a meeting has cost until now."""

    usage: UsageTotal
    t: float
    """The meeting's media time, in seconds."""
    usd_per_hour: Decimal | None
    """At the present rate; None where it is too early to say, or nothing has a price."""
    average_usd_per_hour: Decimal | None
    """Since it began."""
    step_s: int
    spent: tuple[Decimal, ...]
    """What was spent in each step of media time, until now."""
    budget: BudgetView | None
    """None where no budget has asked for anything yet."""

    @property
    def priced_share(self) -> float | None:
        """Which share of the usage events has a price; None before any."""
        return self.usage.priced_uses / self.usage.uses if self.usage.uses else None

    @property
    def is_offline(self) -> bool:
        """Whether only offline providers were used, which cost nothing."""
        return bool(self.usage.parts) and all(part.provider == OFFLINE for part in self.usage.parts)

    @property
    def vision_share(self) -> float | None:
        """Which share of the whole cost is images; None where that is not known, or all is nothing."""
        images = self.usage.image_usd
        if images is None or self.usage.unpriced or not self.usage.usd:
            return None
        return float(images / self.usage.usd)


def view_costs(state: SessionState) -> Costs:
    """Return what a meeting has cost until the media time of its latest event."""
    spending, t = state.spending, state.t
    steps = int(t // spending.step_s) + 1
    missing = max(0, steps - len(spending.usd)) if spending.usd else 0
    is_known = t >= YOUNGEST_S and bool(state.usage.priced_uses or not state.usage.uses)
    return Costs(
        usage=state.usage,
        t=t,
        usd_per_hour=usd_per_hour(state, t),
        average_usd_per_hour=_per_hour(state.usage.usd, t) if is_known else None,
        step_s=spending.step_s,
        spent=(*spending.usd, *[Decimal(0)] * missing),
        budget=_read_budget(state.steering.budget_steps),
    )


def projected_policies(current: Policy, rates: tuple[Fraction, ...] = RATES) -> tuple[Policy, ...]:
    """Return the policy that holds, then what else could be chosen: each rate at each detail."""
    others = [
        replace(current, name=f"{float(fps):g} fps {detail}", fps=fps, detail=detail)
        for fps in rates
        for detail in DETAILS
    ]
    return (current, *others)


def _per_hour(usd: Decimal, seconds: float) -> Decimal:
    return usd * _HOUR_S / Decimal(str(seconds))


def _read_budget(steps: tuple[Event, ...]) -> BudgetView | None:
    if not steps:
        return None
    last, fields = steps[-1], steps[-1].fields
    return BudgetView(
        budget=str(fields.get("budget") or "meeting"),
        spent_usd=_amount(fields.get("spent_usd")),
        limit_usd=_amount(fields.get("limit_usd")),
        step=fields["step"] if isinstance(fields.get("step"), str) else None,
        level=_whole(fields.get("level")),
        levels=_whole(fields.get("levels")),
        t=last.t,
    )


def _amount(value: Any) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except ArithmeticError:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount.adjusted()) < 12 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
