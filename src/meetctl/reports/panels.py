"""Every panel of the dashboard as a document: its headless twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meetctl.domain.view.conversation import view_conversation
from meetctl.domain.view.costs import view_costs
from meetctl.domain.view.latency import view_latency
from meetctl.domain.view.logs import LogQuery, read_entries
from meetctl.domain.view.meeting_header import view_header
from meetctl.domain.view.participants import view_participants
from meetctl.domain.view.vision import view_vision
from meetctl.reports import (
    panel_conversation,
    panel_cost,
    panel_header,
    panel_latency,
    panel_logs,
    panel_participants,
    panel_vision,
)

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.view.dashboard import DashboardView, Meeting

PanelDocument = Callable[["Meeting", "DashboardView", Sequence["Event"]], dict[str, Any]]
"""What a meeting is in a view, and its last events, as a document."""

PANEL_DOCUMENTS: Mapping[str, PanelDocument] = {
    "header": lambda meeting, view, _: panel_header.document(view_header(meeting, view)),
    "conversation": lambda meeting, _, events: panel_conversation.document(
        view_conversation(meeting.state, events)
    ),
    "latency": lambda meeting, _view, _events: panel_latency.document(view_latency(meeting.state)),
    "vision": lambda meeting, _view, _events: panel_vision.document_vision(view_vision(meeting.state)),
    "cost": lambda meeting, _view, _events: panel_cost.document_costs(view_costs(meeting.state)),
    "logs": lambda _meeting, _view, events: panel_logs.document(
        read_entries(events), LogQuery().with_level("debug")
    ),
    "participants": lambda meeting, _view, _events: panel_participants.document(view_participants(meeting)),
}
"""What there is of one meeting, by the panel's name; each has its schema, meetctl.panel.NAME/1."""

MEETINGS = "meetings"
"""The one that is of all meetings (reports.panel_meetings)."""
