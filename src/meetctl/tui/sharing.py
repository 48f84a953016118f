"""What screens and panels can be asked for by the app, whatever they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView


@runtime_checkable
class ShowsViews(Protocol):
    """A screen that is handed each newer view while it is on top."""

    def show_view(self, view: DashboardView) -> None:
        """Show the view."""


@runtime_checkable
class GivesText(Protocol):
    """A widget or screen whose text can be copied."""

    def plain_text(self) -> str:
        """Return what it says, as lines without frames, colours and cuts."""


@runtime_checkable
class GivesTable(Protocol):
    """A widget or screen whose table can be exported."""

    def table_rows(self) -> list[list[str]]:
        """Return the headings, then the cells of each row that is shown."""
