"""The dashboard from end to end: a view comes in, a meeting is opened, errors end it."""

from __future__ import annotations

import asyncio

from tests.dashboards import make_meeting, make_view, read_recording
from tests.fakes.dashboard import FakeFeed
from textual.pilot import Pilot
from textual.widgets import DataTable

from meetctl.adapters.system_clock import SystemClock
from meetctl.errors import ExitCode, ServiceError
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.meeting import MeetingScreen


def make_dashboard(feed: FakeFeed) -> Dashboard:
    return Dashboard(Dependencies(feed=feed, clock=SystemClock()))


def test_a_meeting_is_listed_and_opened() -> None:
    feed = FakeFeed(make_view(make_meeting(read_recording("live-demo"))))
    app = make_dashboard(feed)

    async def drive() -> None:
        async with app.run_test() as pilot:
            await pilot.pause()
            assert app.screen.query_one(DataTable).row_count == 1
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, MeetingScreen)
            await _back(pilot)

    async def _back(pilot: Pilot[int]) -> None:
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, MeetingScreen)

    asyncio.run(drive())


def test_a_feed_that_fails_ends_the_dashboard_with_its_exit_code() -> None:
    feed = FakeFeed()
    feed.views.put_nowait(ServiceError("the server has gone"))
    app = make_dashboard(feed)

    async def drive() -> None:
        async with app.run_test() as pilot:
            await pilot.pause()

    asyncio.run(drive())
    assert app.return_code == ExitCode.SERVICE
