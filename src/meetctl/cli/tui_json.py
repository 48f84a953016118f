"""`meetctl tui --json`: what the dashboard would show, as one document."""

from __future__ import annotations

import sys
from collections.abc import Collection
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


def print_panel(feed: DashboardFeed, panel: str, *, rooms: Collection[str]) -> None:
    """Print a panel, and end with 5 where a source did not answer or something has no price.

    Raises:
        UsageError: There is no such panel, or it is not said of which of several meetings.
        NotFoundError: No meeting is in that room.
    """
    names = (MEETINGS, *PANEL_DOCUMENTS)
    if panel not in names:
        raise UsageError(f"--panel: there is no {panel!r}", hint=f"the panels are {', '.join(names)}")
    view = read_view(feed)
    print_json(_document(feed, view, panel, rooms))
    totals = add_up(view)
    if not (totals.is_live and totals.is_complete):
        sys.exit(ExitCode.PARTIAL)


def _document(feed: DashboardFeed, view: DashboardView, panel: str, rooms: Collection[str]) -> dict[str, Any]:
    if panel == MEETINGS:
        return document_meetings(view)
    meeting = _choose(view, rooms)
    return PANEL_DOCUMENTS[panel](meeting, view, feed.recent_events(meeting.key))


def _choose(view: DashboardView, rooms: Collection[str]) -> Meeting:
    known = {meeting.room: meeting for meeting in view.meetings if not rooms or meeting.room in rooms}
    if len(known) == 1:
        # Of several sessions in one room the one that became known last is meant.
        return next(iter(known.values()))
    if known:
        names = ", ".join(known)
        raise UsageError(f"{len(known)} meetings run: --room must say which", hint=f"they are in {names}")
    if not rooms:
        raise NotFoundError("no meeting runs here", hint="`meetctl join ROOM` sends the agent into one")
    name = next(iter(rooms))
    close = find_close_names(name, {meeting.room for meeting in view.meetings})
    raise NotFoundError(
        f"no meeting is in {name!r}", hint=f"did you mean {', '.join(close)}?" if close else None
    )
