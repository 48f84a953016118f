"""Which screen the dashboard begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.tui.screens.meetings import MeetingsScreen
from meetctl.tui.screens.replay import ReplayScreen

if TYPE_CHECKING:
    from textual.screen import Screen

    from meetctl.tui.dependencies import Dependencies


def first_screen(dependencies: Dependencies) -> Screen[None]:
    """Return all meetings that go on, or the recorded session that is replayed."""
    if dependencies.player is None:
        return MeetingsScreen()
    return ReplayScreen(dependencies.player, dependencies)
