"""Actions from the dashboard: the menu, every dialog, what is refused, and what becomes of each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import make_meeting, make_view
from tests.fakes.dashboard import TOKEN, FakeActions
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from meetctl.errors import ServiceError
from meetctl.tui.action_runner import EFFECT_LIMIT_S
from meetctl.tui.screens.action_dialog import ActionDialog
from meetctl.tui.screens.actions import ActionsScreen
from meetctl.tui.screens.meeting import MeetingScreen

if TYPE_CHECKING:
    pass

from tests.operator_desk import RUNNING, WORDS, Desk, choose, told, type_text

SWITCHED = [("e", "ears"), ("y", "eyes"), ("v", "voice")]


@pytest.mark.parametrize(("key", "sense"), SWITCHED)
def test_a_sense_is_muted_and_the_view_shows_it(key: str, sense: str) -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, key)
        assert isinstance(desk.app.screen, ActionDialog)
        assert "1 person is in demo" in str(desk.app.screen.query_one("#question", Static).content)
        await pilot.press("enter")
        await desk.until(pilot, "acknowledged")
        desk.tell(told("control.performed", op="mute", args={"what": sense}, outcome="done"))
        await desk.until(pilot, "muted")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "mute", {"what": sense})]


@pytest.mark.parametrize(("key", "sense"), SWITCHED)
def test_a_muted_sense_is_unmuted_by_the_same_key(key: str, sense: str) -> None:
    muted = told("control.performed", op="mute", args={"what": sense}, outcome="done")
    desk = Desk(meeting=make_meeting((*RUNNING, muted)))

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, key)
        await pilot.press("enter")
        await desk.until(pilot, "acknowledged")
        desk.tell()
        await desk.until(pilot, "on again")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "unmute", {"what": sense})]


def test_a_policy_is_changed_with_its_cost_before_and_its_effect_after() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "p")
        await type_text(pilot, "#fps", "0.5")
        shown = str(desk.app.screen.query_one("#projection", Static).content)
        assert "$1.00 now, $0.50 then" in shown
        assert "as many requests an hour" in shown
        await pilot.press("enter")
        await desk.until(pilot, "acknowledged")
        policy = {"fps": "0.5", "window": 5, "detail": "high", "side": None}
        desk.tell(told("policy.changed", policy=policy, eyes=True))
        await desk.until(pilot, "0.5 fps, high detail; before: 1 fps, high detail")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "policy", {"fps": "0.5"})]


@pytest.mark.parametrize(
    ("selector", "typed", "said"),
    [
        ("#fps", "fast", "is not a number of at least 0"),
        ("#detail", "tiny", "is not one of"),
        ("#fps", "1", "nothing is changed"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_before_it_is_sent(
    selector: str, typed: str, said: str
) -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "p")
        await type_text(pilot, selector, typed)
        await pilot.press("enter")
        await desk.until(pilot, said)

    desk.sit(drive)
    assert desk.fake.calls == []


@pytest.mark.parametrize(("key", "op"), [("s", "say"), ("a", "ask")])
def test_words_reach_the_agent_and_nothing_else(
    key: str, op: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    toasts: list[str] = []
    caplog.set_level("DEBUG")

    async def drive(pilot: Pilot[int]) -> None:
        monkeypatch.setattr(desk.app, "notify", lambda text, **more: toasts.append(f"{text}{more}"))
        desk.fake.may_answer = asyncio.Event()
        await choose(pilot, key)
        await type_text(pilot, "#words", WORDS)
        await pilot.press("ctrl+p")
        assert not isinstance(desk.app.screen, CommandPalette)
        await pilot.press("enter")
        await desk.until(pilot, "no answer yet")
        await pilot.press("escape")
        await pilot.pause()
        desk.fake.may_answer.set()
        performed = told("control.performed", op=op, args={"characters": len(WORDS)}, outcome="done")
        desk.tell(performed)
        async with asyncio.timeout(20):
            while not toasts:
                await pilot.pause(0.02)
        assert WORDS not in desk.app.export_screenshot()

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", op, {"text": WORDS})]
    assert "the agent has it" in toasts[0]
    assert not any(word in "".join([*toasts, caplog.text]) for word in WORDS.split() if len(word) > 3)


def test_no_words_are_refused() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "s")
        await pilot.press("enter")
        await desk.until(pilot, "say needs text")

    desk.sit(drive)
    assert desk.fake.calls == []


def test_a_recording_is_stopped_only_by_a_clear_yes() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "r")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(desk.app.screen, MeetingScreen)
        assert desk.fake.calls == []
        await choose(pilot, "r")
        await pilot.press("y")
        await desk.until(pilot, "acknowledged")
        desk.tell(told("recording.changed", mode="off"))
        await desk.until(pilot, "recording: off; before: full")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "record", {"mode": "off"})]


def test_a_recording_is_started_in_a_mode() -> None:
    desk = Desk(meeting=make_meeting((*RUNNING, told("recording.changed", mode="off"))))

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "r")
        await type_text(pilot, "#mode", "often")
        await pilot.press("enter")
        await desk.until(pilot, "record's mode")
        await type_text(pilot, "#mode", "sampled")
        await pilot.press("enter")
        await desk.until(pilot, "acknowledged")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "record", {"mode": "sampled"})]


def test_a_rate_that_is_only_written_otherwise_is_no_change() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "p")
        await type_text(pilot, "#fps", "2/2")
        await pilot.press("enter")
        await desk.until(pilot, "nothing is changed")

    desk.sit(drive)
    assert desk.fake.calls == []


def test_the_agent_is_taken_out() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "l")
        assert "1 person is in demo" in str(desk.app.screen.query_one("#question", Static).content)
        await pilot.press("y")
        await desk.until(pilot, "the agent has left")
        desk.tell(told("session.ended", reason="asked to leave by an operator"))
        await desk.until(pilot, "the session has ended: asked to leave")

    desk.sit(drive)
    assert desk.fake.calls == [("take_out", "s1")]


def test_a_room_is_closed_after_its_name_and_people_were_shown() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "x")
        question = str(desk.app.screen.query_one("#question", Static).content)
        assert question == "The meeting ends for everybody in it. 1 person is in demo."
        await pilot.press("y")
        await desk.until(pilot, "the room was closed")
        desk.feed.views.put_nowait(make_view())
        await desk.until(pilot, "the meeting is over")

    desk.sit(drive)
    assert desk.fake.calls == [("close_room", "demo")]


def test_an_agent_is_sent_into_a_new_room_and_its_session_is_seen() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await pilot.press("escape")
        await pilot.pause()
        await choose(pilot, "d")
        await type_text(pilot, "#room", "retro")
        await pilot.press("enter")
        await desk.until(pilot, "AD_1")
        new = replace(make_meeting(RUNNING, key="s2", room="retro"), session_id="s2")
        desk.feed.views.put_nowait(make_view(desk.meeting, new))
        await desk.until(pilot, "the agent is in the room, session s2")

    desk.sit(drive)
    assert desk.fake.calls == [("dispatch_agent", "retro")]


def test_a_token_is_shown_once_and_copied_on_request(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    toasts: list[str] = []
    caplog.set_level("DEBUG")

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "t")
        monkeypatch.setattr(desk.app, "notify", lambda text, **more: toasts.append(f"{text}{more}"))
        await type_text(pilot, "#identity", "maya")
        await pilot.press("enter")
        await desk.until(pilot, "a token for maya in demo, valid for 6 hours")
        assert TOKEN in str(desk.app.screen.query_one("#token", Static).content)
        assert desk.app.clipboard == ""
        await pilot.press("ctrl+p")
        assert not isinstance(desk.app.screen, CommandPalette)
        await pilot.press("c")
        assert desk.app.clipboard == TOKEN
        await pilot.press("escape")
        await pilot.pause()
        assert TOKEN[:20] not in desk.app.export_screenshot()
        await choose(pilot, "t")
        assert TOKEN not in str(desk.app.screen.query_one("#token", Static).content)

    desk.sit(drive)
    assert desk.fake.calls == [("mint_token", "demo", "maya")]
    assert TOKEN not in "".join([*toasts, caplog.text])


def test_an_error_is_shown_with_its_hint() -> None:
    desk = Desk(actions=FakeActions(error=ServiceError("the server refuses", hint="look at its key")))

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "e")
        await pilot.press("enter")
        await desk.until(pilot, "failed: the server refuses\n  look at its key")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(desk.app.screen, MeetingScreen)

    desk.sit(drive)
    assert len(desk.fake.calls) == 1


def test_a_second_action_is_refused_while_one_goes_on() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        desk.fake.may_answer = asyncio.Event()
        await choose(pilot, "e")
        await pilot.press("enter")
        await desk.until(pilot, "no answer yet")
        await pilot.press("escape")
        await pilot.pause()
        await choose(pilot, "v")
        await pilot.press("enter")
        await desk.until(pilot, "another action still goes on: Mute the agent's ears in demo")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "mute", {"what": "ears"})]


def test_an_effect_that_no_view_shows_is_told_as_unseen() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "e")
        await pilot.press("enter")
        await desk.until(pilot, "acknowledged")
        desk.clock.advance(int(EFFECT_LIMIT_S * 1_000_000))
        await desk.until(pilot, "not seen: the agent has done it, but nothing is seen of it yet")

    desk.sit(drive)
    assert desk.fake.calls == [("steer", "s1", "mute", {"what": "ears"})]


def menu_lines(desk: Desk) -> str:
    options = desk.app.screen.query_one(OptionList)
    return "\n".join(str(options.get_option_at_index(n).prompt) for n in range(options.option_count))


def test_a_dashboard_that_only_watches_says_so_in_the_menu() -> None:
    desk = Desk(actions=None, no_actions="--read-only: nothing may be done")

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "x")
        assert isinstance(desk.app.screen, ActionsScreen)
        assert menu_lines(desk).count("--read-only: nothing may be done") == 11

    desk.sit(drive)


def test_the_agent_of_others_cannot_be_steered_but_put_out() -> None:
    foreign = replace(make_meeting(RUNNING), channel="session", session_id=None)
    desk = Desk(meeting=foreign)

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "e")
        lines = menu_lines(desk)
        assert lines.count("its agent is none of meetctl") == 7
        assert "l  Take the agent out" in lines
        assert "x  Close the room" in lines
        await pilot.press("l")
        await pilot.pause()
        await pilot.press("y")
        await desk.until(pilot, "the agent has left")

    desk.sit(drive)
    assert desk.fake.calls == [("take_out", "s1")]


def test_the_menu_follows_the_meeting() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await pilot.press("a")
        await pilot.pause()
        desk.tell(told("session.ended", reason="everyone left"))
        async with asyncio.timeout(20):
            while "the session has ended" not in menu_lines(desk):
                await pilot.pause(0.05)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(desk.app.screen, MeetingScreen)

    desk.sit(drive)


def test_enter_chooses_in_the_menu_what_the_cursor_is_on() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await pilot.press("a")
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        heading = desk.app.screen.query_one("#heading", Static)
        assert str(heading.content) == "Mute the agent's ears in demo"

    desk.sit(drive)


def test_the_command_palette_has_the_actions() -> None:
    desk = Desk()

    async def drive(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(desk.app.screen, CommandPalette)
        await pilot.press(*"close the room")
        await pilot.pause(0.5)
        await pilot.press("enter")
        async with asyncio.timeout(20):
            while not isinstance(desk.app.screen, ActionDialog):
                await pilot.pause(0.05)
        assert str(desk.app.screen.query_one("#heading", Static).content) == "Close room demo"

    desk.sit(drive)


def test_names_from_outside_cannot_bring_markup_or_escapes() -> None:
    desk = Desk(meeting=make_meeting(RUNNING, room="[red]r\x1b[31m[/]"))

    async def drive(pilot: Pilot[int]) -> None:
        await choose(pilot, "x")
        shown = str(desk.app.screen.query_one("#question", Static).content)
        assert r"[red]r\x1b[31m[/]" in shown

    desk.sit(drive)
