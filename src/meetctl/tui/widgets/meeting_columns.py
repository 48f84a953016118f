"""The columns of the list of meetings: their widths, what they say, and which a narrow terminal lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from meetctl.reports.ages import format_age
from meetctl.reports.panel_meetings import NOTHING, show_amount, show_budget, show_latency, show_money
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from meetctl.domain.view.meeting_order import ColumnName
    from meetctl.domain.view.meeting_rows import MeetingRow

SIGNS = {"live": "●", "stale": "?", "ended": "×"}
"""What stands before a row, so that no meaning lies in its colour alone."""

PADDING = 2
"""Blank cells of each column."""
SIGN_WIDTH = 1
_WIDEST_ROOM = 40
_SCROLLBAR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: ColumnName
    heading: str
    width: int
    """Cells; of the room, which takes what is left over, the fewest."""
    priority: int
    """The columns with the largest numbers are left out first."""
    show: Callable[[MeetingRow], str]
    justify: JustifyMethod = "right"

    def draw(self, row: MeetingRow, width: int) -> Text:
        """Return a meeting's cell."""
        text = Text(show_plain(self.show(row)), style=self._style(row), justify=self.justify)
        text.truncate(width, overflow="ellipsis")
        return text

    def _style(self, row: MeetingRow) -> str:
        if row.phase != "live":
            return "dim"
        if self.name == "errors" and row.errors:
            return "bold red"
        if self.name == "budget" and row.budget is not None and row.budget.share >= 1:
            return "bold red"
        return "bold" if self.name == "room" else ""


def _agent(row: MeetingRow) -> str:
    if row.agent_state is None:
        return "no agent" if row.channel == "room" else NOTHING
    return f"{row.agent_state} !" if row.is_degraded else row.agent_state


COLUMNS = (
    Column(name="room", heading="Room", width=14, priority=0, show=lambda row: row.room, justify="left"),
    Column(
        name="tenant",
        heading="Tenant",
        width=12,
        priority=7,
        show=lambda row: row.tenant_id or NOTHING,
        justify="left",
    ),
    Column(
        name="tier",
        heading="Tier",
        width=8,
        priority=12,
        show=lambda row: row.tier or NOTHING,
        justify="left",
    ),
    Column(name="agent", heading="Agent", width=12, priority=1, show=_agent, justify="left"),
    Column(name="people", heading="People", width=6, priority=9, show=lambda row: str(row.people)),
    Column(
        name="age",
        heading="Age",
        width=11,
        priority=5,
        show=lambda row: NOTHING if row.age_s is None else format_age(row.age_s),
    ),
    Column(
        name="frames",
        heading="Kept/seen",
        width=13,
        priority=10,
        show=lambda row: f"{row.kept:,}/{row.seen:,}",
    ),
    Column(
        name="latency",
        heading="Latency",
        width=8,
        priority=6,
        show=lambda row: show_latency(row.latency_s),
    ),
    Column(name="usd", heading="Cost", width=10, priority=2, show=lambda row: show_money(row.money)),
    Column(
        name="usd_per_hour",
        heading="$/h",
        width=9,
        priority=3,
        show=lambda row: show_amount(row.money, row.money.usd_per_hour),
    ),
    Column(
        name="forecast",
        heading="Forecast",
        width=10,
        priority=11,
        show=lambda row: show_amount(row.money, row.money.forecast_usd),
    ),
    Column(
        name="budget",
        heading="Budget",
        width=11,
        priority=8,
        show=lambda row: show_budget(row.budget),
        justify="left",
    ),
    Column(name="errors", heading="Errors", width=6, priority=4, show=lambda row: f"{row.errors:,}"),
)
"""All columns, from left to right."""


def fit_columns(width: int) -> tuple[tuple[Column, int], ...]:
    """Return the columns that stand side by side in so many cells, each with its width.

    >>> [column.name for column, _ in fit_columns(80)]
    ['room', 'agent', 'age', 'usd', 'usd_per_hour', 'errors']
    """
    left = width - SIGN_WIDTH - PADDING - _SCROLLBAR
    chosen = set(_choose(left))
    spare = left - sum(column.width + PADDING for column in COLUMNS if column.name in chosen)
    return tuple(
        (column, min(_WIDEST_ROOM, column.width + max(0, spare)) if column.name == "room" else column.width)
        for column in COLUMNS
        if column.name in chosen
    )


def _choose(left: int) -> Iterator[ColumnName]:
    for column in sorted(COLUMNS, key=lambda column: column.priority):
        left -= column.width + PADDING
        if left < 0 and column.priority:
            return
        yield column.name
