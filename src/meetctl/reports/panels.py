"""Every panel of the dashboard as a document: its headless twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, Meeting

PanelDocument = Callable[["Meeting", "DashboardView"], dict[str, Any]]

PANEL_DOCUMENTS: Mapping[str, PanelDocument] = {}
"""What there is of one meeting, by the panel's name; each has its schema, meetctl.panel.NAME/1."""

MEETINGS = "meetings"
"""The one that is of all meetings (reports.panel_meetings)."""
