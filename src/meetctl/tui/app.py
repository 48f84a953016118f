"""The dashboard's app: it pumps views from the feed to the screen on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.worker import Worker, WorkerState

from meetctl.errors import ExitCode, MeetctlError
from meetctl.tui.action_commands import ActionCommands
from meetctl.tui.messages import MeetingChosen, ViewChanged
from meetctl.tui.operator_actions import OperatorActions
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.meetings import MeetingsScreen

if TYPE_CHECKING:
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.tui.dependencies import Dependencies


class Dashboard(App[int]):
    """Shows what its feed tells; `return_code` is the command's exit code."""

    TITLE = "meetctl"
    CSS_PATH = "meetctl.tcss"
    COMMANDS = App.COMMANDS | {ActionCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        ("a", "show_actions", "Actions"),
        ("question_mark", "show_help_panel", "Help"),
    ]

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__()
        self.dependencies = dependencies
        self.view: DashboardView | None = None
        self.operator = OperatorActions(self, dependencies, lambda: self.view)

    def on_mount(self) -> None:
        """Show the meetings, and begin to read the feed."""
        self.push_screen(MeetingsScreen())
        self._pump()

    @work(exclusive=True, group="feed", exit_on_error=False)
    async def _pump(self) -> None:
        async for view in self.dependencies.feed.watch():
            self.post_message(ViewChanged(view))

    def on_view_changed(self, message: ViewChanged) -> None:
        """Hand the newest view to the screen on top."""
        self.view = message.view
        self.on_view_wanted()

    def action_show_actions(self) -> None:
        """Show what can be done to the meeting that is shown or chosen."""
        self.operator.open_menu()

    def on_view_wanted(self) -> None:
        """Show the newest view on the screen on top."""
        screen = self.screen
        if self.view is not None and isinstance(screen, MeetingsScreen | MeetingScreen):
            screen.show_view(self.view)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """End with an error where the feed has ended with one."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            code = error.exit_code if isinstance(error, MeetctlError) else ExitCode.FAILED
            self.exit(return_code=int(code), message=str(error))

    def on_meeting_chosen(self, message: MeetingChosen) -> None:
        """Show one meeting."""
        self.push_screen(MeetingScreen(message.key, self.dependencies))
