"""Meetings of several people: each is heard, told apart and answered, and all cost one recognition."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc
from tests.live_agent import until
from tests.live_meeting import PATIENCE_S, LiveStack, ask, run_stack

from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.voice import Voice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

OPTIONS = ("--grace-s", "1", "--record", "off")
HOW_MANY = "How many pictures did you get?"
STOP = "Please stop talking."
THANKS = "Thank you, that is all. Goodbye."
TYPED = "My bicycle is green"
DEEP = Voice(name="en-us+m3", pitch=35)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with run_stack(tmp_path_factory.mktemp("stack"), *OPTIONS) as running:
        yield running


@asynccontextmanager
async def meet(
    stack: LiveStack, room: str
) -> AsyncIterator[tuple[LiveMeeting, ScriptedPerson, ScriptedPerson]]:
    """Be in a meeting of two people, Maya being the first; a test lets them leave."""
    meeting = stack.meeting(room)
    async with ScriptedPerson("maya", "Maya") as maya, ScriptedPerson("noor", "Noor", voice=DEEP) as noor:
        await meeting.admit(maya)
        await meeting.admit(noor)
        await meeting.invite_agent()
        for who in ("maya", "noor"):
            await meeting.wait_for("track.started", participant=who, kind="audio")
        yield meeting, maya, noor
    await meeting.end()


def connection_of(person: ScriptedPerson) -> rtc.Room:
    return person._connected()


def set_muted(person: ScriptedPerson, *, is_muted: bool) -> None:
    """Let a person press the button of the microphone."""
    for publication in connection_of(person).local_participant.track_publications.values():
        if publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            assert isinstance(publication.track, rtc.LocalAudioTrack)
            if is_muted:
                publication.track.mute()
            else:
                publication.track.unmute()


def spoken(meeting: LiveMeeting, text: str) -> list[Event]:
    """Return what was finally understood as `text`."""
    return meeting.events("transcript", role="user", final=True, text=text)


def test_each_person_is_heard_told_apart_and_named_and_all_cost_one_recognition(stack: LiveStack) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "two people") as (meeting, maya, noor):
            # `ask` takes for understood only what a person reads in the room under the own name.
            await ask(maya, HOW_MANY)
            await ask(noor, STOP)
            await ask(maya, STOP)
            known = len(meeting.events("transcript", role="assistant"))
            await connection_of(noor).local_participant.send_text(TYPED, topic="lk.chat")
            await meeting.wait_for("transcript", role="assistant", count=known + 1)
            answer = meeting.events("transcript", role="assistant")[known]
            assert f"You said: Noor: {TYPED}" in answer["text"]
        return meeting

    meeting = asyncio.run(run())
    assert {event["participant"] for event in spoken(meeting, HOW_MANY)} == {"maya"}
    assert {event["participant"] for event in spoken(meeting, STOP)} == {"maya", "noor"}
    assert [(event["participant"], event["name"]) for event in meeting.events("transcript", typed=True)] == [
        ("noor", "Noor")
    ]
    assert {event["participant"] for event in meeting.events("turn.started")} == {"maya", "noor"}
    heard_s = sum(event["audio_s"] for event in meeting.events("stt.usage"))
    lasted_s = meeting.events()[-1]["t"]
    assert 0 < heard_s < 1.25 * lasted_s
    assert {turn["outcome"] for turn in meeting.events("turn.ended")} <= {"done", "interrupted", "unanswered"}


def test_people_may_be_silent_mute_and_leave_in_any_order(stack: LiveStack) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "coming and going") as (meeting, maya, noor):
            set_muted(maya, is_muted=True)
            for _ in range(3):
                # The very moment at which most people mute: right after their question.
                await noor.speak(HOW_MANY)
                set_muted(noor, is_muted=True)
                answer = await noor.wait_for_answer(PATIENCE_S)
                set_muted(noor, is_muted=False)
                if answer is not None and noor.report().exchanges[-1].understood == HOW_MANY:
                    break
            else:
                pytest.fail(f"never understood: {noor.report()}")
            set_muted(maya, is_muted=False)
            await ask(maya, STOP)
            await maya.leave()
            await meeting.wait_for("participant.left", participant="maya")
            await ask(noor, STOP)
            # An agent that heard another one would answer it, and so on for ever.
            await speak_as_agent(meeting, THANKS)
            await ask(noor, HOW_MANY)
        return meeting

    meeting = asyncio.run(run())
    assert {event["participant"] for event in spoken(meeting, HOW_MANY)} == {"noor"}
    assert {event["participant"] for event in meeting.events("track.started")} == {"maya", "noor"}
    assert spoken(meeting, THANKS) == []
    assert {one["kind"] for one in meeting.session["participants"]} == {"standard", "agent"}


async def speak_as_agent(meeting: LiveMeeting, text: str) -> None:
    """Let another agent join, say something, and leave."""
    access = meeting.stack.livekit
    token = (
        api.AccessToken(access.api_key, access.api_secret)
        .with_identity("other-agent")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=meeting.room))
        .to_jwt()
    )
    async with ScriptedPerson("other-agent", "Other") as other:
        await other.join(access.url, token)
        await until(lambda: meeting.events("participant.joined", participant="other-agent"), "it is there")
        await other.speak(text)
    await meeting.wait_for("participant.left", participant="other-agent")
