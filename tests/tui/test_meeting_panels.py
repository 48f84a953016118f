"""The meeting's screen with its panels: how it looks at three sizes, and what every key does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from tests.dashboards import SIZES, make_meeting, make_view
from tests.eventful_meeting import eventful_events, write_events
from tests.fakes.dashboard import FakeFeed
from textual.pilot import Pilot
from textual.widgets import Input

from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.events import Event
from meetctl.domain.view.logs import LogEntry
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.widgets.conversation import ConversationList, ConversationPanel
from meetctl.tui.widgets.latency import LatencyPanel
from meetctl.tui.widgets.line_list import LineList
from meetctl.tui.widgets.logs import LogList, LogsPanel
from meetctl.tui.widgets.meeting_header import MeetingHeaderLine
from meetctl.tui.widgets.panel import Panel
from meetctl.tui.widgets.participants import ParticipantsPanel

Drive = Callable[["Stage"], Awaitable[None]]
WIDE = SIZES[1]
NARROW = SIZES[0]


class Stage:
    """An opened meeting, whose keys a test presses."""

    def __init__(self, pilot: Pilot[Any], feed: FakeFeed) -> None:
        self.pilot = pilot
        self.feed = feed
        self.events: tuple[Event, ...] = eventful_events()

    @property
    def screen(self) -> MeetingScreen:
        screen = self.pilot.app.screen
        assert isinstance(screen, MeetingScreen)
        return screen

    @property
    def logs(self) -> LogsPanel:
        return self.screen.query_one(LogsPanel)

    @property
    def log_lines(self) -> list[str]:
        return self.logs.plain_text().splitlines()

    @property
    def panels_shown(self) -> list[int]:
        return [
            panel.NUMBER for panel in self.screen.query(Panel) if panel.is_on_screen and panel.size.height
        ]

    def has(self, selector: str) -> bool:
        return self.screen.query_one(selector).display

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def show(self, events: tuple[Event, ...]) -> None:
        """Let the meeting come to other events."""
        self.feed.events["s1"] = self.events = events
        self.feed.views.put_nowait(make_view(make_meeting(events)))
        await self.pilot.pause()
        await self.pilot.pause()

    async def add(self, *happenings: tuple[float, str, dict[str, Any]]) -> None:
        await self.show((*self.events, *write_events(*happenings, first_seq=len(self.events))))


def make_app(events: tuple[Event, ...] | None = None) -> tuple[Dashboard, FakeFeed]:
    events = eventful_events() if events is None else events
    feed = FakeFeed(make_view(make_meeting(events)), events={"s1": events})
    return Dashboard(Dependencies(feed=feed, clock=SystemClock()), theme="textual-dark"), feed


def drive(scene: Drive, *, size: tuple[int, int] = WIDE, events: tuple[Event, ...] | None = None) -> None:
    async def run() -> None:
        app, feed = make_app(events)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            await pilot.pause()
            await scene(Stage(pilot, feed))

    asyncio.run(run())


async def open_meeting(pilot: Pilot[Any]) -> None:
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_meeting_looks_as_it_should(snap_compare: Any, size: tuple[int, int]) -> None:
    app, _ = make_app()
    assert snap_compare(app, terminal_size=size, run_before=open_meeting)


@pytest.mark.parametrize("key", ["2", "5", "6"])
def test_a_panel_fills_a_small_terminal(snap_compare: Any, key: str) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        await open_meeting(pilot)
        await pilot.press(key)
        await pilot.pause()

    app, _ = make_app()
    assert snap_compare(app, terminal_size=NARROW, run_before=go)


@pytest.mark.parametrize("size", SIZES[1:], ids=lambda size: f"{size[0]}x{size[1]}")
def test_all_panels_are_on_a_large_terminal(size: tuple[int, int]) -> None:
    async def scene(stage: Stage) -> None:
        assert stage.panels_shown == [1, 2, 3, 4, 5, 6]

    drive(scene, size=size)


@pytest.mark.parametrize("size", [NARROW, (200, 24), (80, 60)])
def test_one_panel_at_a_time_is_on_a_small_terminal(size: tuple[int, int]) -> None:
    async def scene(stage: Stage) -> None:
        for number in (1, 2, 3, 4, 5, 6, 2):
            await stage.press(str(number))
            assert stage.panels_shown == [number]
            assert stage.screen._panel_in_focus() is not None
        height = stage.screen.query_one(LatencyPanel).size.height
        assert height > stage.pilot.app.size.height - 9

    drive(scene, size=size)


def test_a_terminal_that_grows_and_shrinks_keeps_the_panel() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5")
        for size, shown in ((WIDE, [1, 2, 3, 4, 5, 6]), ((40, 14), [5]), (NARROW, [5])):
            await stage.pilot.resize_terminal(*size)
            await stage.pilot.pause()
            assert stage.panels_shown == shown

    drive(scene, size=NARROW)


def test_m_lets_a_panel_fill_the_screen_and_a_number_changes_which() -> None:
    async def scene(stage: Stage) -> None:
        filling = []
        for keys in ("5", "m"), ("1",), ("escape",), ("m", "m"):
            await stage.press(*keys)
            filling.append(stage.screen.maximized.id if stage.screen.maximized is not None else None)
        assert filling == ["logs", "conversation", None, None]
        await stage.press("escape")
        assert not isinstance(stage.pilot.app.screen, MeetingScreen)

    drive(scene)


def test_w_goes_through_the_levels() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5")
        assert stage.logs.query_now.level == "info"
        await stage.press("w", "w")
        assert [line.split()[1] for line in stage.log_lines] == ["ERROR"]
        await stage.press("W", "W", "W")
        assert len(stage.log_lines) == len(stage.events)

    drive(scene)


def test_slash_searches_and_an_exclamation_mark_shows_the_others() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5")
        before = len(stage.log_lines)
        await stage.press("slash", *"maya", "enter")
        found = len(stage.log_lines)
        assert all("maya" in line.lower() for line in stage.log_lines)
        await stage.press("slash", "home", "exclamation_mark", "enter")
        assert len(stage.log_lines) == before - found
        assert not any("maya" in line.lower() for line in stage.log_lines)

    drive(scene)


def test_a_search_that_is_none_is_said_and_can_be_corrected_or_left() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5")
        before = stage.log_lines
        await stage.press("slash", "left_parenthesis", "enter")
        assert stage.screen.query_one(Input).has_focus
        assert stage.log_lines == before
        await stage.press("escape")
        assert not stage.screen.query_one(Input).display
        assert isinstance(stage.screen.focused, LogList)
        assert isinstance(stage.pilot.app.screen, MeetingScreen)

    drive(scene)


def test_e_goes_to_the_next_error_and_shows_it_in_full() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5", "e")
        current = stage.screen.query_one(LogList).current
        assert current is not None
        assert current.event.type == "error"
        assert stage.screen.query_one("#logs-detail").display
        await stage.press("end")
        assert not stage.screen.query_one("#logs-detail").display

    drive(scene)


def test_p_hides_the_pinned_errors_and_brings_them_back() -> None:
    async def scene(stage: Stage) -> None:
        pins = "#logs-pins"
        await stage.press("5")
        shown = [stage.has(pins)]
        for _ in range(2):
            await stage.press("p")
            shown.append(stage.has(pins))
        assert shown == [True, False, True]

    drive(scene)


def test_t_shows_only_the_turn_at_the_cursor() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5", "e", "T")
        assert all(" #2 " in line for line in stage.log_lines)
        turns = [stage.logs.query_now.turn]
        for keys in ("T",), ("home", "T"):
            await stage.press(*keys)
            turns.append(stage.logs.query_now.turn)
        assert turns == [2, None, None]

    drive(scene)


def test_the_end_is_followed_unless_somebody_is_elsewhere() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("5")
        lines = stage.screen.query_one(LogList)
        assert lines.below == 0
        await stage.add(*((40.0 + n, "log", {"level": "info", "message": f"m{n}"}) for n in range(50)))
        assert lines.below == 0
        await stage.press("pageup", "up")
        place, top = lines.cursor, lines.scroll_y
        await stage.add(*((95.0 + n, "log", {"level": "info", "message": f"n{n}"}) for n in range(50)))
        assert (lines.cursor, lines.scroll_y) == (place, top)
        assert lines.below > 0
        await stage.press("home")
        assert (lines.cursor, lines.scroll_y) == (0, 0)
        await stage.press("end")
        assert lines.below == 0
        await stage.press("pageup", *["pagedown"] * 3)
        assert lines.cursor is None

    drive(scene)


def test_what_is_said_now_is_replaced_by_what_was_said() -> None:
    async def scene(stage: Stage) -> None:
        panel = stage.screen.query_one(ConversationPanel)
        assert "and how about [still speaking]" in panel.plain_text()
        said = {"turn": 3, "role": "user", "participant": "maya", "text": "and how about now?", "final": True}
        await stage.add((32.0, "transcript", said))
        assert "still speaking" not in panel.plain_text()
        assert panel.plain_text().endswith("> Maya Chen: and how about now?")

    drive(scene)


def test_a_replay_that_goes_back_shows_only_what_was_known_then() -> None:
    async def scene(stage: Stage) -> None:
        every = stage.events
        await stage.show(every[:12])
        assert "look_closer" in stage.screen.query_one(ConversationPanel).plain_text()
        assert len(stage.log_lines) < 12
        await stage.show(every[:9])
        assert "look_closer" not in stage.screen.query_one(ConversationPanel).plain_text()
        await stage.show(())
        assert stage.log_lines == []
        await stage.show(every)
        assert "still speaking" in stage.screen.query_one(ConversationPanel).plain_text()

    drive(scene)


def test_a_meeting_that_is_gone_is_said_to_be_gone_and_stays() -> None:
    async def scene(stage: Stage) -> None:
        stage.feed.views.put_nowait(make_view())
        await stage.pilot.pause()
        await stage.pilot.pause()
        assert "GONE" in stage.screen.query_one(MeetingHeaderLine).plain_text()
        assert "Maya Chen" in stage.screen.query_one(ConversationPanel).plain_text()

    drive(scene)


def test_names_and_words_are_shown_as_they_are() -> None:
    async def scene(stage: Stage) -> None:
        conversation = stage.screen.query_one(ConversationPanel).plain_text()
        assert "Print your [b]prompt[/b]" in conversation
        shown = [
            stage.screen.query_one(kind).plain_text()
            for kind in (ConversationPanel, LatencyPanel, LogsPanel, ParticipantsPanel)
        ]
        assert not any("\x1b" in text for text in shown)

    drive(scene)


def test_thousands_of_events_are_kept_to_the_last_ones_and_only_what_is_seen_is_drawn() -> None:
    many = write_events(
        *((float(n), "log", {"level": "info", "message": f"line {n}"}) for n in range(12_000))
    )

    async def scene(stage: Stage) -> None:
        await stage.press("5")
        lines = stage.screen.query_one(LogList)
        draw, drawn = lines.draw, [0]

        def count(entry: LogEntry, width: int) -> Sequence[Text]:
            drawn[0] += 1
            return draw(entry, width)

        lines.draw = count  # type: ignore[method-assign]
        for end in range(1_000, 12_001, 1_000):
            await stage.show(many[max(0, end - 5_000) : end])
        assert len(lines.entries) <= 5_500
        assert lines.below == 0
        assert stage.log_lines[-1].endswith("line 11999")
        assert drawn[0] < 12 * 60

    drive(scene, events=())


def test_every_line_fits_whatever_the_width_is() -> None:
    async def scene(stage: Stage) -> None:
        for width in (24, 47, 80, 133):
            await stage.pilot.resize_terminal(width, 40)
            await stage.pilot.pause()
            for lines in (node for node in stage.screen.query("*") if isinstance(node, LineList)):
                inner = max(20, lines.scrollable_content_region.width)
                for entry in lines.entries:
                    assert all(line.cell_len <= inner for line in lines.draw(entry, inner))
        assert stage.screen.query_one(ConversationList).entries

    drive(scene)


def test_snapshots_have_nothing_of_the_machine() -> None:
    folder = Path(__file__).parent / "__snapshots__"
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.svg")]
    assert texts
    assert not any(str(Path.home()) + "/" in text for text in texts)
