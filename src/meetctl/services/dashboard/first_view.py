"""The first complete view of a feed, for those who want no more than one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.ports import DashboardFeed

PATIENCE_S = 3.0
"""So long a source may take; then the view is taken as it is, and says which has not answered."""

_CALM = 200
"""Fewer new events than this between two views: the journals have been read up to now."""


async def read_first_view(feed: DashboardFeed, *, patience_s: float = PATIENCE_S) -> DashboardView:
    """Return the first view in which every source has answered and every journal is read up to now.

    Raises:
        MeetctlError: The feed ended, or gave nothing, before it showed anything.
    """
    latest: DashboardView | None = None
    try:
        async with asyncio.timeout(patience_s) as limit:
            async for view in feed.watch():
                before, latest = latest, view
                if before is not None and _is_complete(before, latest):
                    # To leave the loop would leave the feed's tasks running; this ends them where they wait.
                    limit.reschedule(0)
    except TimeoutError:
        # Not an error: it is complete, or says of each source when it last answered.
        pass
    if latest is None:
        raise MeetctlError("nothing is known of any meeting yet", hint="run it again in a moment")
    return latest


def _is_complete(before: DashboardView, view: DashboardView) -> bool:
    has_answers = all(source.seen_at is not None or source.error for source in view.sources)
    has_begun = all(
        meeting.state.events or meeting.problem or meeting.channel == "room" for meeting in view.meetings
    )
    same = len(before.meetings) == len(view.meetings)
    return has_answers and has_begun and same and _count_events(view) - _count_events(before) < _CALM


def _count_events(view: DashboardView) -> int:
    return sum(meeting.state.events for meeting in view.meetings)
