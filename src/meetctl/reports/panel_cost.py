"""What a meeting costs: as lines for people, and as one document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.domain.policy import name_rate
from meetctl.domain.session_cost import document_line
from meetctl.reports.cells import format_share
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain
from meetctl.reports.session_cost_facts import cost_rows, cost_total

if TYPE_CHECKING:
    from meetctl.domain.view.costs import BudgetView, Costs
    from meetctl.domain.view.projection import HourProjection

SCHEMA = "meetctl.panel.cost/1"

_BARS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_MINUTE_S = 60


def tell_sums(costs: Costs) -> list[str]:
    """Return the sum, the present rate, and vision's share, in short lines."""
    at_least = "≥ " if costs.usage.unpriced else ""
    priced = (
        "nothing used yet" if costs.priced_share is None else f"priced {format_share(costs.priced_share)}"
    )
    offline = ", all offline: nobody bills it" if costs.is_offline else ""
    lines = [f"{at_least}{format_usd(costs.usage.usd)} so far, {priced}{offline}"]
    lines.append(
        f"{format_usd(costs.usd_per_hour)}/h now, {format_usd(costs.average_usd_per_hour)}/h on average"
    )
    share = "" if costs.vision_share is None else f", {format_share(costs.vision_share)} of it"
    lines.append(f"vision {format_usd(costs.usage.image_usd)}{share}")
    return lines


def tell_budget(budget: BudgetView | None) -> str:
    """Return how a budget stood when it last asked for something."""
    if budget is None:
        return "budget: no step taken"
    limit = "" if budget.limit_usd is None else f" of {format_usd(budget.limit_usd)}"
    used = "" if budget.used is None else f" ({format_share(float(budget.used))})"
    place = "" if budget.level is None or budget.levels is None else f" ({budget.level} of {budget.levels})"
    step = "none in force any more" if budget.step is None else f"{show_plain(budget.step)}{place}"
    kind = show_plain(budget.budget)
    return f"budget of the {kind}: {format_usd(budget.spent_usd)}{limit}{used} at its last step, {step}"


def draw_spending(costs: Costs, width: int, rows: int = 1) -> list[str]:
    """Return bars of what was spent over time, of eighths of a line; the last line says what they mean.

    An amount that is too small for an eighth still shows as one.
    """
    sums, step_s = _gather(costs, max(1, width))
    most = max(sums, default=Decimal(0))
    if not most:
        return []
    heights = [-int(-amount * rows * _EIGHTHS // most) for amount in sums]
    lines = [
        "".join(_BARS[min(_EIGHTHS, max(0, height - row * _EIGHTHS))] for height in heights)
        for row in reversed(range(rows))
    ]
    rate = most * _MINUTE_S / step_s
    return [*lines, f"{format_usd(rate)}/min at most, a bar is {step_s} s"]


def tell_policy(hour: HourProjection) -> str:
    """Return a projection's policy in a few words."""
    policy = hour.policy
    return f"{name_rate(policy.fps)}, {policy.detail}, window {policy.window}"


def tell_hour(hour: HourProjection) -> str:
    """Return what an hour costs: altogether where that is known, otherwise its images alone."""
    if hour.usd:
        return format_usd(hour.usd)
    return format_usd(hour.vision_list_usd)


def tell_projection(hours: Sequence[HourProjection]) -> str:
    """Return what the figures of `tell_hour` are, for a heading."""
    if not hours or hours[0].usd:
        return "an hour would cost"
    if hours[0].vision_usd == 0 and hours[0].vision_list_usd:
        return "an hour of vision, if it were billed"
    return "an hour of vision would cost"


def tell_costs(costs: Costs, hours: Sequence[HourProjection]) -> str:
    """Return everything as plain text."""
    lines = [*tell_sums(costs), tell_budget(costs.budget), ""]
    for row in [*cost_rows(costs.usage), cost_total(costs.usage)]:
        name = f"{show_plain(row.provider)} {show_plain(row.model)}".strip()
        lines.append(f"{name}  {row.usage}  reported {row.reported}  estimated {row.estimated}")
    if hours:
        lines += ["", tell_projection(hours)]
        lines += [f"{tell_policy(hour)}  {tell_hour(hour)}" for hour in hours]
        lines += [f"- {assumption}" for assumption in hours[0].assumptions]
    return "\n".join(lines)


def document_costs(costs: Costs, hours: Sequence[HourProjection] = ()) -> dict[str, Any]:
    """Return everything as one document; amounts are decimal texts in USD, or null."""
    usage = costs.usage
    return {
        "schema": SCHEMA,
        "t": costs.t,
        "usd": exact_usd(usage.usd),
        "priced": None if costs.priced_share is None else round(costs.priced_share, 6),
        "is_offline": costs.is_offline,
        "usd_per_hour": _usd(costs.usd_per_hour),
        "average_usd_per_hour": _usd(costs.average_usd_per_hour),
        "image_usd": _usd(usage.image_usd),
        "vision_share": None if costs.vision_share is None else round(costs.vision_share, 6),
        "usage": [document_line(part) for part in usage.parts],
        "spent": {"step_s": costs.step_s, "usd": [exact_usd(usd) for usd in costs.spent]},
        "budget": _document_budget(costs.budget),
        "projections": list(_document_hours(hours)),
        "assumptions": list(hours[0].assumptions) if hours else [],
    }


def _gather(costs: Costs, width: int) -> tuple[list[Decimal], int]:
    """Join steps until there are as few as there are columns; return them, and how long each is."""
    together = max(1, -(-len(costs.spent) // width))
    groups = range(0, len(costs.spent), together)
    sums = [sum(costs.spent[first : first + together], Decimal(0)) for first in groups]
    return sums, costs.step_s * together


def _document_budget(budget: BudgetView | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    return {
        "budget": budget.budget,
        "spent_usd": _usd(budget.spent_usd),
        "limit_usd": _usd(budget.limit_usd),
        "used": None if budget.used is None else round(float(budget.used), 6),
        "step": budget.step,
        "level": budget.level,
        "levels": budget.levels,
        "t": budget.t,
    }


def _document_hours(hours: Sequence[HourProjection]) -> Iterator[dict[str, Any]]:
    for hour in hours:
        policy = hour.policy
        yield {
            "fps": None if policy.fps is None else str(policy.fps),
            "detail": policy.detail,
            "window": policy.window,
            "side": policy.side,
            "model": policy.model,
            "requests": None if hour.requests is None else round(float(hour.requests), 3),
            "images_per_request": _number(hour.images_per_request),
            "tokens_per_image": _number(hour.tokens_per_image),
            "vision_usd": _usd(hour.vision_usd),
            "vision_list_usd": _usd(hour.vision_list_usd),
            "rest_usd": _usd(hour.rest_usd),
            "usd": _usd(hour.usd),
        }


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 3)


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else exact_usd(amount)
