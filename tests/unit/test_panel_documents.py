"""Every panel's headless twin."""

from __future__ import annotations

import json

import pytest
from tests.dashboards import make_meeting, make_view, read_recording
from tests.eventful_meeting import eventful_events

from meetctl.domain.events import Event
from meetctl.reports.panels import PANEL_DOCUMENTS


@pytest.mark.parametrize("name", PANEL_DOCUMENTS)
@pytest.mark.parametrize("events", [eventful_events(), read_recording("live-demo"), ()], ids=len)
def test_every_panel_is_a_document_of_its_schema(name: str, events: tuple[Event, ...]) -> None:
    meeting = make_meeting(events)
    document = PANEL_DOCUMENTS[name](meeting, make_view(meeting), events)
    assert document["schema"] == f"meetctl.panel.{name}/1"
    assert json.loads(json.dumps(document, allow_nan=False)) == document
