"""The first screen: a row for each meeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widgets import DataTable, Footer, Header

from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain
from meetctl.tui.messages import MeetingChosen, ViewWanted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.domain.view.dashboard import DashboardView


class MeetingsScreen(Screen[None]):
    """All meetings, one a row; Enter opens one."""

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Header()
        yield DataTable[str](id="meetings", cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        """Name the columns."""
        self.query_one(DataTable).add_columns("Room", "Tenant", "Agent", "Kept/seen", "Cost")

    def on_screen_resume(self) -> None:
        """Show what has changed while another screen was on top."""
        self.post_message(ViewWanted())

    def show_view(self, view: DashboardView) -> None:
        """Show every meeting as it is now."""
        table = self.query_one(DataTable)
        table.clear()
        for meeting in view.meetings:
            state = meeting.state
            table.add_row(
                show_plain(meeting.room),
                show_plain(state.about.tenant_id or "-"),
                state.conversation.agent_state or "-",
                f"{state.frames.kept}/{state.frames.seen}",
                format_usd(state.usage.usd),
                key=meeting.key,
            )

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the meeting."""
        if event.row_key.value is not None:
            self.post_message(MeetingChosen(event.row_key.value))
