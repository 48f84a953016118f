"""Every panel of the dashboard as a document: its headless twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meetctl.domain.view.conversation import view_conversation
from meetctl.domain.view.costs import view_costs
from meetctl.domain.view.latency import view_latency
from meetctl.domain.view.logs import LogQuery, read_entries
from meetctl.domain.view.participants import view_participants
from meetctl.domain.view.vision import view_vision
from meetctl.reports import panel_conversation, panel_cost, panel_latency, panel_logs, panel_participants
from meetctl.reports.panel_vision import document_vision

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.view.dashboard import Meeting

PanelDocument = Callable[["Meeting", Sequence["Event"]], dict[str, Any]]


def _logs(_: Meeting, events: Sequence[Event]) -> dict[str, Any]:
    return panel_logs.document(read_entries(events), LogQuery().with_level("debug"))


PANEL_DOCUMENTS: Mapping[str, PanelDocument] = {
    "conversation": lambda one, events: panel_conversation.document(view_conversation(one.state, events)),
    "latency": lambda one, _: panel_latency.document(view_latency(one.state)),
    "vision": lambda one, _: document_vision(view_vision(one.state)),
    "cost": lambda one, _: panel_cost.document_costs(view_costs(one.state)),
    "logs": _logs,
    "participants": lambda one, _: panel_participants.document(view_participants(one)),
}
"""What there is of one meeting, of it and its last events, by the panel's name."""

MEETINGS = "meetings"
"""The one that is of all meetings (reports.panel_meetings)."""
