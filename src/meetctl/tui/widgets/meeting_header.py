"""The line above a meeting's panels: whose it is, what the agent does, what it costs, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from meetctl.domain.view.meeting_header import view_header
from meetctl.reports.panel_header import tell_parts, tell_trouble

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, Meeting

_GAP = " | "


class MeetingHeaderLine(Static):
    """As many lines as it needs; a part is not broken where it fits on a line of its own."""

    DEFAULT_CSS = "MeetingHeaderLine { height: auto; max-height: 5; background: $panel; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__(id="meeting-header", markup=False)
        self._parts: list[str] = []
        self._trouble: list[str] = []

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:
        """Show the meeting as it is now."""
        header = view_header(meeting, view)
        parts, trouble = tell_parts(header), tell_trouble(header)
        if (parts, trouble) != (self._parts, self._trouble):
            self._parts, self._trouble = parts, trouble
            self._draw()

    def show_gone(self) -> None:
        """Say that the meeting is not known any more; what was known last stays."""
        gone = ["GONE: this meeting is not known any more"]
        if self._trouble != gone:
            self._trouble = gone
            self._draw()

    def on_resize(self) -> None:
        """Divide the parts anew."""
        self._draw()

    def plain_text(self) -> str:
        """Return it on one line."""
        return _GAP.join([*self._parts, *self._trouble])

    def _draw(self) -> None:
        width = self.content_size.width or self.app.size.width
        lines = _fill_lines(self._parts, max(20, width))
        drawn = Text("\n".join(lines))
        if self._parts:
            drawn.stylize("bold", 0, len(self._parts[0]))
        for trouble in self._trouble:
            drawn.append("\n" if drawn.plain else "")
            drawn.append(f"! {trouble}", "bold yellow")
        self.update(drawn)


def _fill_lines(parts: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(_GAP) + len(part) <= width:
            lines[-1] += f"{_GAP}{part}"
        else:
            lines.append(part)
    return lines
