"""What surrounds every screen: help, palette, themes, copying, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import make_meeting, make_view, read_recording
from tests.fakes.clock import ManualClock
from tests.fakes.dashboard import FakeFeed
from textual.command import CommandList
from textual.widgets import Static

from meetctl.errors import ExitCode, ServiceError
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.help import HelpScreen
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.meetings import MeetingsScreen
from meetctl.tui.themes import CYCLE, first_theme
from meetctl.tui.widgets.totals_strip import TotalsStrip

if TYPE_CHECKING:
    from textual.pilot import Pilot

PICTURES_OWN = "c5c8c6"
"""The colour that Rich's pictures have where a terminal would show its own."""

Drive = Callable[["Pilot[int]"], Awaitable[None]]


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed(make_view(make_meeting(read_recording("live-demo"))))


def make_dashboard(feed: FakeFeed, *, is_read_only: bool = False) -> Dashboard:
    dependencies = Dependencies(feed=feed, clock=ManualClock(), is_read_only=is_read_only)
    return Dashboard(dependencies, theme="textual-dark")


def drive(app: Dashboard, steps: Drive) -> None:
    async def run() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            await steps(pilot)

    asyncio.run(run())


def test_help_lists_the_keys_of_the_screen_below(feed: FakeFeed) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        tables = [static.content for static in app.screen.query("#help Static").results(Static)]
        titles = [getattr(table, "title", None) for table in tables]
        assert titles[:3] == ["Meetings", "Everywhere", "Moving"]
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, MeetingsScreen)

    drive(app, steps)


def test_help_looks_as_it_did(feed: FakeFeed, snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(make_dashboard(feed), press=["question_mark"], terminal_size=(80, 24))


@pytest.mark.parametrize(
    ("typed", "words", "kind"),
    [("open", "Open the meeting demo", MeetingScreen), ("help", "Help", HelpScreen)],
)
def test_palette_does_what_keys_do_and_goes_to_meetings(
    feed: FakeFeed, typed: str, words: str, kind: type
) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+p")
        await pilot.pause()
        offered = app.screen.query_one(CommandList)
        await pilot.press(*typed)
        async with asyncio.timeout(30):
            while not (offered.option_count and words in str(offered.get_option_at_index(0).prompt)):
                await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, kind)

    drive(app, steps)


def test_t_goes_through_the_themes(feed: FakeFeed) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("t")
        assert app.theme == CYCLE[1]
        for _ in CYCLE[1:]:
            await pilot.press("t")
        assert app.theme == CYCLE[0]

    drive(app, steps)


@pytest.mark.parametrize(
    ("colours", "theme"), [("truecolor", "textual-dark"), ("256", "textual-dark"), ("standard", "ansi-dark")]
)
def test_few_colours_are_the_terminals_own(colours: str, theme: str) -> None:
    assert first_theme(colours) == theme


def test_no_colour_shows_none(feed: FakeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_dashboard(feed)

    async def steps(_: Pilot[int]) -> None:
        picture = app.export_screenshot().replace(PICTURES_OWN, "000000")
        colours = {match[:6] for match in picture.split("fill: #")[1:]}
        assert len(colours) > 1
        assert all(colour[:2] == colour[2:4] == colour[4:] for colour in colours)

    drive(app, steps)


def test_c_copies_what_the_panel_in_focus_says(feed: FakeFeed) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("enter", "4")
        await pilot.pause()
        await pilot.press("c")
        assert isinstance(app.screen, MeetingScreen)
        panel = app.screen.focused
        assert panel is not None
        assert panel.id == "cost"
        assert app.clipboard
        assert app.clipboard == panel.plain_text()  # type: ignore[attr-defined]

    drive(app, steps)


def test_read_only_is_said_on_every_screen(feed: FakeFeed) -> None:
    app = make_dashboard(feed, is_read_only=True)

    async def steps(pilot: Pilot[int]) -> None:
        assert "read-only" in str(app.screen.query_one(TotalsStrip).content)
        await pilot.press("enter")
        await pilot.pause()
        assert "read-only" in str(app.screen.query_one(TotalsStrip).content)

    drive(app, steps)


@pytest.mark.parametrize(("key", "code"), [("q", ExitCode.DONE), ("ctrl+c", ExitCode.INTERRUPTED)])
def test_keys_that_end_it(feed: FakeFeed, key: str, code: ExitCode) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press(key)

    drive(app, steps)
    assert app.return_code == code


def test_a_feeds_failure_is_kept_for_the_command(feed: FakeFeed) -> None:
    error = ServiceError("the server has gone")
    feed.views.put_nowait(ExceptionGroup("tasks", [error]))
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.pause()

    drive(app, steps)
    assert app.failure is error
    assert app.return_code == ExitCode.SERVICE


def test_a_defect_of_a_screen_is_kept_and_nothing_of_it_is_printed(
    feed: FakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_dashboard(feed)

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "action_next_theme", fail)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("t")

    with pytest.raises(ZeroDivisionError):
        drive(app, steps)
    assert isinstance(app.failure, ZeroDivisionError)
    assert app.return_code == ExitCode.FAILED
    assert not app._exit_renderables


def test_reading_again_asks_the_feed_anew(feed: FakeFeed) -> None:
    app = make_dashboard(feed)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+r")
        feed.views.put_nowait(make_view())
        await pilot.pause()
        await pilot.pause()
        assert app.view is not None
        assert app.view.meetings == ()

    drive(app, steps)
