"""How long each turn took, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.widgets import Static

from meetctl.domain.view.latency import STAGES, LatencyView, TurnLatency, fill_bar, view_latency
from meetctl.reports.panel_latency import (
    HEAD_COLUMNS,
    LEGEND,
    NOTES_COLUMNS,
    NUMBERS_COLUMNS,
    head_line,
    list_lines,
    notes_of,
    number_columns,
    percentile_lines,
)
from meetctl.tui.widgets.line_list import LineList
from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from meetctl.domain.state.turns import Turns
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies

_COLOURS = {"S": "cyan", "E": "blue", "K": "yellow", "M": "magenta", "V": "green", ".": "white"}
_FEWEST_BAR_COLUMNS = 20
"""Numbers by stage are shown where the bars have so many columns beside them."""


class TurnList(LineList[TurnLatency]):
    """A line for each turn: numbers, and a bar of letters."""

    LINES_EACH: ClassVar[int | None] = 1

    def __init__(self) -> None:
        super().__init__()
        self.scale_s = 1.0

    @property
    def has_stages(self) -> bool:
        """Whether there is room for numbers by stage."""
        return (
            self.scrollable_content_region.width >= NUMBERS_COLUMNS + 1 + _FEWEST_BAR_COLUMNS + NOTES_COLUMNS
        )

    @property
    def bar_columns(self) -> int:
        """How long a bar may be."""
        used = NUMBERS_COLUMNS if self.has_stages else HEAD_COLUMNS
        return max(4, self.scrollable_content_region.width - used - 1 - NOTES_COLUMNS)

    def draw(self, entry: TurnLatency, width: int) -> Sequence[Text]:
        """Return a turn's line."""
        numbers = number_columns(entry, with_stages=self.has_stages)
        line = Text(f"{numbers} ", "bold" if entry.outcome is None else "")
        bar = fill_bar(entry.parts, self.scale_s, self.bar_columns)
        for letter in bar:
            line.append(letter, f"black on {_COLOURS[letter]}" if letter in _COLOURS else "bold reverse")
        line.append(notes_of(entry), "yellow")
        line.truncate(width, overflow="ellipsis")
        return [line]


class LatencyPanel(Panel):
    """How long each turn took, stage by stage."""

    NUMBER: ClassVar[int] = 2
    SUBJECT: ClassVar[str] = "Latency"

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._turns: Turns | None = None
        self._shown: LatencyView | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(id="latency-head", markup=False)
        yield TurnList()
        yield Static(id="latency-foot", markup=False)
        self.border_subtitle = _draw_legend()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:  # noqa: ARG002  as all panels
        """Show the meeting as it is now."""
        if meeting.state.turns is self._turns:
            return
        self._turns = meeting.state.turns
        self._show(view_latency(meeting.state))

    def on_resize(self) -> None:
        """Draw the scale as wide as the bars."""
        self.call_after_refresh(self._show_margins)

    def plain_text(self) -> str:
        """Return the turns with their bars, and the percentiles."""
        return "" if self._shown is None else "\n".join(list_lines(self._shown))

    def _show(self, shown: LatencyView) -> None:
        known = {} if self._shown is None else {turn.number: turn for turn in self._shown.turns}
        turns = self.query_one(TurnList)
        # What has not changed stays the same object, so that it is not drawn again.
        entries = [old if (old := known.get(turn.number)) == turn else turn for turn in shown.turns]
        has_scaled = turns.scale_s != shown.scale_s
        turns.scale_s = shown.scale_s
        self._shown = shown
        turns.show_entries(entries)
        if has_scaled:
            turns.redraw()
        self._show_margins()

    def _show_margins(self) -> None:
        if self._shown is None:
            return
        turns = self.query_one(TurnList)
        head = head_line(self._shown.scale_s, turns.bar_columns, with_stages=turns.has_stages)
        self.query_one("#latency-head", Static).update(Text(head, "dim", no_wrap=True), layout=False)
        foot = Text("\n".join(percentile_lines(self._shown)), no_wrap=True)
        self.query_one("#latency-foot", Static).update(foot, layout=False)


def _draw_legend() -> Text:
    legend = Text(LEGEND, no_wrap=False)
    for stage in STAGES:
        place = LEGEND.index(f"{stage.letter} {stage.name}")
        legend.stylize(f"black on {_COLOURS[stage.letter]}", place, place + 1)
    return legend
