"""What the actions on meetings promise, on a real server with a real agent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from livekit import rtc
from tests.dashboards import make_meeting
from tests.live_agent import AGENT, until
from tests.live_meeting import LiveStack, run_stack

from meetctl.bootstrap.dashboard_actions import meeting_actions
from meetctl.domain.events import parse_journal
from meetctl.errors import NotFoundError, UsageError
from meetctl.stack.participant.person import ScriptedPerson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live_meeting import LiveMeeting

    from meetctl.domain.view.dashboard import Meeting

pytestmark = pytest.mark.live

STEPS = (
    ("policy", {"fps": "0.5", "detail": "low"}),
    ("mute", {"what": "eyes"}),
    ("unmute", {"what": "eyes"}),
    ("mute", {"what": "ears"}),
    ("unmute", {"what": "ears"}),
    ("mute", {"what": "voice"}),
    ("ask", {"text": "What do you see?"}),
    ("say", {"text": "Five minutes left."}),
    ("record", {"mode": "full"}),
    ("record", {"mode": "off"}),
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with run_stack(tmp_path_factory.mktemp("actions"), "--grace-s", "1", "--record", "off") as running:
        yield running


def as_shown(meeting: LiveMeeting) -> Meeting:
    """Return a meeting as the dashboard knows it by now."""
    events = parse_journal(meeting.journal.read_bytes())
    shown = make_meeting(tuple(event for event in events if event is not None), room=meeting.room)
    return replace(shown, session_id=shown.state.about.session_id)


def test_every_action_has_its_effect_in_the_agents_journal(stack: LiveStack) -> None:
    actions = meeting_actions(stack.livekit, AGENT)

    async def run() -> None:
        meeting = stack.meeting("acted-on")
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await actions.dispatch_agent(meeting.room)
            await until(meeting._journals, "a session", stack.worker.said)
            await meeting.wait_for("agent.state", new="listening")
            for op, args in STEPS:
                assert (await actions.steer(as_shown(meeting), op, args)).error is None
            performed = meeting.events("control.performed")
            assert [(one["op"], one["outcome"]) for one in performed] == [(op, "done") for op, _ in STEPS]
            shown = as_shown(meeting).state
            assert (shown.looking.fps, shown.looking.detail) == ("1/2", "low")
            assert shown.steering.muted == ("voice",)
            assert shown.recording.mode == "off"
            foreign = replace(as_shown(meeting), channel="session")
            with pytest.raises(UsageError, match="none of meetctl"):
                await actions.steer(foreign, "say", {"text": "hello"})
            left = await actions.take_out(as_shown(meeting))
            assert left.way == "asked"
            await meeting.wait_for("session.ended", reason="asked to leave by an operator")

    asyncio.run(run())


def test_a_token_joins_and_a_closed_room_puts_everybody_out(stack: LiveStack) -> None:
    actions = meeting_actions(stack.livekit, AGENT)

    async def run() -> None:
        token = await actions.mint_token("opened", "noor")
        room = rtc.Room()
        gone = asyncio.Event()
        room.on("disconnected", lambda _: gone.set())
        await room.connect(stack.livekit.url, token)
        assert room.local_participant.identity == "noor"
        await actions.close_room("opened")
        async with asyncio.timeout(60):
            await gone.wait()
        with pytest.raises(NotFoundError):
            await actions.close_room("opened")
        with pytest.raises(UsageError):
            await actions.mint_token("opened", " ")

    asyncio.run(run())
