"""Providers that fail, each way once, and a full disk: the meeting goes on, and the journal says so."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from tests.live_agent import until
from tests.live_meeting import (
    ATTEMPTS,
    PATIENCE_S,
    SHARE_FPS,
    LiveStack,
    ask,
    assert_verified,
    run_stack,
    verify,
)

from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

ASKED = "Please stop talking."
ANSWERED = "All right, I am quiet."
FAILURE_S = 40.0
"""How long a failure is waited for, before the question is asked again: longer than any time-out."""
LOOK_EVERY_S = 0.1
REPLY_S = 8.0
"""How long an answer is waited for that need not come."""
DISK_BYTES = 100_000_000
LEFT_BYTES = 40_000
"""Less than some seconds of a recording with every frame in it."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the worker runs; its sessions are on a small disk of their own, where one can be made."""
    directory = tmp_path_factory.mktemp("stack")
    sessions = directory / "worker" / "sessions"
    sessions.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(sessions)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield directory
    if is_mounted:
        subprocess.run(["umount", "--lazy", str(sessions)], check=True)


@pytest.fixture(scope="module")
def stack(directory: Path) -> Iterator[LiveStack]:
    with run_stack(directory, "--grace-s", "1", "--record", "sampled") as running:
        yield running


@asynccontextmanager
async def meet(
    stack: LiveStack, room: str, metadata: Mapping[str, object] | str = ""
) -> AsyncIterator[tuple[LiveMeeting, ScriptedPerson]]:
    """Be in a meeting in which the agent sees a screen."""
    meeting = stack.meeting(room)
    async with ScriptedPerson("maya", "Maya") as maya:
        await meeting.admit(maya)
        await meeting.invite_agent(metadata)
        await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
        await meeting.wait_for("frame.kept", count=2)
        try:
            yield meeting, maya
        finally:
            await stack.heal_providers()


async def disturb(
    meeting: LiveMeeting, maya: ScriptedPerson, provider: str, kind: str, **settings: float
) -> list[Event]:
    """Ask something of a provider that fails once, listen for an answer, and return the errors told of it."""
    known = len(meeting.events("error"))
    await meeting.stack.break_provider(provider, kind, count=1, **settings)
    if kind == "slow":
        await ask(maya, ASKED)
    else:
        await speak_until(maya, lambda: len(meeting.events("error")) > known)
        # What was lost of a question may leave nothing to answer.
        await maya.wait_for_answer(REPLY_S if provider == "deepgram" else PATIENCE_S)
    await meeting.stack.heal_providers()
    errors = meeting.events("error")[known:]
    assert {event["component"] for event in errors} <= {f"plugins.{provider}"}
    assert not quotes_people(errors)
    return errors


async def speak_until(maya: ScriptedPerson, condition: Callable[[], bool]) -> None:
    """Ask until it has come about: what a busy machine loses of a question, nobody answers."""
    for _ in range(ATTEMPTS):
        await maya.speak(ASKED)
        for _ in range(round(FAILURE_S / LOOK_EVERY_S)):
            if condition():
                return
            await asyncio.sleep(LOOK_EVERY_S)
    pytest.fail(f"did not come about: {maya.report()}")


async def works(meeting: LiveMeeting, maya: ScriptedPerson) -> bool:
    """Tell whether a question is answered as it should be, and wait for its request in the journal."""
    known = len(meeting.events("llm.request"))
    answer = await ask(maya, ASKED)
    await meeting.wait_for("llm.request", count=known + 1)
    return ANSWERED in answer


def quotes_people(errors: list[Event]) -> bool:
    text = json.dumps(errors).lower()
    return any(word in text for word in ("stop talking", "quiet", "asked for", "rate limit"))


def described(errors: list[Event]) -> list[tuple[str, int | None, bool]]:
    return [(event["error"], event["status"], event["recoverable"]) for event in errors]


def test_model_that_fails_is_named_and_asked_again(stack: LiveStack) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "model") as (meeting, maya):
            for kind, expected in (
                ("429", ("APIStatusError", 429, True)),
                ("500", ("APIStatusError", 500, True)),
                ("drop", ("APIConnectionError", None, True)),
                ("stall", ("APITimeoutError", None, True)),
            ):
                errors = await disturb(meeting, maya, "openai", kind, stall_s=600)
                assert described(errors) == [expected]
            assert await disturb(meeting, maya, "openai", "slow", delay_s=1, chunk_delay_s=0.05) == []
            # Each of these faults was mended by asking again, within the same turn.
            assert {turn["outcome"] for turn in meeting.events("turn.ended")} == {"done"}
            assert {request["outcome"] for request in meeting.events("llm.request")} == {"done"}
            await stack.break_provider("openai", "503")
            await speak_until(maya, lambda: bool(meeting.events("error", status=503, recoverable=False)))
            (failed,) = await meeting.wait_for("llm.request", outcome="failed")
            assert (failed["basis"], failed["usd"], failed["usd_by_unit"]) == ("estimated", "0", {})
            await stack.heal_providers()
            assert await works(meeting, maya)
        end = await meeting.end()
        assert end["usd"] == "0"
        return meeting

    meeting = asyncio.run(run())
    assert_verified(meeting.bundle)


def test_ears_and_voice_that_fail_are_named_and_work_again(stack: LiveStack) -> None:
    async def run() -> LiveMeeting:
        async with meet(stack, "speech") as (meeting, maya):
            assert await works(meeting, maya)
            ears = await stack.count_ears()
            dropped = await disturb(meeting, maya, "deepgram", "drop")
            # The plugin names a cut that it meets while reading otherwise than one while sending.
            cuts = ("APIStatusError", 1006, True), ("APIConnectionError", None, True)
            assert [one in cuts for one in described(dropped)] == [True]
            assert await works(meeting, maya)
            # The first attempt to connect again was good, and nothing was cut a second time.
            assert await stack.count_ears() == ears + 1
            assert meeting.events("error") == dropped
            assert described(await disturb(meeting, maya, "cartesia", "500")) == [("APIError", None, True)]
            (cut,) = described(await disturb(meeting, maya, "cartesia", "drop"))
            assert cut == ("APIStatusError", 1006, False)
            assert await works(meeting, maya)
            for provider in ("deepgram", "cartesia"):
                assert await disturb(meeting, maya, provider, "slow", delay_s=1) == []
        await meeting.end()
        return meeting

    meeting = asyncio.run(run())
    assert_verified(meeting.bundle)


def test_full_disk_stops_the_recording_and_not_the_meeting(stack: LiveStack) -> None:
    disk = stack.worker.sessions
    if not disk.is_mount():
        pytest.skip("needs a disk that can be filled: only root may mount one")

    async def run() -> LiveMeeting:
        worker = stack.worker
        async with meet(stack, "full-disk", {"record": "full"}) as (meeting, maya):
            filler = disk / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - LEFT_BYTES))
            await until(lambda: "the recording has stopped: no space is left" in worker.said(), "it is full")
            with filler.open("ab") as file:
                file.write(bytes(max(0, shutil.disk_usage(disk).free - 4096)))
            await until(lambda: "events.jsonl cannot be written" in worker.said(), "an event is lost")
            assert ANSWERED in await ask(maya, ASKED)
            filler.unlink()
            await meeting.wait_for_more("frame.kept", 2)
            assert await works(meeting, maya)
        await meeting.wait_for("session.ended", reason="everyone left")
        await until(lambda: "ended_at" in meeting.session, "the session's end")
        return meeting

    meeting = asyncio.run(run())
    end = meeting.events()[-1]
    seqs = [event["seq"] for event in meeting.events()]
    assert end["lost_events"] == end["seq"] + 1 - len(seqs) > 0
    assert end["recorded"]["stopped"] == "no space is left"
    assert end["recorded"]["dropped"] > 0
    assert end["frames_kept"] > end["recorded"]["segments"] == 1
    assert (meeting.bundle / "meeting.mkv").exists()
    undecided = verify(meeting.bundle)
    assert not undecided.is_decided
    assert f"lacks {end['lost_events']} events" in str(undecided.first_difference)
