"""The line on top of every screen: all meetings together, and whether what is shown is news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from meetctl.domain.view.totals import Totals, WorkerTotals, add_up
from meetctl.reports.money import format_usd
from meetctl.reports.panel_meetings import show_stale_source
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView


class TotalsStrip(Static):
    """Shows the totals of the newest view; a second line says which source is silent, and since when."""

    DEFAULT_CSS = """
    TotalsStrip {
        dock: top;
        height: auto;
        max-height: 4;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    """

    def __init__(self, *, is_read_only: bool = False) -> None:
        super().__init__(markup=False)
        self._is_read_only = is_read_only
        self._shown: Text | None = None

    def show_view(self, view: DashboardView) -> None:
        """Show the totals of a view, and where one is."""
        text = draw_totals(add_up(view), place=self.screen.sub_title or "", is_read_only=self._is_read_only)
        if text != self._shown:
            self._shown = text
            self.update(text)


def draw_totals(totals: Totals, *, place: str = "", is_read_only: bool = False) -> Text:
    """Return the totals as a line, and a line for each silent source."""
    text = Text(no_wrap=False)
    text.append("meetctl", style="bold")
    if place:
        text.append(f" › {show_plain(place)}")
    stale = f", {totals.stale:,} stale" if totals.stale else ""
    for part in (f"{_count(totals.live, 'meeting')}{stale}", _workers(totals.workers), _rate(totals)):
        text.append(f" │ {part}")
    text.append(" │ ")
    text.append(_count(totals.errors, "error"), style="bold red" if totals.errors else "")
    text.append(" │ ")
    if totals.is_live:
        text.append("● live", style="green")
    else:
        text.append("○ stale", style="bold yellow")
    if is_read_only:
        text.append(" │ read-only")
    for source in totals.stale_sources:
        text.append(f"\n! {show_stale_source(source)}", style="yellow")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _workers(workers: WorkerTotals | None) -> str:
    if workers is None:
        return "workers n/a"
    silent = f", {workers.silent} silent" if workers.silent else ""
    load = f" {workers.meetings}/{workers.places}" if workers.places else ""
    return f"{_count(workers.workers, 'worker')}{load}{silent}"


def _rate(totals: Totals) -> str:
    return f"{'' if totals.is_complete else '≥ '}{format_usd(totals.usd_per_hour)}/h"
