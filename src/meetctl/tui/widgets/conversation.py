"""What was said, by whom, and what happened between."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from meetctl.domain.view.conversation import ConversationView, Item, Said, view_conversation
from meetctl.domain.view.media_time import format_time
from meetctl.reports.panel_conversation import SIGNS, kind_of, list_lines, notes_of, spoken_words, words_of
from meetctl.reports.plain_text import show_plain
from meetctl.tui.widgets.line_list import LineList
from meetctl.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies

_STYLES = {
    "person": "bold cyan",
    "agent": "bold green",
    "tool": "magenta",
    "knowledge": "blue",
    "system": "dim",
    "trouble": "yellow",
}
_TIME_COLUMNS = 8
"""How wide the time and the sign are together, with blanks; times from an hour on are wider."""


class ConversationList(LineList[Item]):
    """The conversation's items, wrapped below their own words."""

    def draw(self, entry: Item, width: int) -> Sequence[Text]:
        """Return an item's lines."""
        kind = kind_of(entry)
        head = f"{format_time(entry.t):>5} {SIGNS[kind]} ".rjust(_TIME_COLUMNS)
        words = _draw_said(entry, kind) if isinstance(entry, Said) else Text(words_of(entry), _STYLES[kind])
        lines = words.wrap(self.app.console, max(8, width - len(head)), overflow="fold")
        margin = " " * len(head)
        return [Text.assemble(margin if place else (head, "dim"), line) for place, line in enumerate(lines)]


class ConversationPanel(Panel):
    """What was said, by whom, and what the agent does."""

    NUMBER: ClassVar[int] = 1
    SUBJECT: ClassVar[str] = "Conversation"

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._shown: ConversationView | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield ConversationList()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:  # noqa: ARG002  as all panels
        """Show the meeting as it is now."""
        events = self.dependencies.feed.recent_events(meeting.key)
        shown = view_conversation(meeting.state, events, self._shown)
        if shown == self._shown:
            return
        self._shown = shown
        items = (*shown.items, *(() if shown.interim is None else (shown.interim,)))
        self.query_one(ConversationList).show_entries(items)
        self._name_state()

    def on_line_list_moved(self) -> None:
        """Say how much there is below."""
        self._name_state()

    def plain_text(self) -> str:
        """Return the conversation, an item a line."""
        return "" if self._shown is None else "\n".join(list_lines(self._shown))

    def _name_state(self) -> None:
        state = self._shown.agent_state if self._shown is not None else None
        below = self.query_one(ConversationList).below
        told = (
            f"{SIGNS['person']} person {SIGNS['agent']} agent" + (f" {state}" if state else ""),
            f"{below} lines below (End)" if below else "",
        )
        self.name_state(show_plain(" | ".join(part for part in told if part)))


def _draw_said(said: Said, kind: str) -> Text:
    text = Text()
    text.append(f"{show_plain(said.who)}: ", _STYLES[kind])
    text.append(spoken_words(said), "dim italic" if said.is_interim or said.text is None else "")
    notes = notes_of(said)
    if notes:
        is_trouble = said.is_interrupted or said.is_cut
        text.append(f" [{notes}]", "bold yellow" if is_trouble else "dim")
    return text
