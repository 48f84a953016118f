"""Playing recorded sessions: the cursor runs with the clock, jumps, steps, and stops at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.dashboards import read_recording
from tests.fakes.clock import ManualClock

from meetctl.domain.events import Event
from meetctl.domain.session_bundle import SessionBundle
from meetctl.domain.state import fold_events
from meetctl.errors import MediaError
from meetctl.services.dashboard.player import SPEEDS, Player

EVENTS = {name: read_recording(name) for name in ("live-demo", "code-walkthrough", "quarterly-review")}


def make_bundle(name: str) -> SessionBundle:
    return SessionBundle(session_id=name, path=Path(name), state="ended", journal=Path(name) / "events.jsonl")


def read_events(bundle: SessionBundle) -> Iterator[Event | None]:
    return iter(EVENTS[bundle.session_id])


async def make_player(*names: str, clock: ManualClock | None = None) -> Player:
    player = Player([make_bundle(name) for name in names], read_events, clock=clock or ManualClock())
    async with aclosing(player.watch()) as views:
        async for _ in views:
            if not player.head.is_loading:
                return player
    raise AssertionError("the feed ended")


def test_the_cursor_runs_with_the_clock_at_its_speed() -> None:
    async def play() -> None:
        clock = ManualClock()
        player = await make_player("live-demo", clock=clock)
        assert (player.head.t, player.head.is_playing) == (0, False)
        player.play()
        clock.advance(2_000_000)
        assert player.head.t == 2
        player.change_speed(2)
        assert player.head.speed == 4
        clock.advance(3_000_000)
        assert player.head.t == 14
        player.toggle()
        clock.advance(9_000_000)
        assert (player.head.t, player.head.is_playing) == (14, False)
        assert player.view().meetings[0].state == fold_events(
            [event for event in EVENTS["live-demo"] if event.t <= 14]
        )

    asyncio.run(play())


def test_it_pauses_at_the_end_and_plays_again_from_the_beginning() -> None:
    async def play() -> None:
        clock = ManualClock()
        player = await make_player("live-demo", clock=clock)
        player.change_speed(99)
        assert player.head.speed == SPEEDS[-1]
        player.play()
        clock.advance(60_000_000)
        assert player.view().meetings[0].state == fold_events(EVENTS["live-demo"])
        assert (player.head.t, player.head.is_playing) == (player.head.end_s, False)
        player.toggle()
        assert (player.head.t, player.head.is_playing) == (0, True)

    asyncio.run(play())


def test_seeking_stays_within_the_session() -> None:
    async def play() -> None:
        player = await make_player("live-demo")
        player.seek(1e9)
        assert player.head.t == player.head.end_s
        player.seek_by(-1)
        assert player.head.t == pytest.approx(player.head.end_s - 1)
        player.seek(-5)
        assert player.head.t == 0
        assert not player.step_turn(-1)

    asyncio.run(play())


def test_steps_pause_and_go_to_frames_turns_and_markers() -> None:
    async def play() -> None:
        player = await make_player("code-walkthrough")
        player.play()
        assert player.step_frame(1)
        assert not player.head.is_playing
        assert player.view().meetings[0].state.frames.kept == 2, "the first frame is at the beginning"
        assert player.step_turn(1)
        assert player.view().meetings[0].state.turns.started == 1
        player.seek(0)
        player.show_missed([500_000])
        missed, first = player.step_marker(1), player.step_marker(1)
        assert missed is not None
        assert missed.kind == "missed"
        assert player.step_marker(-1) == missed
        assert first is not None
        assert player.step_marker(-1) is None

    asyncio.run(play())


def test_the_moment_is_that_of_the_meeting_and_the_logs_end_at_the_cursor() -> None:
    async def play() -> None:
        player = await make_player("code-walkthrough")
        player.seek(30)
        view = player.view()
        assert f"{view.at:%Y-%m-%d %H:%M}" == "2026-11-16 13:30"
        (key,) = player.keys
        events = player.recent_events(key)
        assert list(events) == [event for event in EVENTS["code-walkthrough"] if event.t <= 30]
        assert player.recent_events("another") == ()

    asyncio.run(play())


def test_two_sessions_are_shown_at_one_time_or_at_one_turn() -> None:
    async def play() -> None:
        player = await make_player("code-walkthrough", "quarterly-review")
        player.seek(40)
        first, second = player.view().meetings
        assert second.state == fold_events([e for e in EVENTS["quarterly-review"] if e.t <= 40])
        player.align("turn")
        for _ in range(3):
            player.step_turn(1)
            first, second = player.view().meetings
            assert first.state.turns.started == second.state.turns.started

    asyncio.run(play())


def test_the_same_session_twice_is_told_apart() -> None:
    async def play() -> None:
        player = await make_player("live-demo", "live-demo")
        assert len(set(player.keys)) == 2

    asyncio.run(play())


def test_a_journal_that_cannot_be_read_is_told_of_and_what_was_read_is_shown() -> None:
    def read(bundle: SessionBundle) -> Iterator[Event | None]:
        yield from EVENTS[bundle.session_id][:50]
        raise MediaError("the disk has gone")

    async def play() -> None:
        player = Player([make_bundle("live-demo")], read, clock=ManualClock())
        async with aclosing(player.watch()) as views:
            async for _ in views:
                if not player.head.is_loading:
                    break
        player.seek(1e9)
        (meeting,) = player.view().meetings
        assert meeting.problem == "the disk has gone"

    asyncio.run(play())
