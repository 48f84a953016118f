"""The dashboard's app: it pumps views from the feed to the screen on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding
from textual.worker import Worker, WorkerFailed, WorkerState

from meetctl.errors import ExitCode, MeetctlError
from meetctl.tui.action_commands import ActionCommands
from meetctl.tui.copying import find_text
from meetctl.tui.export import export_shown
from meetctl.tui.messages import MeetingChosen, ViewChanged
from meetctl.tui.operator_actions import OperatorActions
from meetctl.tui.palette import KeyCommands, MeetingCommands, ThemeCommands
from meetctl.tui.screens.help import HelpScreen
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.opening import first_screen
from meetctl.tui.sharing import ShowsViews
from meetctl.tui.themes import first_theme, next_theme
from meetctl.tui.widgets.totals_strip import TotalsStrip

if TYPE_CHECKING:
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.tui.dependencies import Dependencies

_FEED = "feed"


class Dashboard(App[int]):
    """Shows what its feed tells; `return_code` is the command's exit code, `failure` what has ended it."""

    TITLE = "meetctl"
    CSS_PATH = "meetctl.tcss"
    BINDING_GROUP_TITLE = "Everywhere"
    COMMANDS = {ActionCommands, KeyCommands, MeetingCommands, ThemeCommands}  # noqa: RUF012  Textual declares it as it is
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "show_actions", "Actions"),
        Binding("question_mark", "show_keys", "Help", key_display="?"),
        Binding("t", "next_theme", "Theme"),
        Binding("c", "copy_shown", "Copy"),
        Binding("x", "export_shown", "Export"),
        Binding("ctrl+r", "read_again", "Read the sources again", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", "Copy the selected text, or quit", show=False, priority=True),
    ]

    def __init__(self, dependencies: Dependencies, *, theme: str | None = None) -> None:
        super().__init__()
        self.dependencies = dependencies
        self.view: DashboardView | None = None
        self.failure: Exception | None = None
        self.operator = OperatorActions(self, dependencies, lambda: self.view)
        self.theme = theme or first_theme(self.console.color_system)

    def on_mount(self) -> None:
        """Show the meetings, or the recorded one, and begin to read the feed."""
        self.push_screen(first_screen(self.dependencies))
        self._pump()

    @work(exclusive=True, group=_FEED, exit_on_error=False)
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
        if self.view is not None and isinstance(screen, ShowsViews):
            screen.show_view(self.view)
            for strip in screen.query(TotalsStrip):
                strip.show_view(self.view)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """End with an error where the feed has ended with one."""
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.fail(event.worker.error)

    def fail(self, error: Exception) -> None:
        """End the dashboard because of an error, which the command tells about."""
        self.failure = self.failure or find_cause(error)
        code = self.failure.exit_code if isinstance(self.failure, MeetctlError) else ExitCode.FAILED
        self.exit(return_code=int(code))

    def _handle_exception(self, error: Exception) -> None:
        """Keep a defect for the command to tell about.

        Textual would print a traceback with the values of variables, among them what people said.
        """
        self.failure = self.failure or find_cause(error)
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def on_meeting_chosen(self, message: MeetingChosen) -> None:
        """Show one meeting."""
        self.push_screen(MeetingScreen(message.key, self.dependencies))

    def interrupt(self) -> None:
        """End as Ctrl-C ends a command."""
        self.exit(return_code=int(ExitCode.INTERRUPTED))

    def action_interrupt(self) -> None:
        """Copy what is selected, as people are used to; end where nothing is."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
        else:
            self.interrupt()

    def action_show_keys(self) -> None:
        """Show which keys do what on the screen on top."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen.active_bindings))

    def action_next_theme(self) -> None:
        """Take the next theme."""
        self.theme = next_theme(self.theme)
        self.notify(self.theme, title="Theme", timeout=1.5)

    def action_copy_shown(self) -> None:
        """Copy what is selected, or what the panel in focus says."""
        text = self.screen.get_selected_text() or find_text(self.screen)
        if not text:
            self.notify("There is nothing to copy here.", severity="warning")
            return
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.notify(f"Sent {lines:,} line{'' if lines == 1 else 's'} to the terminal's clipboard.")

    def action_export_shown(self) -> None:
        """Save what is shown."""
        export_shown(self, self.dependencies.clock.now())

    def action_read_again(self) -> None:
        """Read the sources anew."""
        self._pump()
        self.notify("Reading the sources again.", timeout=1.5)


def find_cause(error: BaseException) -> Exception:
    """Return the error that others only wrap: a task group's, or a worker's.

    >>> find_cause(ExceptionGroup("tasks", [ValueError("no")]))
    ValueError('no')
    """
    while True:
        match error:
            case ExceptionGroup(exceptions=(first, *_)):
                error = first
            case WorkerFailed(error=Exception() as inner):
                error = inner
            case Exception():
                return error
            case _:
                return RuntimeError(repr(error))
