"""Who is there, with which tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from meetctl.domain.view.participants import (
    ParticipantRow,
    ParticipantsView,
    TrackRow,
    view_participants,
)
from meetctl.reports.panel_participants import list_lines, tell_row, tell_track
from meetctl.tui.widgets.line_list import LineList
from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies

_STYLES = {"person": "bold cyan", "agent": "bold green", "recorder": "bold yellow", "other": "bold"}
_INDENT = 4


class ParticipantList(LineList[ParticipantRow | TrackRow]):
    """Everybody, and the tracks of nobody known, each with as many lines as needed."""

    FOLLOWS_END: ClassVar[bool] = False

    def draw(self, entry: ParticipantRow | TrackRow, width: int) -> Sequence[Text]:
        """Return somebody's lines."""
        if isinstance(entry, TrackRow):
            return self._wrap(f"? {tell_track(entry)} of nobody known", "", 2, width)
        lines = self._wrap(tell_row(entry), "dim" if entry.left_t is not None else "", 2, width)
        if entry.left_t is None:
            lines[0].stylize(_STYLES[entry.kind], 0, min(2 + len(entry.name), len(lines[0])))
        for track in entry.tracks:
            lines += self._wrap(" " * _INDENT + tell_track(track), "", _INDENT + 2, width)
        return lines

    def _wrap(self, told: str, style: str, indent: int, width: int) -> list[Text]:
        """Return a text as lines, all but the first indented."""
        first, *rest = Text(told, style).wrap(self.app.console, max(8, width), overflow="fold")
        if not rest:
            return [first]
        left = Text(told[len(first.plain) :].lstrip(), style)
        return [
            first,
            *(
                Text(" " * indent) + line
                for line in left.wrap(self.app.console, max(8, width - indent), overflow="fold")
            ),
        ]


class ParticipantsPanel(Panel):
    """Who is there, with which tracks."""

    NUMBER: ClassVar[int] = 6
    SUBJECT: ClassVar[str] = "Participants"

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._shown: ParticipantsView | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield ParticipantList()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:  # noqa: ARG002  as all panels
        """Show the meeting as it is now."""
        shown = view_participants(meeting)
        if shown == self._shown:
            return
        known = {} if self._shown is None else {row.identity: row for row in self._shown.rows}
        self._shown = shown
        rows = [old if (old := known.get(row.identity)) == row else row for row in shown.rows]
        people = self.query_one(ParticipantList)
        people.show_entries([*rows, *shown.unowned])
        self.name_state(f"{shown.present} there")

    def plain_text(self) -> str:
        """Return everybody with their tracks."""
        return "" if self._shown is None else "\n".join(list_lines(self._shown))
