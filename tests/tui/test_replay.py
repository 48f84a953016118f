"""Replaying a recorded session: every key moves the cursor, other policies are tried, two are compared."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import MeetctlRunner
from tests.dashboards import RECORDINGS, SIZES, read_recording
from tests.fakes.clock import ManualClock
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from meetctl import bootstrap
from meetctl.domain.audit import RecordingAudit
from meetctl.domain.events import Event
from meetctl.domain.session_bundle import SessionBundle
from meetctl.errors import ExitCode, MediaError
from meetctl.ports import Progress
from meetctl.services.dashboard.player import Player
from meetctl.services.dashboard.what_if import WhatIf
from meetctl.services.replay import AuditRequest, audit_recording
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.compare import SessionsScreen, TwoPoliciesScreen
from meetctl.tui.screens.go_to import GoToScreen
from meetctl.tui.screens.policies import PoliciesScreen
from meetctl.tui.screens.replay import ReplayScreen
from meetctl.tui.widgets.comparison_table import ComparisonTable
from meetctl.tui.widgets.policy_strip import PolicyStrip
from meetctl.tui.widgets.scrub_bar import ScrubBar

Drive = Callable[[Pilot[int], "Replayed"], Awaitable[None]]


class Replayed:
    """A dashboard over recordings, whose clock only the test moves."""

    def __init__(self, *names: str, what_if: WhatIf | None = None) -> None:
        self.clock = ManualClock()
        bundles = [
            SessionBundle(
                session_id=name, path=RECORDINGS / name, state="ended", journal=Path("events.jsonl")
            )
            for name in names
        ]
        self.player = Player(bundles, read_events, clock=self.clock)
        dependencies = Dependencies(feed=self.player, clock=self.clock, player=self.player, what_if=what_if)
        self.app = Dashboard(dependencies)

    def run(self, drive: Drive, size: tuple[int, int] = (100, 30)) -> None:
        async def run() -> None:
            async with self.app.run_test(size=size) as pilot:
                await until(pilot, lambda: not self.player.head.is_loading)
                await pilot.pause()
                await drive(pilot, self)

        asyncio.run(run())

    @property
    def t(self) -> float:
        return self.player.head.t


def read_events(bundle: SessionBundle) -> Iterator[Event | None]:
    return iter(read_recording(bundle.session_id))


def audit_here(path: Path, request: AuditRequest, progress: Progress) -> RecordingAudit:
    return audit_recording(
        path, request, source=bootstrap.frame_source(), book=bootstrap.price_book(()), progress=progress
    )


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    while not holds():
        await pilot.pause(0.02)


def test_it_begins_at_the_beginning_with_the_bar_in_focus() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        assert isinstance(replayed.app.screen, ReplayScreen)
        assert isinstance(replayed.app.focused, ScrubBar)
        assert replayed.t == 0
        await pilot.press("escape")
        assert isinstance(replayed.app.screen, ReplayScreen), "there is nothing behind it"

    Replayed("code-walkthrough").run(drive)


@pytest.mark.parametrize(
    ("keys", "t"),
    [
        (["right"], 5),
        (["right", "right", "left"], 5),
        (["left"], 0),
        (["end"], 90),
        (["end", "home"], 0),
        (["shift+right"], 60),
        (["shift+right", "shift+left"], 0),
        (["full_stop"], 1),
        (["full_stop", "full_stop", "comma"], 1),
        (["right_square_bracket"], 6.2),
        (["right_square_bracket", "right_square_bracket", "left_square_bracket"], 6.2),
        (["n"], 6.2),
        (["n", "n", "N"], 6.2),
    ],
)
def test_keys_move_the_cursor(keys: list[str], t: float) -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press(*keys)
        assert replayed.t == pytest.approx(t)

    Replayed("code-walkthrough").run(drive)


def test_keys_that_move_the_cursor_work_from_a_panel_and_its_arrows_are_its_own() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press("5", "full_stop")
        assert replayed.t == 1
        await pilot.press("right")
        assert replayed.t == 1
        await pilot.press("0", "right")
        assert replayed.t == 6

    Replayed("code-walkthrough").run(drive)


def test_it_plays_with_the_clock_faster_slower_and_pauses() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press("space")
        replayed.clock.advance(2_000_000)
        await pilot.press("plus", "equals_sign", "minus")
        replayed.clock.advance(2_000_000)
        await pilot.press("space")
        replayed.clock.advance(2_000_000)
        assert replayed.t == 6
        assert not replayed.player.head.is_playing

    Replayed("code-walkthrough").run(drive)


def test_a_time_is_typed_and_what_is_none_is_refused() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press("g", *"0:99", "enter")
        assert isinstance(replayed.app.screen, GoToScreen)
        replayed.app.screen.query_one(Input).value = ""
        await pilot.press(*"1:05", "enter")
        await pilot.pause()
        assert replayed.t == 65
        await pilot.press("g", "escape")
        assert isinstance(replayed.app.screen, ReplayScreen)

    Replayed("code-walkthrough").run(drive)


def test_a_click_on_the_bar_goes_there() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        bar = replayed.app.screen.query_one(ScrubBar)
        await pilot.click(ScrubBar, offset=(1 + bar.content_size.width - 1, 1))
        await pilot.pause()
        assert replayed.t == 90
        await pilot.click(ScrubBar, offset=(1, 1))
        await pilot.pause()
        assert replayed.t == 0

    Replayed("code-walkthrough").run(drive)


@pytest.mark.parametrize("size", [(20, 8), (40, 12), (80, 24), (300, 80)])
def test_the_bar_is_as_wide_as_the_terminal(size: tuple[int, int]) -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press("end")
        bar = replayed.app.screen.query_one(ScrubBar)
        markers, line, words = bar.render().plain.split("\n")
        assert len(line) == len(markers) == bar.content_size.width
        assert line.endswith("█")
        assert markers.count("|") == min(replayed.app.size.width, 8) or size[0] < 80
        assert words.startswith("paused")

    Replayed("code-walkthrough").run(drive, size)


def test_another_policy_is_shown_at_once_and_left_again() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await until(pilot, lambda: what_if.stage == "done")
        strip = replayed.app.screen.query_one(PolicyStrip)
        own = [marker for marker in replayed.player.head.markers if marker.kind == "missed"]
        await pilot.press("end", "v")
        screen = replayed.app.screen
        assert isinstance(screen, PoliciesScreen)
        table = screen.query_one(DataTable)
        assert table.row_count == 10
        table.move_cursor(row=table.get_row_index("0.2 fps, high"))
        await pilot.press("enter")
        await pilot.pause()
        assert strip.display
        assert "0.2 fps, high: 18 of 18 kept; 11 of 19 changes shown, 8 missed" in str(strip.content)
        missed = [marker for marker in replayed.player.head.markers if marker.kind == "missed"]
        assert (len(own), len(missed)) == (4, 8)
        await pilot.press("v", "r")
        await pilot.pause()
        assert not strip.display

    what_if = WhatIf(RECORDINGS / "code-walkthrough", audit_here)
    Replayed("code-walkthrough", what_if=what_if).run(drive)


def test_two_policies_are_shown_side_by_side() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await until(pilot, lambda: what_if.stage == "done")
        await pilot.press("v")
        table = replayed.app.screen.query_one(DataTable)
        table.move_cursor(row=table.get_row_index("1 fps, low"))
        await pilot.press("b")
        await pilot.pause()
        screen = replayed.app.screen
        assert isinstance(screen, TwoPoliciesScreen)
        await pilot.press("end")
        rows = {row.name: row for row in screen.query(ComparisonTable).first().rows}
        assert rows["frames kept"].difference == 0
        assert rows["per request: sent"].first == 40
        cost = rows["per request: cost"].difference
        assert cost is not None
        assert cost < 0
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(replayed.app.screen, ReplayScreen)

    what_if = WhatIf(RECORDINGS / "code-walkthrough", audit_here)
    Replayed("code-walkthrough", what_if=what_if).run(drive)


def test_costs_are_there_before_the_changes_are_found_and_leaving_does_not_wait() -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def make_audit(path: Path, request: AuditRequest, progress: Progress) -> RecordingAudit:
        if request.coverage == "off":
            return audit_here(path, request, progress)
        asked.set()
        while not goes_on.is_set():
            progress("pictures", 1, 4, "frames")
        return audit_here(path, replace(request, coverage="off"), progress)

    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await until(pilot, asked.is_set)
        await pilot.press("v")
        await until(pilot, lambda: replayed.app.screen.query_one(DataTable).row_count > 0)
        assert (what_if.stage, what_if.share) == ("changes", 0.25)

    what_if = WhatIf(RECORDINGS / "code-walkthrough", make_audit)
    Replayed("code-walkthrough", what_if=what_if).run(drive)


def test_a_recording_that_cannot_be_audited_is_told_of_and_the_replay_goes_on() -> None:
    def fail(path: Path, request: AuditRequest, progress: Progress) -> RecordingAudit:
        del request, progress
        raise MediaError(f"{path.name} is damaged")

    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await until(pilot, lambda: what_if.stage == "failed")
        assert what_if.problem == "code-walkthrough is damaged"
        await pilot.press("v", "b")
        await pilot.press("right")
        assert replayed.t == 5

    what_if = WhatIf(RECORDINGS / "code-walkthrough", fail)
    Replayed("code-walkthrough", what_if=what_if).run(drive)


def test_without_a_recording_there_is_no_other_policy() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        await pilot.press("v")
        assert isinstance(replayed.app.screen, ReplayScreen)

    Replayed("code-walkthrough").run(drive)


def test_two_sessions_side_by_side_by_time_and_by_turn() -> None:
    async def drive(pilot: Pilot[int], replayed: Replayed) -> None:
        screen = replayed.app.screen
        assert isinstance(screen, SessionsScreen)
        await pilot.press("w", "right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: shown(screen)["turns"] == (2, 2))
        assert replayed.player.head.alignment == "turn"
        await pilot.press("w", "end")
        await until(pilot, lambda: shown(screen)["turns"] == (8, 7))

    def shown(screen: SessionsScreen) -> dict[str, tuple[object, object]]:
        rows = screen.query_one(ComparisonTable).rows
        return {row.name: (row.first, row.second) for row in rows} or {"turns": (None, None)}

    Replayed("code-walkthrough", "quarterly-review").run(drive)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_replay_looks_as_it_should(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    async def go(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: what_if.stage == "done")
        await pilot.press("shift+right", "v")
        await pilot.pause()
        table = pilot.app.screen.query_one(DataTable)
        table.move_cursor(row=table.get_row_index("0.5 fps, high"))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query_one(PolicyStrip).display)
        await pilot.pause(0.2)

    what_if = WhatIf(RECORDINGS / "code-walkthrough", audit_here)
    replayed = Replayed("code-walkthrough", what_if=what_if)
    assert snap_compare(replayed.app, terminal_size=size, run_before=go)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["a", "b", "c"], "3 sessions are too many"),
        (["nowhere"], "there is no session 'nowhere'"),
        (["--json", "nowhere"], "--json"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_line(
    meetctl: MeetctlRunner, tmp_path: Path, args: list[str], says: str
) -> None:
    done = meetctl("tui", "--sessions", tmp_path, *args)
    assert done.returncode == ExitCode.USAGE
    assert says in done.stderr.splitlines()[0]
    assert done.stdout == ""
