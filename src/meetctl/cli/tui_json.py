"""`meetctl tui --json`: what the dashboard would show, as one document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from meetctl.bootstrap.dashboard import read_view
from meetctl.cli.output import print_json
from meetctl.domain.rooms import find_close_names
from meetctl.domain.view.totals import add_up
from meetctl.errors import ExitCode, NotFoundError, UsageError
from meetctl.reports.panel_meetings import document_meetings
from meetctl.reports.panels import MEETINGS, PANEL_DOCUMENTS

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.ports import DashboardFeed


def print_panel(feed: DashboardFeed, panel: str, *, room: str | None) -> None:
    """Print a panel, and end with 5 where a source did not answer or something has no price.

    Raises:
        UsageError: There is no such panel, or it is not said of which of several meetings.
        NotFoundError: No meeting is in that room.
    """
    names = (MEETINGS, *PANEL_DOCUMENTS)
    if panel not in names:
        raise UsageError(f"--panel: there is no {panel!r}", hint=f"the panels are {', '.join(names)}")
    view = read_view(feed)
    print_json(_document(view, panel, room))
    totals = add_up(view)
    if not (totals.is_live and totals.is_complete):
        sys.exit(ExitCode.PARTIAL)


def _document(view: DashboardView, panel: str, room: str | None) -> dict[str, Any]:
    if panel == MEETINGS:
        return document_meetings(view)
    return PANEL_DOCUMENTS[panel](_choose(view, room), view)


def _choose(view: DashboardView, room: str | None) -> Meeting:
    rooms = [meeting.room for meeting in view.meetings]
    found = [meeting for meeting in view.meetings if room in (None, meeting.room)]
    if not found:
        close = find_close_names(room or "", rooms)
        hint = (
            f"did you mean {', '.join(close)}?" if close else "`meetctl join ROOM` sends the agent into one"
        )
        raise NotFoundError(
            "no meeting runs here" if room is None else f"no meeting is in {room!r}", hint=hint
        )
    if room is None and len(found) > 1:
        raise UsageError(
            f"{len(found)} meetings run: --room must say which", hint=f"they are in {', '.join(rooms)}"
        )
    # Of several sessions in one room the one that began last is meant.
    return found[-1]
