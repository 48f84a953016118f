"""An operator steers and observes the agent in whole meetings; nobody else can do either."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from livekit import api
from prometheus_client.parser import text_string_to_metric_families
from tests.control_room import sign
from tests.live_agent import until
from tests.live_meeting import (
    PATIENCE_S,
    SHARE_FPS,
    LiveStack,
    ask,
    assert_verified,
    listen_to,
    run_stack,
)
from tests.room_events import ToldEvents, observe
from tests.typed_talk import connection_of, read_of_agent, type_to_agent

from meetctl.adapters.control_sender import find_agents, name_observer, send_control
from meetctl.adapters.system_clock import SystemClock
from meetctl.agent.meeting_recording import RECORDED
from meetctl.agent.steering import OPERATOR
from meetctl.domain.control import CONTROL_TOPIC
from meetctl.stack.livekit_server import choose_ports
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

CLOCK = SystemClock()
HOW_MANY = "How many pictures did you get?"
STOP = "Please stop talking."
QUIET = "All right, I am quiet."
THANKS = "Thank you, that is all. Goodbye."
LOW_TOKENS = 85
"""Of an image in low detail, for the model that the agent asks."""
LONG = "The first point is the price of the parcels. " * 6
"""Takes far longer to say than to interrupt."""
SOME_WORDS = 3
PIECE_S = 0.4
"""A piece of speech that has begun, a fifth of a second, is recorded whole; sound is measured in tenths."""
SILENT_S = 2.0
"""How long somebody listens for a voice that must not come; the journal tells the same for all time."""


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return choose_ports().http


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, metrics_port: int) -> Iterator[LiveStack]:
    options = ("--grace-s", "1", "--record", "off", "--announce", "--prometheus-port", str(metrics_port))
    with run_stack(tmp_path_factory.mktemp("stack"), *options) as running:
        yield running


@asynccontextmanager
async def meet(stack: LiveStack, room: str) -> AsyncIterator[tuple[LiveMeeting, ScriptedPerson]]:
    """Be alone in a meeting with the agent."""
    meeting = stack.meeting(room)
    async with ScriptedPerson("maya", "Maya") as maya:
        await meeting.admit(maya)
        await meeting.invite_agent()
        yield meeting, maya


async def steer(meeting: LiveMeeting, op: str, **args: Any) -> Event:
    """Have the agent do something, and return what its journal says of that."""
    answer = await send_control(
        meeting.stack.livekit, meeting.room, op, args, clock=CLOCK, limit_s=PATIENCE_S
    )
    (performed,) = meeting.events("control.performed", jti=answer.jti)
    assert (performed["op"], performed["outcome"]) == (op, "done")
    return performed


def test_what_is_seen_and_recorded_follows_an_operator_and_an_observer_is_told_all_of_it(
    stack: LiveStack,
) -> None:
    async def run() -> tuple[LiveMeeting, ToldEvents]:
        identity = name_observer()
        async with meet(stack, "steered") as (meeting, maya):
            told_maya = ToldEvents(connection_of(maya))
            async with observe(stack.livekit, meeting.room, identity) as told:
                await steer(meeting, "announce", identity=identity, history=True)
                await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
                await steer_what_is_seen(meeting, maya)
                # Whoever wants to be told for longer than a minute says so again.
                await steer(meeting, "announce", identity=identity)
                await steer_what_is_recorded(meeting)
                await maya.leave()
                await meeting.end()
                await until(lambda: len(told.events) == len(meeting.events()), "every event is told")
        assert told_maya.events == []
        return meeting, told

    meeting, told = asyncio.run(run())
    assert told.seqs == list(range(len(told.seqs)))
    assert told.events == meeting.events()
    assert_seen_as_told(meeting)
    assert_verified(meeting.bundle)


async def steer_what_is_seen(meeting: LiveMeeting, maya: ScriptedPerson) -> None:
    await meeting.wait_for("frame.kept", count=2)
    await steer(meeting, "record", mode="full")
    assert (await meeting.agent_attributes())["meetctl.recording"] == "full"
    await steer(meeting, "policy", fps=4, detail="low")
    await meeting.wait_for_more("frame.kept", 8)
    assert "I got 5 pictures" in await type_to_agent(meeting, maya, HOW_MANY)
    await steer(meeting, "mute", what="eyes")
    assert "I got no picture" in await type_to_agent(meeting, maya, HOW_MANY)
    await steer(meeting, "unmute", what="eyes")
    await meeting.wait_for_more("frame.kept", 6)
    assert "I got 5 pictures" in await type_to_agent(meeting, maya, HOW_MANY)


async def steer_what_is_recorded(meeting: LiveMeeting) -> None:
    await steer(meeting, "record", mode="off")
    assert (await meeting.agent_attributes())["meetctl.recording"] == "off"
    await meeting.wait_for_more("frame.kept", 3)
    await steer(meeting, "record", mode="sampled")
    assert (await meeting.agent_attributes())["meetctl.recording"] == "sampled"
    # Each time that a recording begins, people are told.
    await meeting.wait_for("transcript", count=2, role="assistant", text=RECORDED)
    await meeting.wait_for_more("frame.kept", 3)


def assert_seen_as_told(meeting: LiveMeeting) -> None:
    faster, shut, opened = meeting.events("policy.changed")
    assert (faster["policy"]["fps"], faster["policy"]["detail"]) == ("4", "low")
    assert [change["eyes"] for change in (faster, shut, opened)] == [True, False, True]
    times_us = [event["t_us"] for event in meeting.events("frame.kept")]
    seen_us = [t_us for event in meeting.events("video.frames") for t_us in event["t_us"]]
    for some_us in (times_us, seen_us):
        assert not [t_us for t_us in some_us if shut["from_us"] <= t_us < opened["from_us"]]
    slow = [t_us for t_us in times_us if t_us < faster["from_us"]]
    fast = [t_us for t_us in times_us if faster["from_us"] <= t_us < shut["from_us"]]
    assert min(later - earlier for earlier, later in pairwise(slow)) >= 1_000_000
    assert 250_000 <= min(later - earlier for earlier, later in pairwise(fast)) < 1_000_000
    first, blind, last = meeting.events("llm.request")
    assert [request["detail"] for request in (first, last)] == ["low", "low"]
    assert [request["image_tokens"] for request in (first, blind, last)] == [
        5 * LOW_TOKENS,
        0,
        5 * LOW_TOKENS,
    ]
    changes = [event["mode"] for event in meeting.events("recording.changed")]
    assert changes == ["full", "off", "sampled"]


def test_ears_and_voice_are_muted_and_brought_back_and_the_agent_says_and_answers_what_it_is_told(
    stack: LiveStack,
) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "muted") as (meeting, maya):
            await steer(meeting, "record", mode="sampled")
            await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
            assert await hear(maya) == RECORDED
            await mute_in_the_middle(meeting, maya)
            await steer(meeting, "unmute", what="voice")
            await steer(meeting, "say", text="Now I speak again.")
            assert (await hear(maya)).endswith("Now I speak again.")
            await steer(meeting, "mute", what="ears")
            await maya.speak(THANKS)
            # What is typed is read all the same; and nothing that was said is still on its way after it.
            assert QUIET in await type_to_agent(meeting, maya, STOP)
            await hear(maya)
            assert heard_words(meeting) == set()
            await steer(meeting, "unmute", what="ears")
            assert QUIET in await ask(maya, STOP)
            await steer(meeting, "ask", text=HOW_MANY)
            assert "I got 5 pictures" in await hear(maya)
            await steer(meeting, "leave")
            await meeting.end("asked to leave by an operator")
            await until(lambda: not connection_of(maya).remote_participants, "maya sees it go")
        return meeting

    meeting = asyncio.run(run())
    assert STOP in heard_words(meeting)
    assert THANKS not in heard_words(meeting)
    (asked,) = meeting.events("transcript", participant=OPERATOR)
    assert (asked["text"], asked["role"], asked["typed"]) == (HOW_MANY, "user", True)
    mute, unmute = (
        meeting.events("control.performed", op=op, args={"what": "voice"})[0] for op in ("mute", "unmute")
    )
    assert not [event for event in meeting.events("tts.usage") if mute["seq"] < event["seq"] < unmute["seq"]]
    sound = listen_to(meeting.bundle / "meeting.mkv")
    assert sound.loudest(mute["t"] + PIECE_S, unmute["t"] - PIECE_S) < 60 < sound.loudest(0, mute["t"])
    assert_verified(meeting.bundle)


def heard_words(meeting: LiveMeeting) -> set[str]:
    """Return what the agent has understood of spoken words, as far as it came of each sentence."""
    return {event["text"] for event in meeting.events("transcript", role="user") if "typed" not in event}


async def hear(maya: ScriptedPerson) -> str:
    """Return what the agent says next, which it must be heard to say."""
    answer = await maya.wait_for_answer(PATIENCE_S)
    assert answer is not None, maya.report()
    return answer.text


async def mute_in_the_middle(meeting: LiveMeeting, maya: ScriptedPerson) -> None:
    await steer(meeting, "say", text=LONG)
    assert await maya.wait_until_agent_speaks(PATIENCE_S)
    await until(lambda: len(read_of_agent(maya).split()) > SOME_WORDS, "some words are said")
    await steer(meeting, "mute", what="voice")
    (cut,) = await meeting.wait_for("transcript", role="assistant", interrupted=True)
    assert LONG.startswith(cut["text"].strip())
    assert len(cut["text"]) < len(LONG) / 2
    await maya.wait_for_answer(PATIENCE_S)
    answer = await type_to_agent(meeting, maya, STOP)
    assert QUIET in answer
    # It is written as ever, and nobody hears it.
    assert await maya.wait_for_answer(SILENT_S) is None
    assert f'though it wrote "{answer}"' in maya.report().problems[-1]


def test_messages_that_are_not_an_operators_are_refused_counted_and_logged(
    stack: LiveStack, metrics_port: int
) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "forged") as (meeting, maya):
            before = await count_refusals(metrics_port)
            reasons = await send_bad_messages(meeting, maya)
            await until(
                lambda: [event["reason"] for event in meeting.events("control.refused")] == reasons,
                str(reasons),
                lambda: str(meeting.events("control.refused")),
            )
            after = await count_refusals(metrics_port)
            assert {reason: after[reason] - before.get(reason, 0) for reason in reasons} == dict.fromkeys(
                reasons, 1
            )
            assert QUIET in await type_to_agent(meeting, maya, STOP)
        await meeting.end()
        for reason in reasons:
            assert f"refused 1 control message(s): {reason}" in stack.worker.said()
        return meeting

    meeting = asyncio.run(run())
    (performed,) = meeting.events("control.performed")
    assert (performed["op"], performed["args"]) == ("mute", {"what": "eyes"})
    (changed,) = meeting.events("policy.changed")
    assert changed["eyes"] is False
    assert [event["text"] for event in meeting.events("transcript", role="user")] == [STOP]


async def send_bad_messages(meeting: LiveMeeting, maya: ScriptedPerson) -> list[str]:
    """Send all kinds of messages of which only one is to be performed, and return why the others are not."""
    access, now_s = meeting.stack.livekit, int(CLOCK.now().timestamp())
    (agent,) = await find_agents(access, meeting.room)
    claims = {"iss": access.api_key, "room": meeting.room, "sub": agent.identity}
    leave_now: dict[str, Any] = {"jti": "jti-leave-1", "now_s": now_s, "secret": access.api_secret, **claims}
    valid = sign("mute", {"what": "eyes"}, **(leave_now | {"jti": "jti-valid-1"}))
    async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as livekit:

        async def send(data: bytes) -> None:
            await livekit.room.send_data(
                api.SendDataRequest(
                    room=meeting.room,
                    data=data,
                    topic=CONTROL_TOPIC,
                    destination_identities=[agent.identity],
                )
            )

        await send(valid)
        await meeting.wait_for("control.performed")
        for changes in (
            {"secret": "x" * 40},
            {"now_s": now_s - 3_600},
            {"room": "another"},
            {"sub": "agent-of-another-meeting"},
            {"aud": "livekit"},
        ):
            await send(sign("leave", {}, **(leave_now | changes)))
        await send(valid)
        # The order in which a person's data and the server's arrive is nobody's promise.
        await meeting.wait_for("control.refused", reason="replayed")
        token = sign("leave", {}, **leave_now)
        await connection_of(maya).local_participant.publish_data(token, topic=CONTROL_TOPIC)
        await meeting.wait_for("control.refused", reason="sent by a participant")
        legacy = json.dumps({"op": "leave", "args": {}}).encode()
        await send(legacy)
    return [
        *("forged", "expired", "foreign room", "another agent", "wrong audience", "replayed"),
        *("sent by a participant", "no token"),
    ]


async def count_refusals(port: int) -> dict[str, float]:
    """Return how many messages were refused for each reason, in all meetings so far."""
    async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as response:
        text = await response.text()
    return {
        sample.labels["reason"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "meetctl_control_refusals_total"
    }


def test_an_operator_may_ask_before_anybody_is_there_and_the_first_to_come_hears_the_answer(
    stack: LiveStack,
) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.meeting("empty")
        await meeting.invite_agent()
        await steer(meeting, "ask", text=STOP)
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            assert QUIET in await hear(maya)
        await meeting.end()
        return meeting

    meeting = asyncio.run(run())
    assert [turn["outcome"] for turn in meeting.events("turn.ended")] == ["done"]
