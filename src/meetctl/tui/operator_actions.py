"""What an operator does from the dashboard: to which meeting, what can be done to it, and by which dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.widgets import DataTable

from meetctl.domain.view.possible_actions import list_actions
from meetctl.tui.action_dialogs import MeetingDialogs, make_room_dialog
from meetctl.tui.action_runner import ActionRunner
from meetctl.tui.screens.actions import ActionsScreen
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.meetings import MeetingsScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.screen import Screen

    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.domain.view.possible_actions import ActionName, PossibleAction
    from meetctl.ports import MeetingActions
    from meetctl.tui.dependencies import Dependencies
    from meetctl.tui.screens.action_dialog import ActionDialog


class OperatorActions:
    """The actions on the meeting that is shown or chosen; one of them at a time."""

    def __init__(
        self,
        app: App[Any],
        dependencies: Dependencies,
        newest_view: Callable[[], DashboardView | None],
    ) -> None:
        self._app = app
        self._dependencies = dependencies
        self._newest_view = newest_view
        self._runner = ActionRunner(app, dependencies.clock, newest_view)

    @property
    def meeting(self) -> Meeting | None:
        """The meeting that is shown, or that the cursor is on; None where there is none."""
        view = self._newest_view()
        if view is None:
            return None
        for screen in reversed(self._app.screen_stack):
            key = _find_key(screen)
            if key is not None:
                return view.find(key)
        return None

    def possible(self) -> tuple[PossibleAction, ...]:
        """Return every action, with why it cannot be done now."""
        refusal = None if self._dependencies.actions is not None else self._dependencies.no_actions
        return list_actions(self.meeting, refusal)

    def open_menu(self) -> None:
        """Show what can be done."""
        if not isinstance(self._app.screen, ActionsScreen):
            meeting = self.meeting
            room = None if meeting is None else meeting.room
            self._app.push_screen(ActionsScreen(room, self.possible, self.open))

    def open(self, name: ActionName) -> None:
        """Show an action's dialog; one that cannot be done is refused with the reason."""
        known = next(one for one in self.possible() if one.name == name)
        actions = self._dependencies.actions
        if known.refusal is not None or actions is None:
            self._app.notify(f"{known.label}: {known.refusal}", severity="warning", markup=False)
            return
        self._app.push_screen(self._make_dialog(name, actions))

    def _make_dialog(self, name: ActionName, actions: MeetingActions) -> ActionDialog:
        meeting = self.meeting
        room = "" if meeting is None else meeting.room
        dialog = make_room_dialog(name, self._runner, actions, room=room, view=self._newest_view())
        if dialog is not None:
            return dialog
        assert meeting is not None, "only what needs no meeting is offered without one"
        dialogs = MeetingDialogs(
            meeting=meeting, runner=self._runner, actions=actions, project=self._dependencies.project
        )
        return dialogs.make(name)


def _find_key(screen: Screen[Any]) -> str | None:
    """Return the key of the meeting that a screen shows, or that the cursor of its table is on."""
    if isinstance(screen, MeetingScreen):
        return screen.key
    if not isinstance(screen, MeetingsScreen):
        return None
    table = screen.query_one(DataTable)
    if not table.is_valid_row_index(table.cursor_row):
        return None
    return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
