"""The list of meetings: its keys, what it says when there is none, and how it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import NOW, SIZES, make_meeting, make_view, read_recording
from tests.fakes.clock import START, ManualClock
from tests.fakes.dashboard import FakeFeed
from textual.widgets import Footer, Input, Static

from meetctl.domain.events import parse_journal
from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
from meetctl.domain.workers import LocalWorker
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.widgets.meeting_header import MeetingHeaderLine
from meetctl.tui.widgets.meeting_table import MeetingTable

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from meetctl.domain.events import Event

Drive = Callable[["Pilot[int]", Dashboard], Awaitable[None]]


def make_dashboard(*views: DashboardView) -> Dashboard:
    return Dashboard(Dependencies(feed=FakeFeed(*views), clock=ManualClock()), theme="textual-dark")


def drive(app: Dashboard, steps: Drive, *, size: tuple[int, int] = (120, 40)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await steps(pilot, app)

    asyncio.run(run())


def make_spending(
    key: str, room: str, usd: str, *, tenant: str = "acme", errors: int = 0, minutes: int = 20
) -> Meeting:
    """Return a meeting that began some minutes ago, and has just spent something."""
    began = (NOW - timedelta(minutes=minutes)).isoformat()
    head = f'"v":1,"session_id":"{key}","tenant_id":"{tenant}","room":"{room}"'
    t, now = minutes * 60, NOW.isoformat()
    lines = [
        f'"t":0,"ts":"{began}","type":"session.started","agent":"meetctl"',
        f'"t":1,"ts":"{began}","type":"tenant.resolved","tier":"premium"',
        f'"t":2,"ts":"{began}","type":"participant.joined","participant":"maya","kind":"standard"',
        f'"t":3,"ts":"{began}","type":"agent.state","old":"thinking","new":"speaking"',
        *[f'"t":4,"ts":"{began}","type":"error","component":"tts","message":"no"'] * errors,
        f'"t":{t - 5},"ts":"{now}","type":"turn.ended","turn":1,"latency":{{"total_s":0.84}}',
        f'"t":{t},"ts":"{now}","type":"llm.request","request":"r","provider":"openai","model":"gpt-4.1",'
        f'"input_tokens":900,"usd":"{usd}","basis":"reported"',
        f'"t":{t},"ts":"{now}","type":"budget.step","budget":"meeting","step":"detail=low",'
        f'"spent_usd":"{usd}","limit_usd":"0.50","level":1,"levels":4',
    ]
    text = "\n".join(f'{{{head},"seq":{seq},{line}}}' for seq, line in enumerate(lines)) + "\n"
    events: list[Event] = [event for event in parse_journal(text.encode()) if event is not None]
    return make_meeting(tuple(events), key=key, room=room)


def make_full_view() -> DashboardView:
    """Return meetings of every kind, and a source that has gone."""
    ended = make_meeting(read_recording("live-demo"), key="s4", room="demo")
    meetings = (
        make_spending("s1", "standup", "0.42"),
        make_spending("s2", "quarterly-review-with-a-name-that-goes-on-and-on", "0.0042", errors=3),
        replace(make_spending("s3", "retro", "0.55", tenant="globex"), is_stale=True),
        ended,
        Meeting(key="s5", room="[red]not markup[/]\x1b[31m", channel="room"),
    )
    workers = (LocalWorker(worker_id="1", agent_name="a", url="u", pid=1, max_meetings=8, meetings=3),)
    sources = (
        SourceHealth(name="journals", seen_at=NOW),
        SourceHealth(name="livekit", seen_at=NOW - timedelta(minutes=2), error="connection refused"),
    )
    return replace(make_view(*meetings), workers=workers, sources=sources)


def rooms(app: Dashboard) -> list[str]:
    table = app.screen.query_one(MeetingTable)
    return [str(table.get_cell(row.key, "room")) for row in table.ordered_rows]


@pytest.mark.parametrize("size", SIZES)
def test_list_looks_as_it_did(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap_compare(make_dashboard(make_full_view()), terminal_size=size)


def test_nobody_there_says_what_to_do() -> None:
    async def steps(_: Pilot[int], app: Dashboard) -> None:
        nobody = app.screen.query_one("#nobody", Static)
        assert nobody.display
        assert "meetctl join ROOM" in str(nobody.content)

    drive(make_dashboard(make_view()), steps)


def test_a_waiting_dashboard_says_that_it_looks() -> None:
    async def steps(_: Pilot[int], app: Dashboard) -> None:
        assert "Looking" in str(app.screen.query_one("#nobody", Static).content)

    drive(make_dashboard(), steps)


def test_s_sorts_by_the_next_column_and_shift_s_reverses() -> None:
    view = make_view(*(make_spending(room, room, "0.1") for room in ("b", "c", "a")))

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        assert rooms(app) == ["b", "c", "a"]
        await pilot.press("s")
        assert rooms(app) == ["a", "b", "c"]
        await pilot.press("S")
        assert rooms(app) == ["c", "b", "a"]

    drive(make_dashboard(view), steps)


def test_a_click_on_a_heading_sorts_and_the_cursor_stays_on_its_meeting() -> None:
    view = make_view(*(make_spending(room, room, "0.1") for room in ("b", "c", "a")))

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        table = app.screen.query_one(MeetingTable)
        assert table.chosen == "b"
        await pilot.click(MeetingTable, offset=(6, 0))
        await pilot.pause()
        assert rooms(app) == ["a", "b", "c"]
        assert table.chosen == "b"

    drive(make_dashboard(view), steps)


def test_slash_filters_and_an_exclamation_mark_turns_it_round() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("slash", *"retro")
        await pilot.pause()
        assert rooms(app) == ["retro"]
        assert "1 of 5 meetings with /retro/" in str(app.screen.query_one("#list-state", Static).content)
        await pilot.press("home", "exclamation_mark", "enter")
        await pilot.pause()
        assert len(rooms(app)) == 4
        assert app.screen.focused is app.screen.query_one(MeetingTable)
        await pilot.press("escape")
        await pilot.pause()
        assert len(rooms(app)) == 5

    drive(make_dashboard(make_full_view()), steps)


def test_what_is_no_expression_is_said_and_changes_nothing() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("slash", "left_parenthesis")
        await pilot.pause()
        assert "no regular expression" in str(app.screen.query_one("#list-state", Static).content)
        assert len(rooms(app)) == 5

    drive(make_dashboard(make_full_view()), steps)


def test_keys_of_the_shell_are_letters_in_the_filter() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("slash", *"qtcx")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "qtcx"
        assert app.return_code is None

    drive(make_dashboard(make_full_view()), steps)


def test_cells_change_in_place_and_the_cursor_stays() -> None:
    before = make_view(*(make_spending(room, room, "0.10") for room in ("a", "b", "c")))
    after = make_view(*(make_spending(room, room, "0.20") for room in ("b", "c")))
    feed = FakeFeed(before)
    app = Dashboard(Dependencies(feed=feed, clock=ManualClock()))

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("down")
        table = app.screen.query_one(MeetingTable)
        assert table.chosen == "b"
        feed.views.put_nowait(after)
        await pilot.pause()
        await pilot.pause()
        assert (table.row_count, table.chosen) == (2, "b")
        assert str(table.get_cell("b", "usd")) == "$0.20"

    drive(app, steps)


def test_enter_opens_the_meeting_under_the_cursor() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, MeetingScreen)
        assert app.screen.key == "s2"
        assert "quarterly-review" in str(app.screen.query_one(MeetingHeaderLine).content)

    drive(make_dashboard(make_full_view()), steps)


def test_a_narrow_terminal_leaves_columns_out_and_a_wide_one_brings_them_back() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        table = app.screen.query_one(MeetingTable)
        assert "tenant" not in {key.value for key in table.columns}
        await pilot.resize_terminal(200, 60)
        await pilot.pause()
        assert {"tenant", "forecast", "budget"} <= {key.value for key in table.columns}
        assert table.row_count == 5

    drive(make_dashboard(make_full_view()), steps, size=(80, 24))


def test_c_copies_every_column_without_cuts() -> None:
    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("c")
        lines = app.clipboard.split("\n")
        assert len(lines) == 6
        assert "quarterly-review-with-a-name-that-goes-on-and-on" in lines[2]
        assert "\x1b" not in app.clipboard

    drive(make_dashboard(make_full_view()), steps, size=(80, 24))


def test_x_saves_a_table_and_a_picture_and_writes_over_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def steps(pilot: Pilot[int], _: Dashboard) -> None:
        await pilot.press("x", "x")
        await pilot.pause()

    drive(make_dashboard(make_full_view()), steps)
    stem = f"meetctl-{START:%Y%m%dT%H%M%SZ}"
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}{number}.{suffix}" for number in ("", "-2") for suffix in ("csv", "svg")
    }
    assert (tmp_path / f"{stem}.csv").read_text().startswith(",Room,Tenant,")


def test_what_cannot_be_saved_is_said_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    async def steps(pilot: Pilot[int], app: Dashboard) -> None:
        await pilot.press("x")
        await pilot.pause()
        assert any("Not saved" in note.message for note in app._notifications)
        assert app.screen.query(Footer)

    drive(make_dashboard(make_full_view()), steps)
