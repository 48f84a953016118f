"""`meetctl agent start` and `dev`: workers in their own processes, with a real LiveKit server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.live_agent import (
    AGENT,
    RestartableServer,
    ask,
    attend,
    dispatch,
    environment_of,
    read_events,
    registrations,
    run_silent_providers,
    run_worker,
    start_worker,
    until,
)
from tests.local_stack import run_livekit_server

import meetctl as meetctl_package
from meetctl.core.local_stack import LiveKitAccess
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.conftest import MeetctlRunner
    from tests.live_agent import Worker

pytestmark = pytest.mark.live

ON_DEMAND = ("--idle-processes", "0")
"""No process waits for a next meeting that a test does not have."""
NOWHERE = "http://127.0.0.1:9"
"""Providers that no test here ever asks."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


def with_worker(
    directory: Path, server: LiveKitAccess, use: Callable[[Worker], Awaitable[None]], *options: str
) -> None:
    """Run a worker with these options, and what uses it."""

    async def run() -> None:
        async with (
            run_silent_providers() as providers,
            run_worker(directory, server, providers, *ON_DEMAND, *options) as worker,
        ):
            await use(worker)

    asyncio.run(run())


def test_worker_tells_where_it_serves_and_ends_at_a_signal(tmp_path: Path, server: LiveKitAccess) -> None:
    async def use(worker: Worker) -> None:
        registration = worker.registration()
        assert registration is not None
        assert registration["schema"] == "meetctl.worker/1"
        assert registration["pid"] == worker.process.pid
        assert registration["agent_name"] == AGENT
        assert registration["url"] == server.url
        assert registration["max_meetings"] == 3
        assert registration["worker_id"].startswith("AW_")
        assert await ask(worker.url("/")) == (200, "OK")
        status, text = await ask(worker.url("/worker"))
        assert (status, json.loads(text)["agent_name"]) == (200, AGENT)
        status, text = await ask(f"http://127.0.0.1:{registration['prometheus_port']}/metrics")
        assert status == 200
        assert "lk_agents_worker_load" in text
        ready = f"ready: agent {AGENT!r} serves up to 3 meetings of {server.url}"
        assert ready in worker.said()
        assert f"health at port {registration['http_port']}" in worker.said()
        assert f"metrics at port {registration['prometheus_port']}" in worker.said()
        assert server.api_secret not in worker.said()
        worker.signal(signal.SIGTERM)
        assert await worker.exit_status() == 0
        await worker.wait_until_gone()
        assert worker.registration() is None

    with_worker(
        tmp_path, server, use, "--max-meetings", "3", "--prometheus-port", "0", "--idle-processes", "1"
    )


def explain(meetctl: MeetctlRunner, *options: str, environment: dict[str, str]) -> tuple[int, str, str]:
    """Run a worker that cannot start; return its exit status, its line and its hint."""
    ran = meetctl("agent", "start", *options, env=environment)
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    for name, value in environment.items():
        # LiveKit's key is an id that a token names too; its secret is LIVEKIT_API_SECRET.
        if name.endswith(("_SECRET", "_KEY")) and name != "LIVEKIT_API_KEY" and value:
            assert value not in ran.stderr
    lines = ran.stderr.splitlines()
    told = [place for place, line in enumerate(lines) if line.startswith("meetctl: ")]
    assert len(told) == 1, ran.stderr
    return ran.returncode, lines[told[0]], " ".join(lines[told[0] + 1 :])


def test_without_a_server_it_names_the_variable(meetctl: MeetctlRunner) -> None:
    status, line, hint = explain(meetctl, environment={})
    assert status == 2
    assert "LIVEKIT_URL" in line
    assert "meetctl up" in hint


def test_without_the_servers_key_it_names_both_variables(meetctl: MeetctlRunner) -> None:
    status, line, _ = explain(meetctl, environment={"LIVEKIT_URL": "ws://127.0.0.1:9"})
    assert status == 2
    assert "LIVEKIT_API_KEY (" in line
    assert "LIVEKIT_API_SECRET (" in line


def test_without_a_providers_key_it_names_the_variable(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    environment = environment_of(server, "") | {"OPENAI_API_KEY": "sk-secret-of-the-user"}
    status, line, hint = explain(meetctl, environment=environment)
    assert status == 2
    assert "DEEPGRAM_API_KEY" in line
    assert "meetctl up" in hint


def test_wrong_secret_is_told_apart_from_an_unreachable_server(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    wrong = LiveKitAccess(url=server.url, api_key=server.api_key, api_secret="wrong" * 8)
    status, line, hint = explain(meetctl, environment=environment_of(wrong, NOWHERE))
    assert status == 3
    assert f"{server.url} refused the key" in line
    assert "LIVEKIT_API_SECRET" in hint
    gone = LiveKitAccess(url="ws://127.0.0.1:9", api_key=server.api_key, api_secret=server.api_secret)
    status, line, hint = explain(meetctl, environment=environment_of(gone, NOWHERE))
    assert status == 3
    assert "ws://127.0.0.1:9 cannot be reached" in line
    assert "LIVEKIT_URL" in hint


@pytest.mark.parametrize("option", ["--port", "--prometheus-port"])
def test_port_that_is_taken_is_named_with_its_option(
    meetctl: MeetctlRunner, server: LiveKitAccess, option: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, line, hint = explain(meetctl, option, port, environment=environment_of(server, NOWHERE))
    assert status == 2
    assert port in line
    assert option in f"{line} {hint}"


def test_sessions_that_cannot_be_kept_are_an_error_before_any_meeting(
    meetctl: MeetctlRunner, server: LiveKitAccess, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory")
    for place in (file, file / "below"):
        status, line, hint = explain(
            meetctl, "--sessions", str(place), environment=environment_of(server, NOWHERE)
        )
        assert status == 1
        assert str(place) in line
        assert "--sessions" in hint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--model", "gpt-4.1-mimi"), ("gpt-4.1-mimi", "gpt-4.1-mini")),
        (("--fps", "often"), ("--fps", "often")),
        (("--detail", "sharp"), ("--detail", "sharp")),
        (("--record", "all"), ("--record", "all")),
        (("--agent-name", " "), ("--agent-name",)),
    ],
)
def test_wrong_settings_are_named(
    meetctl: MeetctlRunner, server: LiveKitAccess, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    status, line, hint = explain(meetctl, *options, environment=environment_of(server, NOWHERE))
    assert status == 2
    for word in words:
        assert word in f"{line} {hint}"


def test_meetings_beyond_its_places_are_left_to_another_worker(tmp_path: Path, server: LiveKitAccess) -> None:
    async def use(worker: Worker) -> None:
        # At the same moment: a place is taken when a meeting is accepted, not when it runs.
        await asyncio.gather(*(dispatch(server, f"crowd-{number}") for number in range(6)))
        await until(lambda: len(worker.journals()) == 5, "five meetings run", worker.said)
        await until(lambda: "refused a meeting" in worker.said(), "the sixth is refused", worker.said)
        async with (
            run_silent_providers() as providers,
            run_worker(tmp_path / "other", server, providers, *ON_DEMAND) as other,
        ):
            await dispatch(server, "crowd-next")
            await other.journal_of("crowd-next")
            assert len(worker.journals()) == 5

    with_worker(tmp_path / "first", server, use, "--max-meetings", "5")


async def share(server: LiveKitAccess, worker: Worker, room: str, person: ScriptedPerson) -> Path:
    """Have a meeting in which some frames were kept, and return its journal."""
    await person.join(server.url, mint_token(server, room, person.identity, person.name))
    await dispatch(server, room)
    journal = await worker.journal_of(room)
    await person.share_screen(SlidePictures(), 10)
    await worker.wait_for_event(journal, "frame.kept", count=2)
    return journal


def assert_readable(meetctl: MeetctlRunner, bundle: Path, *, frames: int) -> None:
    """Nothing is missing in the journal, and the recording gives the frames that it says were kept."""
    numbers = [event["seq"] for event in read_events(bundle / "events.jsonl")]
    assert numbers == list(range(len(numbers)))
    ran = meetctl("replay", "--verify", "--json", bundle)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (verified,) = json.loads(ran.stdout)["bundles"]
    assert verified["decided"]
    assert verified["frames"]["replay"] >= frames


def test_first_signal_lets_the_running_meeting_end(
    tmp_path: Path, server: LiveKitAccess, meetctl: MeetctlRunner
) -> None:
    async def use(worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya:
            journal = await share(server, worker, "draining", maya)
            worker.signal(signal.SIGINT)
            await until(lambda: "waiting for 1 to end" in worker.said(), "it drains", worker.said)
            await dispatch(server, "too-late")
            kept = len(read_events(journal, "frame.kept"))
            await worker.wait_for_event(journal, "frame.kept", count=kept + 2)
        assert await worker.exit_status() == 0
        await worker.wait_until_gone()
        assert worker.registration() is None
        assert worker.journals() == [journal]
        assert read_events(journal)[-1]["type"] == "session.ended"
        assert read_events(journal)[-1]["reason"] == "everyone left"
        assert (journal.parent / "meeting.mkv").exists()

    with_worker(tmp_path, server, use, "--grace-s", "1")
    (bundle,) = (tmp_path / "sessions").iterdir()
    assert_readable(meetctl, bundle, frames=4)


def test_second_signal_ends_everything_at_once(
    tmp_path: Path, server: LiveKitAccess, meetctl: MeetctlRunner
) -> None:
    async def use(worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya:
            await share(server, worker, "cut-short", maya)
            worker.signal(signal.SIGTERM)
            await until(lambda: "waiting for 1 to end" in worker.said(), "it drains", worker.said)
            worker.signal(signal.SIGTERM)
            assert await worker.exit_status() == 130
            await worker.wait_until_gone()
            assert worker.registration() is None

    with_worker(tmp_path, server, use)
    (bundle,) = (tmp_path / "sessions").iterdir()
    assert_readable(meetctl, bundle, frames=2)


def test_meetings_that_outlast_the_drain_are_ended_well(
    tmp_path: Path, server: LiveKitAccess, meetctl: MeetctlRunner
) -> None:
    async def use(worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya:
            journal = await share(server, worker, "lasting", maya)
            worker.signal(signal.SIGTERM)
            assert await worker.exit_status() == 0
            await worker.wait_until_gone()
        assert read_events(journal)[-1]["type"] == "session.ended"
        assert (journal.parent / "meeting.mkv").exists()

    with_worker(tmp_path, server, use, "--drain-s", "0")
    (bundle,) = (tmp_path / "sessions").iterdir()
    assert_readable(meetctl, bundle, frames=2)


def test_killed_worker_leaves_its_bundles_readable_and_nothing_running(
    tmp_path: Path, server: LiveKitAccess, meetctl: MeetctlRunner
) -> None:
    async def use(worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya:
            await share(server, worker, "orphaned", maya)
            worker.signal(signal.SIGKILL)
            await worker.wait_until_gone()
            assert worker.registration() is not None
            async with (
                run_silent_providers() as providers,
                run_worker(tmp_path / "next", server, providers, *ON_DEMAND),
            ):
                assert worker.registration() is None

    with_worker(tmp_path, server, use)
    (bundle,) = (tmp_path / "sessions").iterdir()
    assert_readable(meetctl, bundle, frames=2)


def test_killed_meeting_costs_the_worker_nothing_else(
    tmp_path: Path, server: LiveKitAccess, meetctl: MeetctlRunner
) -> None:
    async def use(worker: Worker) -> None:
        async with ScriptedPerson("maya", "Maya") as maya:
            killed = await share(server, worker, "killed", maya)
            process = worker.process_of(killed)
            process.kill()
            await until(lambda: process not in worker.processes(), "it is dead")
        async with ScriptedPerson("ken", "Ken") as ken:
            journal = await share(server, worker, "after-the-kill", ken)
        await worker.wait_for_event(journal, "session.ended", reason="everyone left")
        assert worker.process.poll() is None
        assert await ask(worker.url("/")) == (200, "OK")

    with_worker(tmp_path, server, use, "--grace-s", "1")
    first, second = sorted((tmp_path / "sessions").iterdir())
    assert_readable(meetctl, first, frames=2)
    assert_readable(meetctl, second, frames=2)


def test_agent_leaves_where_nobody_comes_and_stays_where_somebody_returns(
    tmp_path: Path, server: LiveKitAccess
) -> None:
    grace_s = 8

    async def use(worker: Worker) -> None:
        await dispatch(server, "nobody")
        alone = await worker.journal_of("nobody")
        async with attend(server, "returning"):
            await dispatch(server, "returning")
            journal = await worker.journal_of("returning")
            await worker.wait_for_event(journal, "participant.joined", participant="maya")
        await worker.wait_for_event(journal, "participant.left", participant="maya")
        async with attend(server, "returning"):
            await worker.wait_for_event(journal, "participant.joined", participant="maya", count=2)
            # Longer than the leaving person was waited for: that nothing happens takes its time to see.
            await asyncio.sleep(grace_s + 1)
            assert not read_events(journal, "session.ended")
        await worker.wait_for_event(alone, "session.ended", reason="nobody came")

    with_worker(tmp_path, server, use, "--patience-s", "1", "--grace-s", str(grace_s))


def test_worker_and_meeting_outlive_a_restart_of_the_server(tmp_path: Path) -> None:
    async def run() -> None:
        with RestartableServer(tmp_path / "livekit") as server:
            await server.start()
            async with (
                run_silent_providers() as providers,
                run_worker(tmp_path, server.access, providers, *ON_DEMAND) as worker,
                attend(server.access, "lasting"),
            ):
                first = worker.registration()
                await dispatch(server.access, "lasting")
                journal = await worker.journal_of("lasting")
                await worker.wait_for_event(journal, "participant.joined", participant="maya")
                server.kill()
                await server.start()
                await until(lambda: worker.registration() != first, "it registers again", worker.said)
                await worker.wait_for_event(journal, "participant.joined", participant="maya", count=2)
                await dispatch(server.access, "afterwards")
                await worker.journal_of("afterwards")
                assert not read_events(journal, "session.ended")

    asyncio.run(run())


def test_dev_starts_the_worker_anew_when_code_changes(tmp_path: Path, server: LiveKitAccess) -> None:
    package = tmp_path / "code" / "meetctl"
    shutil.copytree(
        Path(meetctl_package.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )

    async def run() -> None:
        async with run_silent_providers() as providers:
            with start_worker(
                tmp_path,
                server,
                providers,
                *ON_DEMAND,
                command="dev",
                environment={"PYTHONPATH": str(package.parent)},
            ) as worker:

                def registered() -> set[str]:
                    return {str(found["worker_id"]) for found in registrations()}

                await until(registered, "a worker registers", worker.said)
                first = registered()
                async with attend(server, "reloaded"):
                    await dispatch(server, "reloaded")
                    journal = await worker.journal_of("reloaded")
                    await worker.wait_for_event(journal, "participant.joined", participant="maya")
                    changed = package / "agent" / "capacity.py"
                    changed.write_text(changed.read_text() + "\n")
                    await worker.wait_for_event(journal, "session.ended")
                await until(lambda: registered() - first, "another worker registers", worker.said)
                assert not registered() & first
                # As Ctrl-C in a terminal: to every process of the group.
                os.killpg(worker.process.pid, signal.SIGINT)
                assert await worker.exit_status() == 0
                await worker.wait_until_gone()
                assert not registrations()
                assert "Traceback" not in worker.said()

    asyncio.run(run())
