"""Which screen the dashboard begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.tui.screens.compare import SessionsScreen
from meetctl.tui.screens.meetings import MeetingsScreen
from meetctl.tui.screens.replay import ReplayScreen

if TYPE_CHECKING:
    from textual.screen import Screen

    from meetctl.tui.dependencies import Dependencies


def first_screen(dependencies: Dependencies) -> Screen[None]:
    """Return all meetings that go on, the recorded session that is replayed, or two side by side."""
    if dependencies.player is None:
        return MeetingsScreen(is_read_only=dependencies.is_read_only)
    if len(dependencies.player.keys) > 1:
        return SessionsScreen(dependencies.player, dependencies)
    return ReplayScreen(dependencies.player, dependencies)
