"""Meetings whose spending reaches their budgets: vision goes first, speech last, and both come back."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from tests.live_agent import until
from tests.live_meeting import (
    PATIENCE_S,
    SHARE_FPS,
    LiveStack,
    ask,
    assert_verified,
    clean_home,
    serve,
)
from tests.local_stack import run_livekit_server
from tests.offline_server import running_offline_server
from tests.typed_talk import connection_of, type_to_agent

from meetctl.adapters.control_sender import send_control
from meetctl.adapters.system_clock import SystemClock
from meetctl.agent.budget_notices import FAREWELL, LESS_CLOSELY, NO_SPEECH, NO_VISION, REASON, SPEECH
from meetctl.agent.video_agent import NOT_ASKED
from meetctl.domain.budget import DEFAULT_STEPS, format_steps
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from livekit import rtc
    from tests.conftest import MeetctlRunner
    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

CLOCK = SystemClock()
HOW_MANY = "How many pictures did you get?"
RECOGNITION_SLACK_S = 1.0
"""By how much the seconds that recognition reports may differ from the journal's own."""
STOP = "Please stop talking."
QUIET = "All right, I am quiet."
LIMIT_USD = Decimal("0.05")
DAY_USD = Decimal("0.02")
DETAIL, RATE, VISION, SPEECH_OFF = (step.name for step in DEFAULT_STEPS)
LEAVING = "meetctl-leaving"
"""The agent of the worker whose meetings are left when their budget is used up."""
ACME, HOOLI = "acme", "hooli"
BUDGETS = {
    "MEETCTL_BUDGET_MEETING_USD": str(LIMIT_USD),
    "MEETCTL_BUDGET_TENANTS": json.dumps({ACME: {"day_usd": str(DAY_USD), "meeting_usd": "100"}}),
    "MEETCTL_BUDGET_STEPS": format_steps(DEFAULT_STEPS),
    "MEETCTL_BUDGET_ANNOUNCE": "chat",
}
OPTIONS = ("--grace-s", "1", "--record", "full", "--fps", "4")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def stack(directory: Path) -> Iterator[LiveStack]:
    """A worker whose model is billed as OpenAI's, at list prices, though nobody bills it."""
    for name in ("home", "livekit", "offline"):
        (directory / name).mkdir()
    with (
        clean_home(directory / "home"),
        run_livekit_server(directory / "livekit") as livekit,
        running_offline_server(directory / "offline") as offline,
        serve(
            directory / "worker",
            livekit,
            offline.url,
            *OPTIONS,
            environment={**BUDGETS, **billed_as_openai(offline.url)},
        ) as worker,
    ):
        yield LiveStack(livekit=livekit, offline=offline, worker=worker)


def billed_as_openai(offline_url: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-of-nobody", "OPENAI_BASE_URL": f"{offline_url}/v1"}


@contextmanager
def another_worker(stack: LiveStack, directory: Path, budgets: Mapping[str, str]) -> Iterator[LiveStack]:
    """Run a second worker, with other budgets and a name of its own, on the first one's home."""
    with (
        clean_home(directory / "home"),
        serve(
            directory / "another",
            stack.livekit,
            stack.offline.url,
            *(*OPTIONS, "--agent-name", LEAVING),
            environment={**budgets, **billed_as_openai(stack.offline.url)},
        ) as worker,
    ):
        yield LiveStack(livekit=stack.livekit, offline=stack.offline, worker=worker)


@asynccontextmanager
async def meet(
    stack: LiveStack, room: str, *, agent: str = "meetctl-test", **order: object
) -> AsyncIterator[tuple[LiveMeeting, ScriptedPerson]]:
    """Be alone in a meeting with the agent, share slides, and let it answer in writing, which is quicker."""
    meeting = stack.meeting(room)
    async with ScriptedPerson("maya", "Maya") as maya:
        await meeting.admit(maya)
        await meeting.invite_agent(order, agent=agent)
        await maya.share_screen(SlidePictures(640, 480), SHARE_FPS)
        await steer(meeting, "mute", what="voice")
        yield meeting, maya


async def steer(meeting: LiveMeeting, op: str, **args: object) -> None:
    await send_control(meeting.stack.livekit, meeting.room, op, args, clock=CLOCK, limit_s=PATIENCE_S)


async def spend_until(meeting: LiveMeeting, maya: ScriptedPerson, step: str) -> Event:
    """Ask the model until a step is taken, and return its event; each question is about newer frames."""
    while not meeting.events("budget.step", step=step):
        if not meeting.events("budget.step", step=VISION):
            await meeting.wait_for_more("video.frames")
        await type_to_agent(meeting, maya, HOW_MANY)
    return meeting.events("budget.step", step=step)[0]


def read_chat(maya: ScriptedPerson) -> list[str]:
    """Return what will be written to everybody in the room from now on."""
    read: list[str] = []
    tasks = set[asyncio.Task[None]]()

    async def keep(reader: rtc.TextStreamReader) -> None:
        read.append(await reader.read_all())

    def receive(reader: rtc.TextStreamReader, _: str) -> None:
        task = asyncio.create_task(keep(reader))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    connection_of(maya).register_text_stream_handler("lk.chat", receive)
    return read


def spent_before(meeting: LiveMeeting, event: Event) -> Decimal:
    """Return what the journal's uses before an event cost."""
    uses = [one for one in meeting.events() if "usd" in one and one["type"] != "session.ended"]
    return sum((Decimal(one["usd"]) for one in uses if one["seq"] < event["seq"]), Decimal(0))


def requests_between(meeting: LiveMeeting, step: Event, until_: Event | None) -> list[Event]:
    """Return the requests that ended while a step was the last one; they began then, too."""
    end = until_["seq"] if until_ else float("inf")
    return [one for one in meeting.events("llm.request") if step["seq"] < one["seq"] < end]


def test_a_meeting_gives_up_vision_first_and_speech_last_and_gets_all_of_it_back(stack: LiveStack) -> None:
    async def run() -> tuple[LiveMeeting, list[str]]:
        async with meet(stack, "steps") as (meeting, maya):
            chat = read_chat(maya)
            await meeting.wait_for("frame.kept", count=6)
            for step in (DETAIL, RATE, VISION, SPEECH_OFF):
                await spend_until(meeting, maya, step)
            await until(lambda: NO_SPEECH in chat, "people are told", lambda: str(chat))
            asked = await stack.used()
            assert await type_to_agent(meeting, maya, HOW_MANY) == NOT_ASKED
            assert await stack.used() == asked
            await steer(meeting, "budget", meeting_usd="100")
            await until(lambda: SPEECH in chat, "people are told", lambda: str(chat))
            await meeting.wait_for_more("frame.kept", 6)
            assert "I got 5 pictures" in await type_to_agent(meeting, maya, HOW_MANY)
            # What an operator has muted stays so; and people are understood again when they speak.
            assert not meeting.events("tts.usage")
            await steer(meeting, "unmute", what="voice")
            assert QUIET in await ask(maya, STOP)
        await meeting.end()
        return meeting, chat

    meeting, chat = asyncio.run(run())
    steps = meeting.events("budget.step")
    assert [one["step"] for one in steps] == [DETAIL, RATE, VISION, SPEECH_OFF, None]
    assert [one["from"] for one in steps] == [None, DETAIL, RATE, VISION, SPEECH_OFF]
    assert [one["level"] for one in steps] == [1, 2, 3, 4, 0]
    assert {one["budget"] for one in steps} == {"meeting"}
    assert [text for text in chat if "pictures" not in text] == [
        *(LESS_CLOSELY, LESS_CLOSELY, NO_VISION, NO_SPEECH, SPEECH),
    ]
    assert_steps_hold(meeting, steps)
    assert_verified(meeting.bundle)


def assert_steps_hold(meeting: LiveMeeting, steps: list[Event]) -> None:
    """Each step stands where the journal's own sum reaches it, and requests go by the step before them."""
    for one, step in zip(steps, DEFAULT_STEPS, strict=False):
        assert Decimal(one["spent_usd"]) == spent_before(meeting, one)
        assert Fraction(one["spent_usd"]) >= step.share * Fraction(LIMIT_USD)
        assert one["priced"] == 1
    spans = zip(steps, [*steps[1:], None], strict=True)
    detail, rate, vision, speech, none = (requests_between(meeting, *span) for span in spans)
    assert {(len(one["images"]), one["detail"]) for one in detail} == {(5, "low")}
    assert {(len(one["images"]), one["detail"]) for one in rate} == {(1, "low")}
    assert {(len(one["images"]), one["image_tokens"]) for one in vision} == {(0, 0)}
    assert speech == []
    assert {(len(one["images"]), one["detail"]) for one in none} == {(5, "high")}
    # The connection to recognition is closed with speech, and one is opened when it comes back.
    off, back, last = steps[3]["t"], steps[4]["t"], meeting.events()[-1]["t"]
    heard_s = [
        sum(one["audio_s"] for one in meeting.events("stt.usage") if begin <= one["t"] < end)
        for begin, end in ((0, back), (back, last + 1))
    ]
    assert heard_s[0] < off + RECOGNITION_SLACK_S
    assert heard_s[1] > 0
    shut = [one["eyes"] for one in meeting.events("policy.changed")]
    assert shut == [True, True, False, False, True]


def test_meetings_of_a_tenant_share_its_day_even_when_one_of_them_is_killed(
    stack: LiveStack, directory: Path, meetctl: MeetctlRunner
) -> None:
    async def run() -> tuple[LiveMeeting, LiveMeeting, LiveMeeting]:
        async with meet(stack, "spends", tenant=ACME) as (first, maya):
            async with meet(stack, "shares", tenant=ACME) as (second, _):
                await first.wait_for("frame.kept", count=6)
                await spend_until(first, maya, DETAIL)
                # The other one has asked for nothing, and is held to the same day all the same.
                (shared,) = await second.wait_for("budget.step")
                assert (shared["budget"], shared["step"]) == ("tenant day", DETAIL)
                stack.worker.process_of(first.journal).kill()
                await second.wait_for("agent.state", new="listening")
                async with meet(stack, "later", tenant=ACME) as (third, noor):
                    (begun,) = await third.wait_for("budget.step")
                    assert (begun["budget"], begun["step"]) == ("tenant day", DETAIL)
                    await spend_until(third, noor, SPEECH_OFF)
                    await second.wait_for("budget.step", step=SPEECH_OFF)
                    assert await type_to_agent(third, noor, HOW_MANY) == NOT_ASKED
                await third.end()
            await second.end()
        return first, second, third

    first, second, third = asyncio.run(run())
    assert not first.events("session.ended")
    known = budget_of(directory, meetctl, ACME)
    spent = sum((spent_before(one, {"seq": 10**9}) for one in (first, second, third)), Decimal(0))
    assert (Decimal(known["spent_usd"]), known["sessions"], known["running"]) == (spent, 3, 0)
    assert (Decimal(known["limit_usd"]), known["step"]) == (DAY_USD, SPEECH_OFF)
    assert spent >= DAY_USD
    for meeting in (first, second, third):
        assert_verified(meeting.bundle)


def test_an_order_lowers_the_budget_and_the_last_step_may_be_to_leave(
    stack: LiveStack, directory: Path, meetctl: MeetctlRunner
) -> None:
    async def run(leaving: LiveStack) -> LiveMeeting:
        order = {"tenant": HOOLI, "budget_usd": "0.007"}
        async with meet(leaving, "leaves", agent=LEAVING, **order) as (meeting, maya):
            chat = read_chat(maya)
            await meeting.wait_for("frame.kept", count=6)
            await type_to_agent(meeting, maya, HOW_MANY)
            assert [one["limit_usd"] for one in meeting.events("budget.step")] == ["0.007"]
            running = budget_of(directory, meetctl, HOOLI)
            assert (running["running"], running["step"]) == (1, None)
            await type_to_agent(meeting, maya, HOW_MANY)
            await until(lambda: FAREWELL in " ".join(chat), "it says why", lambda: str(chat))
            await meeting.end(REASON)
            assert LESS_CLOSELY not in chat
        return meeting

    budgets = {"MEETCTL_BUDGET_STEPS": "50% window=2, 100% leave"}
    with another_worker(stack, directory, budgets) as leaving:
        meeting = asyncio.run(run(leaving))
    assert [one["step"] for one in meeting.events("budget.step")] == ["window=2", "leave"]
    assert_verified(meeting.bundle)


def budget_of(directory: Path, meetctl: MeetctlRunner, tenant: str) -> dict[str, Any]:
    """Return what `meetctl cost budget` says of a tenant's day."""
    environment = {"XDG_STATE_HOME": str(directory / "home" / ".local" / "state")}
    done = meetctl("cost", "budget", "--json", "--tenant", tenant, env=environment)
    assert done.returncode == 0, done.stderr
    (known,) = json.loads(done.stdout)["tenants"]
    assert isinstance(known, dict)
    return known
