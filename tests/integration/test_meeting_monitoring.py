"""What leaves whole meetings besides their bundles: logs, metrics, telemetry, and files of any kind."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from livekit import api
from tests import marked_secrets as marked
from tests.backed_meeting import BackedStack, Typist, run_backed_stack, typing
from tests.live_agent import AGENT
from tests.live_agent import ask as fetch
from tests.live_meeting import ask, serve
from tests.telemetry_collector import Collector, run_collector

from meetctl.adapters.control_sender import find_agents, send_control
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.control import CONTROL_TOPIC
from meetctl.domain.control_token import make_claims
from meetctl.domain.tenancy import Personality
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.slides import TitleSlide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live_meeting import LiveMeeting

pytestmark = pytest.mark.live

OPTIONS = ("--log-format", "json", "--prometheus-port", "0", "--record", "sampled", "--grace-s", "1")
CLOCK = SystemClock()

SPOKEN = "How many pictures did you get?"
TYPED = f"My code is {marked.MARK}, {marked.SAID}."
OPENS = "When does the warehouse open?"
KNOWN = f"The {marked.MARK} warehouse opens at seven."
TITLE = f"{marked.MARK} hours"
INSTRUCTIONS = f"You are the {marked.MARK} assistant of a test. Answer in one sentence."
GREETING = f"Hello from {marked.MARK}."
SLIDES = (TitleSlide(marked.SHOWN, marked.SHOWN),)
BUNDLE = {"session.json", "events.jsonl", "meeting.mkv", "delivered.json", "delivery.lock"}


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """A temporary directory for all that workers start, with a path short enough for a socket's."""
    directory = Path(tempfile.mkdtemp(prefix="meetctl-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with run_collector() as running:
        yield running


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, temporary: Path, collector: Collector
) -> Iterator[BackedStack]:
    directory = tmp_path_factory.mktemp("stack")
    instructions = directory / "instructions.txt"
    instructions.write_text(INSTRUCTIONS)
    with run_backed_stack(
        directory,
        *OPTIONS,
        *("--instructions", str(instructions), "--greeting", GREETING),
        backend_key=marked.BACKEND_KEY,
        model_key=marked.API_KEY,
        environment={
            "TMPDIR": str(temporary),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        },
    ) as running:
        yield running


@contextmanager
def another_worker(
    stack: BackedStack, directory: Path, agent: str, *options: str, **variables: str
) -> Iterator[BackedStack]:
    """Run a worker of another name beside the stack's own, and yield the same stack with it."""
    options = (*OPTIONS, "--agent-name", agent, "--greeting", GREETING, *options)
    environment = {**stack.variables, **variables}
    with serve(directory, stack.livekit, stack.offline.url, *options, environment=environment) as worker:
        yield replace(stack, worker=worker)


async def hold_meeting(
    stack: BackedStack, room: str, *, agent: str = AGENT, at_the_end: Callable[[], None] = lambda: None
) -> LiveMeeting:
    """Hold a meeting in which everything is said, shown, looked up and broken that is marked."""
    meeting = stack.tenant_meeting(room)
    tenant_id = f"tenant-of-{room}"
    stack.peer.set_personality(tenant_id, Personality(instructions=INSTRUCTIONS, greeting=GREETING))
    stack.peer.add_knowledge(tenant_id, "doc-1", KNOWN, title=TITLE)
    async with ScriptedPerson(marked.IDENTITY, marked.NAME) as maya:
        await meeting.admit(maya)
        typist = Typist(meeting, maya._connected())
        await meeting.invite_agent(agent=agent)
        await maya.wait_for_answer()
        await maya.share_screen(SlidePictures(320, 240, SLIDES), 10)
        await meeting.wait_for("frame.kept")
        await ask(maya, SPOKEN)
        await typist.prompt(TYPED)
        await typist.prompt(OPENS)
        for order, tool in (
            ("Please look closely.", "look_closely"),
            ("Please search the knowledge about the warehouse.", "search_knowledge"),
            ("Please end the meeting.", "end_meeting"),
        ):
            await typist.type(order)
            await meeting.wait_for("tool.called", tool=tool)
        await break_all(stack, meeting, typist)
        await send_forged(meeting)
        await send_control(stack.livekit, room, "say", {"text": marked.SAID}, clock=CLOCK)
        await meeting.wait_for("transcript", role="assistant", text=marked.SAID)
        at_the_end()
    await meeting.end()
    assert meeting.events("knowledge.searched", asked_by="model", used=True)
    return meeting


async def break_all(stack: BackedStack, meeting: LiveMeeting, typist: Typist) -> None:
    """Let the model fail for good, the voice once, and the backend go away and come back."""
    await stack.break_provider("openai", "500")
    await typist.type(TYPED)
    await meeting.wait_for("error", component="plugins.openai", recoverable=False)
    await stack.heal_providers()
    await break_voice(stack, meeting, typist)
    stack.peer.stop()
    await typist.type(OPENS)
    await meeting.wait_for("backend.degraded")
    stack.peer.start()


async def break_voice(stack: BackedStack, meeting: LiveMeeting, typist: Typist) -> None:
    await stack.break_provider("cartesia", "500", count=1)
    await typist.type(TYPED)
    await meeting.wait_for("error", component="plugins.cartesia")


async def send_forged(meeting: LiveMeeting) -> None:
    """Let somebody with another secret steer the agent."""
    access = meeting.stack.livekit
    (agent,) = await find_agents(access, meeting.room)
    claims = make_claims(
        api_key=access.api_key,
        room=meeting.room,
        agent=agent.identity,
        op="say",
        args={"text": marked.SAID},
        jti=f"{marked.MARK}-jti-0001",
        now_s=int(CLOCK.now().timestamp()),
    )
    message = json.dumps({"jwt": jwt.encode(claims, marked.API_SECRET, algorithm="HS256")}).encode()
    async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as livekit:
        await livekit.room.send_data(
            api.SendDataRequest(
                room=meeting.room,
                data=message,
                topic=CONTROL_TOPIC,
                destination_identities=[agent.identity],
            )
        )
    await meeting.wait_for("control.refused", reason="forged")


def keys_of(stack: BackedStack) -> tuple[str, ...]:
    return marked.API_KEY, marked.BACKEND_KEY, marked.API_SECRET, stack.livekit.api_secret, "eyJ"


def leaks(stack: BackedStack, content: bytes) -> list[str]:
    """Return what of people, pictures and keys is found in what was written."""
    # Pictures, and words that were really spoken, bear no mark.
    others = (SPOKEN, "data:image", "/9j/", *keys_of(stack))
    return marked.search(content) + [form for form in others if form.lower().encode() in content.lower()]


def files_below(*directories: Path) -> dict[str, bytes]:
    """Return the content of every file that can be read, by its path."""
    return {
        str(path): path.read_bytes()
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file()
    }


def written(stack: BackedStack, temporary: Path, collector: Collector) -> dict[str, bytes]:
    """Return everything that has left processes of meetctl so far, except into bundles and the room."""
    return {
        "log": stack.worker.log.read_bytes(),
        "telemetry": collector.text().encode(),
        "metrics": asyncio.run(read_metrics(stack)).encode(),
        **files_below(temporary, Path.home(), state_of(stack)),
    }


def state_of(stack: BackedStack) -> Path:
    """Return where a worker keeps its logs, what it says of itself, and what its meetings have spent."""
    return stack.worker.state.parents[1]


async def read_metrics(stack: BackedStack) -> str:
    registration = stack.worker.registration()
    assert registration is not None
    status, text = await fetch(f"http://127.0.0.1:{registration['prometheus_port']}/metrics")
    assert status == 200
    return text


def lines_of(stack: BackedStack, meeting: LiveMeeting) -> list[dict[str, Any]]:
    """Return the lines that the process of a meeting has logged since it began."""
    lines = [json.loads(line) for line in stack.worker.said().splitlines()]
    (process,) = {line["pid"] for line in lines if line["session_id"] == meeting.session["session_id"]}
    began = meeting.events("session.started")[0]["ts"]
    return [line for line in lines if line["pid"] == process and line["ts"] >= began]


def latest(meeting: LiveMeeting, type_: str, at: str) -> dict[str, Any] | None:
    """Return the last event of a type that was before a time."""
    return next((event for event in reversed(meeting.events(type_)) if event["ts"] < at), None)


def test_nothing_said_shown_or_secret_leaves_and_every_line_says_whose_it_is(
    stack: BackedStack, temporary: Path, collector: Collector
) -> None:
    files: dict[str, bytes] = {}

    def look() -> None:
        # What a job keeps in temporary files is gone when it has ended.
        files.update(files_below(temporary, state_of(stack)))

    meeting = asyncio.run(hold_meeting(stack, "production", at_the_end=look))
    assert any("counter_slot" in name for name in files)
    assert collector.spans
    everything = {**files, **written(stack, temporary, collector)}
    assert {name: found for name, content in everything.items() if (found := leaks(stack, content))} == {}
    assert_platform_is_told_no_words(stack, meeting)
    assert {path.name for path in meeting.bundle.iterdir()} <= BUNDLE
    assert {path.parent for path in stack.worker.sessions.rglob("*")} == {
        stack.worker.sessions,
        meeting.bundle,
    }
    bundle = b"".join(files_below(meeting.bundle).values())
    assert marked.NAME.encode() in bundle
    assert [key for key in keys_of(stack) if key.encode() in bundle] == []

    kept = stack.worker.log_file()
    assert sorted(kept.read_text().splitlines()) == sorted(stack.worker.said().splitlines())
    assert kept.stat().st_mode & 0o077 == 0
    assert str(kept) in everything

    lines = lines_of(stack, meeting)
    assert {line["logger"].partition(".")[0] for line in lines} >= {"meetctl", "livekit"}
    for line in lines:
        resolved = latest(meeting, "tenant.resolved", line["ts"])
        turn = latest(meeting, "turn.started", line["ts"])
        assert line["session_id"] == meeting.session["session_id"]
        assert line["room"] == "production"
        assert line["job_id"] == meeting.events("session.started")[0]["job"]
        assert line["tenant"] == (resolved and resolved["tenant_id"])
        assert line["turn"] == (turn and turn["turn"])


def assert_platform_is_told_no_words(stack: BackedStack, meeting: LiveMeeting) -> None:
    """What the backend is told of a meeting quotes nobody."""
    tenant_id = f"tenant-of-{meeting.room}"
    told = repr([*stack.peer.usage(tenant_id), *stack.peer.events(tenant_id)])
    assert "tts.usage" in told
    for value in (marked.NAME, marked.SAID, marked.SHOWN, GREETING, INSTRUCTIONS, *keys_of(stack)):
        assert value not in told


def test_nothing_leaves_with_tracebacks_either(
    stack: BackedStack, temporary: Path, collector: Collector, tmp_path: Path
) -> None:
    with another_worker(stack, tmp_path / "worker", "debugging", MEETCTL_DEBUG="1") as debugging:
        meeting = asyncio.run(hold_meeting(debugging, "debugging", agent="debugging"))
        everything = written(debugging, temporary, collector)
    assert any("traceback" in line for line in lines_of(debugging, meeting))
    assert {name: found for name, content in everything.items() if (found := leaks(stack, content))} == {}


def test_words_leave_only_where_that_is_asked_for_and_keys_never(stack: BackedStack, tmp_path: Path) -> None:
    async def run(stack: BackedStack) -> None:
        meeting = stack.tenant_meeting("content")
        async with typing(meeting, marked.IDENTITY, agent="talkative") as maya:
            await maya.prompt(TYPED)
            await break_voice(stack, meeting, maya)
        await meeting.end()

    with (
        run_collector() as collector,
        another_worker(
            stack,
            tmp_path / "worker",
            "talkative",
            "--log-content",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        ) as talkative,
    ):
        asyncio.run(run(talkative))
        log, telemetry = talkative.worker.said(), collector.text()
    assert marked.MARK in log
    assert marked.SAID in telemetry
    assert [key for key in keys_of(stack) if key in log or key in telemetry] == []
