"""The vision and cost panels: their keys, what they say where something is missing, and how they look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import SIZES, make_meeting, make_view, read_recording
from tests.fakes.clock import ManualClock
from tests.fakes.dashboard import FakeFeed
from tests.fakes.frame_pictures import FakePictures
from tests.priced_events import price_events

from meetctl.adapters.price_book import load_price_book
from meetctl.errors import MediaError
from meetctl.services.dashboard.shared_prices import SharedPrices
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.widgets.cost import CostPanel
from meetctl.tui.widgets.frame_screen import FrameScreen
from meetctl.tui.widgets.vision import VisionPanel

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from meetctl.domain.view.dashboard import Meeting

Drive = Callable[["Pilot[int]", Dashboard], Awaitable[None]]
BUNDLE = Path("somewhere")


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a terminal with all colours, wherever the tests run."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


def make_app(
    pictures: FakePictures | None = None, meeting: Meeting | None = None, *, prices: bool = True
) -> Dashboard:
    shown = meeting or replace(make_meeting(price_events(read_recording("live-demo"))), bundle=BUNDLE)
    return Dashboard(
        Dependencies(
            feed=FakeFeed(make_view(shown)),
            clock=ManualClock(),
            pictures=pictures,
            prices=SharedPrices(lambda: load_price_book([])) if prices else None,
        ),
        theme="textual-dark",
    )


async def open_panel(pilot: Pilot[int], number: int) -> None:
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press(str(number))
    await settle(pilot)


async def settle(pilot: Pilot[int]) -> None:
    """Wait until what was asked for is read, and drawn."""
    await pilot.pause()
    while any(
        worker.group in ("pictures", "prices") and not worker.is_finished for worker in pilot.app.workers
    ):
        await pilot.pause()
    await pilot.pause()


def drive(app: Dashboard, number: int, steps: Drive, *, size: tuple[int, int] = (120, 40)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await open_panel(pilot, number)
            await steps(pilot, app)

    asyncio.run(run())


def shown(app: Dashboard) -> str:
    return app.export_screenshot(simplify=True).replace("&#160;", " ")


def test_arrows_choose_a_frame_and_the_end_follows_again() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        assert "following" in shown(app)
        await pilot.press("left", "left", "left")
        await settle(pilot)
        assert "frame-000061" in shown(app)
        assert "following" not in shown(app)
        await pilot.press(*["right"] * 4)
        await settle(pilot)
        assert "frame-000064" in shown(app)
        assert "following" in shown(app)

    drive(make_app(FakePictures()), 3, steps)


def test_enter_shows_a_frame_large_and_what_was_chosen_there_stays_chosen() -> None:
    pictures = FakePictures()

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        small = max(side for _, side in pictures.asked)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, FrameScreen)
        assert max(side for _, side in pictures.asked) > 2 * small
        await pilot.press("left", "left", "left")
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen.query(VisionPanel)
        assert "frame-000061" in shown(app)

    drive(make_app(pictures), 3, steps)


def test_a_picture_that_is_no_longer_wanted_is_not_read() -> None:
    pictures = FakePictures(gate=asyncio.Event())

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        assert pictures.gate is not None
        await pilot.press("left")
        await pilot.pause()
        pictures.gate.set()
        await settle(pilot)
        assert pictures.cancelled == ["frame-000064"]
        assert "reading the recording" not in shown(app)

    async def run() -> None:
        async with make_app(pictures).run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("3")
            await pilot.pause()
            assert isinstance(pilot.app, Dashboard)
            await steps(pilot, pilot.app)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("pictures", "bundle", "words"),
    [
        (FakePictures(), None, "on this machine"),
        (FakePictures(missing=["frame-000064"]), BUNDLE, "not in the"),
        (FakePictures(error=MediaError("broken\x1b[31m file")), BUNDLE, r"broken\x1b[31m"),
    ],
)
def test_where_there_is_no_picture_the_panel_says_why(
    pictures: FakePictures, bundle: Path | None, words: str
) -> None:
    meeting = replace(make_meeting(read_recording("live-demo")), bundle=bundle)

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("m")
        await settle(pilot)
        assert words in shown(app)

    drive(make_app(pictures, meeting), 3, steps)


def test_panels_give_their_text_for_copying() -> None:
    async def steps(_: Pilot[int], app: Dashboard) -> None:
        assert "frame-000061" in app.screen.query_one(VisionPanel).plain_text()
        assert "an hour would cost" in app.screen.query_one(CostPanel).plain_text()

    drive(make_app(FakePictures()), 4, steps)


def test_without_prices_the_cost_panel_says_so() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("m")
        await settle(pilot)
        assert "no prices to project with" in shown(app)

    drive(make_app(prices=False), 4, steps)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("number", "keys"), [(3, ("left",) * 3), (4, ())])
def test_a_panel_that_fills_the_screen(
    size: tuple[int, int],
    number: int,
    keys: tuple[str, ...],
    snap_compare: Callable[..., bool],
) -> None:
    async def run_before(pilot: Pilot[int]) -> None:
        await open_panel(pilot, number)
        await pilot.press(*keys, "m")
        await settle(pilot)

    assert snap_compare(make_app(FakePictures()), terminal_size=size, run_before=run_before)


def test_a_picture_in_a_terminal_of_few_colours(
    monkeypatch: pytest.MonkeyPatch, snap_compare: Callable[..., bool]
) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM")

    async def run_before(pilot: Pilot[int]) -> None:
        await open_panel(pilot, 3)
        await pilot.press("left", "left", "left", "enter")
        await settle(pilot)

    assert snap_compare(make_app(FakePictures()), terminal_size=(80, 24), run_before=run_before)
