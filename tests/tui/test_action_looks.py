"""How the menu of actions and their dialogs look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.dashboards import SIZES, make_meeting
from tests.fakes.clock import ManualClock
from tests.fakes.dashboard import FakeActions
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import meetctl.tui
from meetctl.domain.view.possible_actions import list_actions
from meetctl.tui.action_dialogs import MeetingDialogs
from meetctl.tui.action_runner import ActionRunner
from meetctl.tui.screens.action_dialog import ActionDialog
from meetctl.tui.screens.actions import ActionsScreen

if TYPE_CHECKING:
    from meetctl.domain.view.possible_actions import ActionName

from tests.operator_desk import RUNNING, project, type_text


class Alone(App[None]):
    """Nothing but a dialog, so that its picture changes only when it does."""

    CSS_PATH = Path(meetctl.tui.__file__).parent / "meetctl.tcss"

    def __init__(self, dialog: Screen[None]) -> None:
        super().__init__()
        self._dialog = dialog

    def on_mount(self) -> None:
        self.push_screen(self._dialog)


@pytest.mark.parametrize("size", SIZES)
def test_the_menu_looks_good_in_every_terminal(size: tuple[int, int], snap_compare: Any) -> None:
    foreign = replace(make_meeting(RUNNING), channel="session", session_id=None)
    menu = ActionsScreen("demo", lambda: list_actions(foreign), lambda _: None)
    assert snap_compare(Alone(menu), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_the_dialog_of_a_policy_looks_good_in_every_terminal(
    size: tuple[int, int], snap_compare: Any
) -> None:
    app = Alone(open_dialog("policy"))

    async def drive(pilot: Pilot[None]) -> None:
        await type_text(pilot, "#fps", "0.5")
        for typed in pilot.app.screen.query(Input):
            typed.cursor_blink = False

    assert snap_compare(app, terminal_size=size, run_before=drive)


def test_the_dialog_of_an_end_looks_good(snap_compare: Any) -> None:
    assert snap_compare(Alone(open_dialog("close")), terminal_size=SIZES[0])


def open_dialog(name: ActionName) -> ActionDialog:
    """Return an action's dialog, of which nothing is ever begun."""
    dialogs = MeetingDialogs(
        meeting=make_meeting(RUNNING),
        runner=ActionRunner(App(), ManualClock(), lambda: None),
        actions=FakeActions(),
        project=project,
    )
    return dialogs.make(name)
