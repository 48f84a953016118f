"""How the cost panel is laid out in any size: the most important at the top, the rest is scrolled to."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from meetctl.domain.policy import name_rate
from meetctl.reports.money import format_usd
from meetctl.reports.panel_cost import (
    draw_spending,
    tell_budget,
    tell_hour,
    tell_policy,
    tell_projection,
    tell_sums,
)
from meetctl.reports.plain_text import show_plain
from meetctl.reports.session_cost_facts import cost_rows, cost_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from meetctl.domain.view.costs import Costs
    from meetctl.domain.view.projection import HourProjection

_TALL_FROM_ROWS = 20
_TALL_BARS = 4
_USAGE_FROM_COLUMNS = 70
_MOST_BARS = 120


def draw_costs(
    costs: Costs, hours: Sequence[HourProjection], note: str, *, width: int, height: int
) -> RenderableType:
    """Draw everything; `note` says why there is no projection."""
    first, *rest = tell_sums(costs)
    bars = draw_spending(costs, min(width, _MOST_BARS), _TALL_BARS if height >= _TALL_FROM_ROWS else 1)
    parts: list[RenderableType] = [
        Text(first, style="bold"),
        *(Text(line) for line in rest),
        Text(tell_budget(costs.budget)),
    ]
    if bars:
        parts += [Text("\n".join(bars), no_wrap=True, overflow="crop")]
    if costs.usage.parts:
        parts += [Text(), _draw_usage(costs, is_wide=width >= _USAGE_FROM_COLUMNS)]
    parts += [Text(), *_draw_projection(hours, note)]
    return Group(*parts)


def _draw_usage(costs: Costs, *, is_wide: bool) -> Table:
    table = _table("provider and model", *(["used"] if is_wide else []), "reported", "estimated")
    for row in cost_rows(costs.usage):
        name = f"{show_plain(row.provider)} {show_plain(row.model)}"
        table.add_row(Text(name), *([row.usage] if is_wide else []), row.reported, row.estimated)
    total = cost_total(costs.usage)
    table.add_row(
        Text("total", style="bold"), *([""] if is_wide else []), total.reported, total.estimated, style="bold"
    )
    return table


def _draw_projection(hours: Sequence[HourProjection], note: str) -> list[RenderableType]:
    if not hours:
        return [Text(note, style="dim")]
    current, *others = hours
    details = list(dict.fromkeys(hour.policy.detail for hour in others))
    table = _table(tell_projection(hours), *(f"{detail} detail" for detail in details))
    for fps, alike in groupby(others, key=lambda hour: hour.policy.fps):
        by_detail = {hour.policy.detail: tell_hour(hour) for hour in alike}
        table.add_row(name_rate(fps), *(by_detail.get(detail, "n/a") for detail in details))
    column = details.index(current.policy.detail) if current.policy.detail in details else 0
    table.add_row(f"now: {tell_policy(current)}", *[""] * column, tell_hour(current), style="bold")
    parts: list[RenderableType] = [table]
    if current.usd and current.rest_usd is not None:
        parts.append(Text(f"of it {format_usd(current.rest_usd)} are text, ears and voice"))
    return [*parts, *(Text(f"· {text}", style="dim") for text in current.assumptions)]


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    return table
