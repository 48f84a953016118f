"""Providers that fail in whole meetings: another takes over, and when none is left the agent takes leave."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from tests.backed_meeting import BackedStack, run_backed_stack, typing
from tests.live_agent import until

from meetctl import bootstrap
from meetctl.agent.farewell import FAILURES, REASONS, SENTENCES
from meetctl.domain.pricing import price_of
from meetctl.stack.participant.person import ScriptedPerson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

FIRST, SECOND = "gpt-4.1", "gpt-4.1-mini"
ASKED = "Please stop talking."
ANSWERED = "All right, I am quiet."
OPTIONS = ("--grace-s", "1", "--record", "off", "--fallback-model", SECOND)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedStack]:
    directory = tmp_path_factory.mktemp("stack")
    with run_backed_stack(directory, *OPTIONS, model_key="key-of-a-test") as running:
        yield running


@pytest.fixture(autouse=True)
def healed(stack: BackedStack) -> Iterator[None]:
    yield
    stack.offline.ask("DELETE", "/faults")


def changes(meeting: LiveMeeting) -> list[tuple[str, str, str, str | None]]:
    """Return what the journal says of providers: what, of which use, whose, and who instead."""
    return [
        (
            event["type"].removeprefix("provider."),
            event["use"],
            event["model"],
            event["instead"] and event["instead"]["model"],
        )
        for event in meeting.events()
        if event["type"].startswith("provider.")
    ]


def spoken_by(meeting: LiveMeeting) -> list[str]:
    return [event["model"] for event in meeting.events("tts.usage") if event["audio_s"]]


def input_price(request: Event) -> Decimal:
    """Return what the request's input tokens cost by the price of the model that it names."""
    price = bootstrap.price_book(()).price(
        request["model"], "input_tokens", datetime.fromisoformat(request["ts"])
    )
    assert price is not None
    return price_of(Fraction(request["input_tokens"]), price)


def test_premium_voice_speaks_where_allowed_falls_back_and_returns(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("premium", "use_premium_voice")
        async with typing(meeting) as maya:
            assert ANSWERED in await maya.ask(ASKED)
            await meeting.wait_for("tts.usage", model="coda")
            await stack.break_provider("rime", "503")
            assert ANSWERED in await maya.ask(ASKED)
            await meeting.wait_for("tts.usage", model="sonic-3")
            await meeting.wait_for("provider.degraded")
            await stack.heal_providers()
            # What has failed is tried again beside the next answer, which the other one still speaks.
            assert ANSWERED in await maya.ask(ASKED)
            await meeting.wait_for("provider.recovered")
            assert ANSWERED in await maya.ask(ASKED)
        await meeting.end()
        return meeting

    meeting = asyncio.run(run())
    assert changes(meeting) == [
        ("degraded", "tts", "coda", "sonic-3"),
        ("recovered", "tts", "coda", None),
    ]
    voices = spoken_by(meeting)
    assert voices[0] == voices[-1] == "coda"
    assert "sonic-3" in voices


def test_usual_voice_speaks_where_the_premium_one_is_not_allowed(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("usual")
        async with typing(meeting) as maya:
            assert ANSWERED in await maya.ask(ASKED)
            await meeting.wait_for("tts.usage")
        await meeting.end()
        return meeting

    meeting = asyncio.run(run())
    assert set(spoken_by(meeting)) == {"sonic-3"}
    assert changes(meeting) == []


def test_request_is_named_by_the_model_that_answered(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("models")
        async with typing(meeting) as maya:
            assert ANSWERED in await maya.ask(ASKED)
            await stack.break_provider("openai", "503", count=1)
            assert ANSWERED in await maya.ask(ASKED)
            await meeting.wait_for("provider.recovered")
            assert ANSWERED in await maya.ask(ASKED)
        await meeting.end()
        return meeting

    meeting = asyncio.run(run())
    requests = meeting.events("llm.request")
    assert [(one["model"], one["outcome"]) for one in requests] == [
        (FIRST, "done"),
        (SECOND, "done"),
        (FIRST, "done"),
    ]
    for one in requests:
        assert Decimal(one["usd_by_unit"]["input_tokens"]) == input_price(one) > 0
    assert input_price(requests[0]) > input_price(requests[1] | {"input_tokens": requests[0]["input_tokens"]})
    # The failed one is asked again beside the other's answer, and bills that.
    assert [one["model"] for one in meeting.events("llm.probe")] == [FIRST]
    assert changes(meeting) == [("degraded", "llm", FIRST, SECOND), ("recovered", "llm", FIRST, None)]
    models = {line["model"] for line in meeting.events()[-1]["cost"] if "tokens" in line["unit"]}
    assert models == {FIRST, SECOND}


def test_without_a_model_the_agent_says_goodbye_and_leaves(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("mute model")
        async with typing(meeting) as maya:
            assert ANSWERED in await maya.ask(ASKED)
            await stack.break_provider("openai", "503")
            for _ in range(FAILURES["llm"] - 1):
                await maya.ask_in_vain(ASKED)
            await maya.type(ASKED)
            await meeting.end(REASONS["llm"])
        return meeting

    meeting = asyncio.run(run())
    assert [event["text"] for event in meeting.events("transcript", role="assistant")][-1] == SENTENCES["llm"]
    # It was spoken to its end before the agent left.
    assert meeting.events("transcript", role="assistant")[-1]["interrupted"] is False
    assert meeting.events("tts.usage")[-1]["characters"] == len(SENTENCES["llm"])
    failed = meeting.events("llm.request", outcome="failed")
    assert [one["usd"] for one in failed] == ["0"] * FAILURES["llm"]
    assert [turn["outcome"] for turn in meeting.events("turn.ended")] == [
        "done",
        *["failed"] * FAILURES["llm"],
    ]


def test_without_a_voice_the_agent_writes_goodbye_and_leaves(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("no voice")
        async with typing(meeting) as maya:
            assert ANSWERED in await maya.ask(ASKED)
            await stack.break_provider("cartesia", "503")
            for _ in range(FAILURES["tts"] - 1):
                await maya.ask_in_vain(ASKED)
            await maya.type(ASKED)
            await until(lambda: SENTENCES["tts"] in maya.read, "the goodbye", meeting.stack.worker.said)
            await meeting.end(REASONS["tts"])
        return meeting

    meeting = asyncio.run(run())
    assert meeting.events("error", component="plugins.cartesia", recoverable=False)
    assert set(spoken_by(meeting)) == {"sonic-3"}


def test_without_ears_the_agent_says_goodbye_and_leaves(stack: BackedStack) -> None:
    async def run() -> LiveMeeting:
        meeting = stack.tenant_meeting("deaf")
        await stack.break_provider("deepgram", "503")
        # Somebody with a microphone: without any there is nothing to recognise.
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await meeting.invite_agent()
            await meeting.end(REASONS["stt"])
        return meeting

    meeting = asyncio.run(run())
    assert [event["text"] for event in meeting.events("transcript", role="assistant")] == [SENTENCES["stt"]]
    assert meeting.events("tts.usage")[-1]["characters"] == len(SENTENCES["stt"])
