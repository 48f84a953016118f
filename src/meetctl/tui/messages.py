"""What is told inside the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView


class ViewChanged(Message):
    """There is a newer view; of several that wait only the newest is shown."""

    def __init__(self, view: DashboardView) -> None:
        super().__init__()
        self.view = view

    def can_replace(self, message: Message) -> bool:
        """Take the place of an older view that was not shown yet."""
        return isinstance(message, ViewChanged)


class MeetingChosen(Message):
    """Somebody wants to see one meeting."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class ViewWanted(Message):
    """A screen has come to the top, and has not been shown the newest view."""
