"""What happened, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.message import Message
from textual.widgets import Input, Static

from meetctl.domain.view.logs import (
    EntryTest,
    LogEntry,
    LogQuery,
    change_level,
    find_next_error,
    pin_errors,
    read_entries,
)
from meetctl.errors import UsageError
from meetctl.reports.panel_logs import tell_entry, tell_query
from meetctl.tui.widgets.line_list import LineList
from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.events import Event
    from meetctl.domain.log_level import Level
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies

_STYLES: dict[Level, str] = {
    "debug": "dim",
    "info": "",
    "warning": "yellow",
    "error": "bold red",
    "critical": "bold white on red",
}
_MOST_ENTRIES = 5_000
_SLACK = 500
"""How many more entries there may be before the oldest are let go."""
_HINT = "regular expression, !regex for the others, ?duration_ms > 500 for fields"


class LogList(LineList[LogEntry]):
    """A line for each entry, cut at the right; the panel shows the one at the cursor in full."""

    LINES_EACH: ClassVar[int | None] = 1

    def draw(self, entry: LogEntry, width: int) -> Sequence[Text]:
        """Return an entry's line."""
        line = Text(tell_entry(entry), _STYLES[entry.level], no_wrap=True)
        line.truncate(width, overflow="ellipsis")
        return [line]


class SearchLine(Input):
    """Where people type what to search for; Escape leaves it as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    class Left(Message):
        """Nothing is to be searched for."""

    def action_leave(self) -> None:
        """Search no further."""
        self.post_message(self.Left())


class LogsPanel(Panel):
    """What happened, event by event: by level, searched, of one turn, with the last errors on top."""

    NUMBER: ClassVar[int] = 5
    SUBJECT: ClassVar[str] = "Logs"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("w", "change_level(1)", "Level"),
        ("W", "change_level(-1)", "Level down"),
        ("slash", "search", "Search"),
        ("e", "next_error", "Next error"),
        ("p", "toggle_pins", "Pin errors"),
        ("T", "toggle_turn", "One turn"),
    ]

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self.query_now = LogQuery()
        """What is shown now."""
        self._entries: list[LogEntry] = []
        self._shown: list[LogEntry] = []
        self._errors = 0
        self._has_pins = True

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(id="logs-pins", markup=False)
        yield LogList()
        yield Static(id="logs-detail", markup=False)
        search = SearchLine(placeholder=_HINT, id="logs-search", compact=True)
        search.display = False
        yield search

    def on_mount(self) -> None:
        """Say what is shown."""
        self.query_one("#logs-pins").display = False
        self._tell()

    def take_focus(self) -> None:
        """Put the focus on the entries."""
        self.query_one(LogList).focus()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:  # noqa: ARG002  as all panels
        """Show the meeting as it is now."""
        events = self.dependencies.feed.recent_events(meeting.key)
        last = self._entries[-1].event.seq if self._entries else -1
        if not events or events[-1].seq == last:
            if not events and self._entries:
                self._entries = []
                self._choose()
            return
        newer = [] if events[-1].seq < last else _after(events, last)
        if not newer:
            # Time has gone backwards, as in a replay: what was shown is not known yet.
            self._entries, newer = [], list(events)
            self._shown = []
        self._take(read_entries(newer))
        if meeting.state.health.error_count != self._errors:
            self._errors = meeting.state.health.error_count
            self._show_pins()

    def plain_text(self) -> str:
        """Return the lines that are wanted now, in full."""
        return "\n".join(tell_entry(entry) for entry in self._shown)

    def ask(self, query: LogQuery) -> None:
        """Show something else."""
        self.query_now = query
        self._choose()

    def action_change_level(self, steps: int) -> None:
        """Show from another level on."""
        self.ask(self.query_now.with_level(change_level(self.query_now.level, steps)))

    def action_search(self) -> None:
        """Ask what to search for."""
        search = self.query_one(SearchLine)
        search.display = True
        search.value = self.query_now.search
        search.focus()

    def action_next_error(self) -> None:
        """Go to the next error; after the last one comes the first."""
        lines = self.query_one(LogList)
        place = find_next_error(self._shown, lines.cursor)
        if place is None:
            self.notify("There is no error in what is shown.")
        else:
            lines.go_to(place)

    def action_toggle_pins(self) -> None:
        """Show the last errors at the top, or not."""
        self._has_pins = not self._has_pins
        self._show_pins()

    def action_toggle_turn(self) -> None:
        """Show only the turn of the entry at the cursor, or all turns again."""
        if self.query_now.turn is not None:
            self.ask(self.query_now.with_turn(None))
            return
        current = self.query_one(LogList).current
        if current is None or current.turn is None:
            self.notify("The line at the cursor belongs to no turn.")
        else:
            self.ask(self.query_now.with_turn(current.turn))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search; what cannot be searched for is said, and can be corrected."""
        event.stop()
        try:
            query = self.query_now.with_search(event.value)
        except UsageError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        self._close_search()
        self.ask(query)

    def on_search_line_left(self) -> None:
        """Go on as before."""
        self._close_search()

    def on_line_list_moved(self) -> None:
        """Show the entry at the cursor in full."""
        self._tell()

    def _close_search(self) -> None:
        self.query_one(SearchLine).display = False
        self.query_one(LogList).focus()

    def _take(self, newer: list[LogEntry]) -> None:
        self._entries += newer
        test = EntryTest(self.query_now, tell_entry)
        if len(self._entries) > _MOST_ENTRIES + _SLACK:
            self._entries = self._entries[-_MOST_ENTRIES:]
            first = self._entries[0].event.seq
            self._shown = [entry for entry in self._shown if entry.event.seq >= first]
        admitted = [entry for entry in newer if test.admits(entry)]
        self._shown = [*self._shown, *admitted]
        self.query_one(LogList).show_entries(self._shown)
        self._tell()

    def _choose(self) -> None:
        """Test all entries anew."""
        test = EntryTest(self.query_now, tell_entry)
        self._shown = [entry for entry in self._entries if test.admits(entry)]
        self.query_one(LogList).show_entries(self._shown)
        self._tell()

    def _show_pins(self) -> None:
        pins = self.query_one("#logs-pins", Static)
        errors = pin_errors(self._entries) if self._has_pins else ()
        pins.display = bool(errors)
        if errors:
            lines = Text(f"last errors, of {self._errors} (p hides them)", "bold red", no_wrap=True)
            for entry in errors:
                lines.append(f"\n{tell_entry(entry)}", _STYLES[entry.level])
            pins.update(lines)

    def _tell(self) -> None:
        lines = self.query_one(LogList)
        current = lines.current if lines.cursor is not None else None
        detail = self.query_one("#logs-detail", Static)
        detail.display = current is not None
        if current is not None:
            detail.update(Text(tell_entry(current), _STYLES[current.level]))
        below = f", {lines.below} below (End)" if lines.below else ""
        shown = f"{len(self._shown):,} of {len(self._entries):,}"
        self.name_state(f"{tell_query(self.query_now)}: {shown}{below}")


def _after(events: Sequence[Event], seq: int) -> list[Event]:
    """Return the events after that number; numbers ascend, so the end is looked at first."""
    newer: list[Event] = []
    for event in reversed(events):
        if event.seq <= seq:
            break
        newer.append(event)
    newer.reverse()
    return newer
