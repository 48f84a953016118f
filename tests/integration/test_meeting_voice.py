"""Meetings by voice, with pictures: understood, answered, recorded, counted and priced."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, web
from tests.live_agent import start_worker, until
from tests.live_meeting import (
    PATIENCE_S,
    SHARE_FPS,
    LiveStack,
    ask,
    assert_verified,
    listen_to,
    run_stack,
    video_streams,
)

from meetctl import __version__
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.live_meeting import LiveMeeting

    from meetctl.stack.participant.report import PersonReport

pytestmark = pytest.mark.live

GREETING = "Hello there."
OPTIONS = ("--greeting", GREETING, "--announce", "--grace-s", "1", "--record", "full")
CAN_YOU_SEE = "Hello, can you see my screen?"
WHAT_CHANGED = "What has changed on the slide?"
HOW_MANY = "How many pictures did you get?"
DESCRIBE = "Please describe everything that you see."
STOP = "Please stop talking."
FRAME_TOKENS = 85 + 2 * 170
"""640x360 with gpt-4.1 and high detail: two tiles of 512 pixels."""
LATENESS_S = 1.0
"""How much later than it was said a busy machine may notice that somebody speaks."""
STAGES = {"transcript_s", "end_of_turn_s", "llm_s", "tts_s", "total_s"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with run_stack(tmp_path_factory.mktemp("stack"), *OPTIONS) as running:
        yield running


def test_whole_meeting_is_understood_answered_recorded_and_counted(stack: LiveStack) -> None:
    answers: list[str] = []

    async def meet() -> tuple[LiveMeeting, PersonReport, dict[str, float], dict[str, float], dict[str, str]]:
        before = await stack.used()
        meeting = stack.meeting("whole turn")
        slides = SlidePictures(640, 360)
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await meeting.invite_agent({"tenant": "acme"})
            assert await maya.wait_for_answer(PATIENCE_S)
            await maya.share_screen(slides, SHARE_FPS)
            await meeting.wait_for("frame.kept", count=2)
            answers.append(await ask(maya, CAN_YOU_SEE))
            slides.show_next()
            await meeting.wait_for("frame.kept", count=7)
            answers.append(await ask(maya, WHAT_CHANGED))
            attributes = await meeting.agent_attributes()
        await meeting.end()
        return meeting, maya.report(), before, await stack.used(), attributes

    meeting, report, before, after, attributes = asyncio.run(meet())
    assert report.problems == ()
    assert report.greeting is not None
    assert report.greeting.text == f"{GREETING} This meeting is being recorded."
    assert report.answers[0].text.startswith("I am the offline model.")
    first, second = answers
    assert "Yes, I got " in first
    assert "the last one is 640 by 360 pixels, the most recent frame, " in first
    assert "percent of the picture has changed" in second
    assert "of 5" in second
    assert attributes["meetctl.session_id"] == meeting.bundle.name
    assert attributes["meetctl.version"] == __version__
    assert attributes["meetctl.recording"] == "full"
    assert_requests_are_what_the_provider_got(meeting, before, after)
    assert_turns_are_timed(meeting)
    assert_cost_is_nothing(meeting)
    assert_recording_has_picture_and_sound(meeting)
    assert_session_is_described(meeting)
    verification = assert_verified(meeting.bundle)
    assert verification.requests >= 2
    assert verification.usd.journal == 0


def assert_requests_are_what_the_provider_got(
    meeting: LiveMeeting, before: dict[str, float], after: dict[str, float]
) -> None:
    requests = meeting.events("llm.request")
    kept = [event["frame"] for event in meeting.events("frame.kept")]
    assert len(requests) >= 2
    for request in requests:
        assert 2 <= len(request["images"]) <= 5
        last = kept.index(request["images"][-1]) + 1
        assert request["images"] == kept[:last][-5:]
        assert request["image_tokens"] == FRAME_TOKENS * len(request["images"])
        assert (request["basis"], request["outcome"]) == ("reported", "done")
        assert (request["provider"], request["model"], request["usd"]) == ("offline", "gpt-4.1", "0")
        assert (request["width"], request["height"], request["detail"]) == (640, 360, "high")
    # Had frames stayed in the history, the provider would have got more images than the requests name.
    assert after["images"] - before.get("images", 0) == sum(len(request["images"]) for request in requests)
    for amount, field in (
        ("image_tokens", "image_tokens"),
        ("prompt_tokens", "input_tokens"),
        ("completion_tokens", "output_tokens"),
    ):
        assert after[amount] - before.get(amount, 0) == sum(request[field] for request in requests)


def assert_turns_are_timed(meeting: LiveMeeting) -> None:
    turns = meeting.events("turn.ended")
    numbers = [turn["turn"] for turn in turns]
    assert numbers == list(range(1, len(turns) + 1))
    assert {(turn["outcome"], turn["requests"]) for turn in turns} == {("done", 1)}
    assert len(turns) == len(meeting.events("llm.request"))
    for turn in turns:
        assert turn["latency"].keys() == STAGES
        assert all(seconds >= 0 for seconds in turn["latency"].values())
        assert turn["latency"]["total_s"] >= turn["latency"]["llm_s"]
    assert [turn["turn"] for turn in meeting.events("turn.started")] == numbers
    said = meeting.events("transcript", role="user", final=True)
    assert {event["participant"] for event in said} == {"maya"}


def assert_cost_is_nothing(meeting: LiveMeeting) -> None:
    end = meeting.events("session.ended")[0]
    assert end["usd"] == "0"
    assert {line["provider"] for line in end["cost"]} == {"offline"}
    assert {line["usd"] for line in end["cost"]} == {"0"}
    assert {line["unit"] for line in end["cost"]} == {
        "input_tokens", "output_tokens", "minutes", "characters"
    }  # fmt: skip
    (prompt,) = [line for line in end["cost"] if line["unit"] == "input_tokens"]
    assert prompt["image_tokens"] == sum(event["image_tokens"] for event in meeting.events("llm.request"))
    assert end["lost_events"] == 0
    assert end["frames_kept"] == len(meeting.events("frame.kept"))


def assert_recording_has_picture_and_sound(meeting: LiveMeeting) -> None:
    recording = meeting.bundle / "meeting.mkv"
    (stream,) = video_streams(recording)
    (track,) = meeting.events("track.started", kind="video")
    assert (stream["MEETCTL_TRACK"], stream["size"]) == (track["track"], "640x360")
    seen = [t_us for event in meeting.events("video.frames") for t_us in event["t_us"]]
    end = meeting.events("session.ended")[0]
    recorded = end["recorded"]
    assert (recorded["mode"], recorded["segments"], recorded["stopped"]) == ("full", 1, None)
    assert recorded["frames"] + recorded["dropped"] == len(seen)
    sound = listen_to(recording)
    speeches = {
        "agent": meeting.spans("agent.state", "speaking"),
        "people": meeting.spans("user.state", "speaking"),
    }
    assert len(speeches["agent"]) >= 3
    assert len(speeches["people"]) >= 2
    for who, spans in speeches.items():
        for begin_s, end_s in spans:
            assert sound.loudest(begin_s - LATENESS_S, end_s) > 1000, (who, begin_s, end_s)
    greeted_s, asked_s = speeches["agent"][0][1], speeches["people"][0][0]
    assert sound.quiet_s(greeted_s, asked_s) >= 0.5
    assert len(sound.loudness) / 10 == pytest.approx(end["duration_s"], abs=1.5)


def assert_session_is_described(meeting: LiveMeeting) -> None:
    session = meeting.session
    assert session["schema"] == "meetctl.session/1"
    assert (session["tenant_id"], session["room"]) == ("acme", meeting.room)
    assert session["session_id"] == meeting.bundle.name
    assert {one["identity"] for one in session["participants"] if one["kind"] == "standard"} == {"maya"}
    assert session["versions"]["livekit-agents"] == version("livekit-agents")
    assert session["reason"] == "everyone left"
    assert {event["tenant_id"] for event in meeting.events()} == {"acme"}


def test_answer_that_is_spoken_over_is_cut_and_its_request_estimated(stack: LiveStack) -> None:
    async def meet() -> LiveMeeting:
        meeting = stack.meeting("interrupted")
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await meeting.invite_agent()
            assert await maya.wait_for_answer(PATIENCE_S)
            assert "no picture" in await ask(maya, HOW_MANY)
            await maya.share_screen(SlidePictures(640, 360), SHARE_FPS)
            await meeting.wait_for("frame.kept", count=5)
            # A model that still writes when it is interrupted never gets to say what it used.
            await stack.break_provider("openai", "slow", delay_s=0, chunk_delay_s=0.25, count=1)
            await maya.speak(DESCRIBE)
            await maya.interrupt_with(STOP, timeout_s=PATIENCE_S)
            await meeting.wait_for("turn.ended", outcome="interrupted")
            assert await maya.wait_for_answer(PATIENCE_S)
            assert (await ask(maya, HOW_MANY)).endswith("I got 5 pictures of 640 by 360 pixels.")
        await stack.heal_providers()
        await meeting.end()
        return meeting

    meeting = asyncio.run(meet())
    requests = meeting.events("llm.request")
    blind, (cut,) = requests[0], [request for request in requests if request["outcome"] == "cancelled"]
    assert (blind["images"], blind["image_tokens"], blind["outcome"]) == ([], 0, "done")
    assert (cut["basis"], len(cut["images"])) == ("estimated", 5)
    assert cut["input_tokens"] > cut["image_tokens"] == 5 * FRAME_TOKENS
    assert cut["output_tokens"] > 0
    others = {(request["outcome"], request["basis"]) for request in requests if request is not cut}
    assert others == {("done", "reported")}
    told = {event["turn"]: event for event in meeting.events("transcript", role="assistant")}
    assert told[cut["turn"]]["interrupted"]
    (end,) = meeting.events("turn.ended", turn=cut["turn"])
    assert end["outcome"] == "interrupted"
    assert meeting.events("turn.ended")[-1]["outcome"] == "done"
    (prompt,) = [line for line in meeting.session["cost"] if line["unit"] == "input_tokens"]
    assert prompt["basis"] == "mixed"
    assert_verified(meeting.bundle)


@asynccontextmanager
async def record_requests(target: str) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Pass chat requests on to a provider; yield the address to ask, and the requests as they come in."""
    received: list[dict[str, Any]] = []

    async def relay(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received.append(json.loads(body))
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        answer = web.StreamResponse()
        async with client.post(f"{target}{request.path}", data=body, headers=headers) as response:
            answer.set_status(response.status)
            answer.content_type = response.content_type
            await answer.prepare(request)
            async for piece in response.content.iter_any():
                await answer.write(piece)
        await answer.write_eof()
        return answer

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/chat/completions", relay)
    runner = web.AppRunner(app, shutdown_timeout=0)
    async with ClientSession() as client:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/v1", received
        finally:
            await runner.cleanup()


def test_provider_with_a_key_is_billed_and_never_gets_a_frame_twice_in_a_request(
    stack: LiveStack, tmp_path: Path
) -> None:
    key = "sk-of-the-user-never-shown"

    async def meet() -> tuple[LiveMeeting, list[dict[str, Any]]]:
        async with record_requests(stack.offline.url) as (url, received):
            keys = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
            with start_worker(
                tmp_path,
                stack.livekit,
                stack.offline.url,
                *("--agent-name", "meetctl-paid", "--grace-s", "1"),
                environment=keys,
            ) as worker:
                await until(worker.registration, "the worker registers", worker.said)
                paid = replace(stack, worker=worker)
                meeting = paid.meeting("paid")
                async with ScriptedPerson("maya", "Maya") as maya:
                    await meeting.admit(maya)
                    await meeting.invite_agent(agent="meetctl-paid")
                    await maya.share_screen(SlidePictures(640, 360), SHARE_FPS)
                    await meeting.wait_for("frame.kept", count=3)
                    await ask(maya, HOW_MANY)
                    await meeting.wait_for("frame.kept", count=7)
                    await ask(maya, STOP)
                await meeting.end()
                assert key not in worker.said()
                return meeting, received

    meeting, received = asyncio.run(meet())
    requests = meeting.events("llm.request")
    assert len(received) == len(requests) >= 2
    for request, body in zip(requests, received, strict=True):
        pictures, labels = pictures_of(body)
        assert len(pictures) == len(labels) == len(request["images"]) <= 5
        assert [message["role"] for message in body["messages"][-len(pictures) - 1 :]] == (
            ["user"] * (len(pictures) + 1)
        )
        assert labels[0].startswith("first visible frame")
        assert labels[-1].startswith("most recent frame")
        assert body["stream_options"]["include_usage"]
    history = json.dumps(received[-1]["messages"])
    assert HOW_MANY in history
    assert "pictures of 640 by 360 pixels" in history
    assert_paid(meeting)
    assert key not in "".join(path.read_text() for path in (meeting.journal, meeting.bundle / "session.json"))


def pictures_of(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the pictures of a request, and the text that stands with each."""
    pictures, labels = [], []
    for message in body["messages"]:
        if isinstance(message["content"], list):
            for part in message["content"]:
                if part["type"] == "image_url":
                    assert part["image_url"]["detail"] == "high"
                    pictures.append(part["image_url"]["url"])
                else:
                    labels.append(part["text"])
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)
    return pictures, labels


def assert_paid(meeting: LiveMeeting) -> None:
    """A model with a key costs its price; the offline ears and voice beside it cost nothing."""
    prices = {"input_tokens": Decimal(2), "output_tokens": Decimal(8)}
    requests = meeting.events("llm.request")
    for request in requests:
        assert (request["provider"], request["cached_input_tokens"]) == ("openai", 0)
        assert Decimal(request["usd"]) == sum(
            request[unit] * price / 1_000_000 for unit, price in prices.items()
        )
    end = meeting.events("session.ended")[0]
    assert {line["provider"] for line in end["cost"]} == {"openai", "offline"}
    assert Decimal(end["usd"]) == sum(Decimal(request["usd"]) for request in requests) > 0
    verification = assert_verified(meeting.bundle)
    assert verification.usd.journal == verification.tokens.journal * prices["input_tokens"] / 1_000_000
