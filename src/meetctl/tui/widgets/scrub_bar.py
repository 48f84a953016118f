"""Where a replay is, what there is to go to, and a click to go there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget

from meetctl.domain.view.markers import Marker, MarkerKind, find_next, place_markers, place_time
from meetctl.domain.view.media_time import format_time
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType

    from meetctl.services.dashboard.player import Playhead

SIGNS: dict[MarkerKind, tuple[str, str, str]] = {
    "error": ("!", "bold red", "error"),
    "missed": ("?", "bold magenta", "missed change"),
    "cost": ("$", "bold yellow", "cost spike"),
    "interruption": ("x", "yellow", "interruption"),
    "tool": ("t", "cyan", "tool call"),
    "turn": ("|", "green", "turn"),
}
"""Each kind's sign, how it is drawn, and what it is called; the sign alone tells them apart."""

SECONDS = 5
MINUTE = 60
_HOUR = 3600
_GAP = "   "


class ScrubBar(Widget, can_focus=True):
    """Three lines: markers, the bar with the cursor, and time, speed and the next marker in words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", f"move({SECONDS})", f"{SECONDS} s", key_display="←/→"),
        Binding("left", f"move(-{SECONDS})", f"Back {SECONDS} s", show=False),
        Binding("home", "move(-1e9)", "Begin", show=False),
        Binding("end", "move(1e9)", "End", show=False),
    ]
    DEFAULT_CSS = """
    ScrubBar { height: 3; padding: 0 1; }
    ScrubBar:focus { background: $boost; }
    """

    class Moved(Message):
        """Somebody wants to be at another time."""

        def __init__(self, t: float) -> None:
            super().__init__()
            self.t = t

    def __init__(self) -> None:
        super().__init__(id="scrub-bar")
        self._head: Playhead | None = None
        self._placed: tuple[object, dict[int, MarkerKind]] | None = None

    def show_head(self, head: Playhead) -> None:
        """Show where the cursor is."""
        if head != self._head:
            self._head = head
            self.refresh()

    def render(self) -> Text:
        """Draw the three lines."""
        head, cells = self._head, self.content_size.width
        if head is None or cells <= 0:
            return Text()
        return Text("\n").join(
            [self._draw_markers(head, cells), self._draw_bar(head, cells), _tell(head, cells)]
        )

    def action_move(self, seconds: float) -> None:
        """Ask for another time, so far from the cursor."""
        if self._head is not None:
            self.post_message(self.Moved(self._head.t + seconds))

    def on_click(self, event: events.Click) -> None:
        """Ask for the time under the pointer."""
        offset = event.get_content_offset(self)
        cells = self.content_size.width
        if offset is not None and self._head is not None and cells > 1:
            self.post_message(self.Moved(offset.x / (cells - 1) * self._head.end_s))

    def _draw_markers(self, head: Playhead, cells: int) -> Text:
        key = (id(head.markers), head.end_s, cells)
        if self._placed is None or self._placed[0] != key:
            self._placed = (key, place_markers(head.markers, head.end_s, cells))
        placed = self._placed[1]
        line = Text(no_wrap=True)
        for cell in range(cells):
            sign, style, _ = SIGNS[placed[cell]] if cell in placed else (" ", "", "")
            line.append(sign, style)
        return line

    def _draw_bar(self, head: Playhead, cells: int) -> Text:
        cursor = place_time(head.t, head.end_s, cells)
        line = Text("━" * cursor, "bold", no_wrap=True)
        line.append("█", "bold reverse" if self.has_focus else "bold")
        return line.append("─" * (cells - cursor - 1), "dim")


def _tell(head: Playhead, cells: int) -> Text:
    """Say in words where the cursor is, and what comes next; what has no room is left out from the end."""
    hours = head.end_s >= _HOUR
    state = "playing" if head.is_playing else "paused"
    end = "reading …" if head.is_loading else format_time(head.end_s, hours=hours)
    line = Text(f"{state} {format_time(head.t, hours=hours, tenths=True)} / {end}  {head.speed:g}x", "bold")
    coming = find_next(head.markers, head.t)
    if coming is not None:
        _append(line, _name(coming, hours=hours), cells)
    legend = Text()
    for sign, style, name in SIGNS.values():
        legend.append(sign, style).append(f" {name}  ", "dim")
    if cells - line.cell_len >= legend.cell_len + len(_GAP):
        _append(line, legend, cells)
    line.truncate(cells, overflow="ellipsis")
    return line


def _name(marker: Marker, *, hours: bool) -> Text:
    sign, style, _ = SIGNS[marker.kind]
    words = f" {show_plain(marker.text)} at {format_time(marker.t, hours=hours)}"
    return Text("next ").append(sign, style).append(words)


def _append(line: Text, part: Text, cells: int) -> None:
    if line.cell_len + len(_GAP) < cells:
        line.append(_GAP).append_text(part)
