"""A backend that fails in every way: the meeting goes on without it, and misses nothing afterwards."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.live_agent import until
from tests.live_meeting import serve
from tests.platform_meeting import (
    PlatformStack,
    assert_counted_once,
    backend_changes,
    environment_of,
    read_delivered,
    run_platform,
    sent_keys,
    type_in,
    uses_of,
    wait_until_delivered,
)

from meetctl.agent.watched_backend import MISSING
from meetctl.domain.tenancy import Personality, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.backend_peer import PeerFault
    from tests.live_meeting import LiveMeeting
    from tests.platform_meeting import Typist

    Fault = tuple[PeerFault, dict[str, Any], str, str]

pytestmark = pytest.mark.live

# Long enough for a search on a busy machine; one that is slow on purpose is late all the same.
OPTIONS = ("--grace-s", "1", "--record", "off", "--knowledge-wait", "3", "--prometheus-port", "0")
ACME = Tenant(id="acme", tier="enterprise", name="Acme")
REFUNDS = "How long do refunds take?"
KNOWN = "Refunds take five days."
DOG = "What is the office dog called?"
SLOW_MS = 600_000
RECOVERED: tuple[str, None, list[str]] = ("recovered", None, [])

FAULTS: dict[str, tuple[Fault, ...]] = {
    "it answers": (
        ("wrong", {}, "failed", "wrong answer"),
        ("garbage", {}, "failed", "wrong answer"),
        ("refuse", {}, "failed", "refused"),
        ("failing", {}, "failed", "failed"),
    ),
    "it does not answer": (
        ("slow", {"ms": SLOW_MS}, "late", "timeout"),
        ("too-many", {"retry_after_s": 60}, "failed", "failed"),
        ("down", {}, "failed", "unreachable"),
    ),
}
"""Each fault, what becomes of a search, and why; by the room of a meeting that has them all."""
ROOMS = ("from the start", *FAULTS, "dying", "killed")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformStack]:
    with run_platform(tmp_path_factory.mktemp("stack"), *OPTIONS, transformer="plain") as running:
        peer = running.peer
        for room in ROOMS:
            peer.set_tenant(room, ACME)
        peer.set_flag(ACME.id, "use_advanced_vision")
        peer.set_personality(ACME.id, Personality(instructions="You help. Our office dog is Amber."))
        peer.add_knowledge(ACME.id, "k1", KNOWN)
        yield running


async def ask_in_vain(maya: Typist, outcome: str) -> None:
    """Ask what only the knowledge answers: there must be an answer, without it."""
    answer = await maya.ask(REFUNDS)
    assert answer.text
    assert KNOWN not in answer.text
    (searched,) = maya.meeting.events("knowledge.searched", turn=answer.turn)
    assert (searched["outcome"], searched["used"], searched["sources"]) == (outcome, False, [])


async def ask_again(maya: Typist) -> None:
    """Ask the same of a backend that works."""
    answer = await maya.ask(REFUNDS)
    assert KNOWN in answer.text
    (searched,) = maya.meeting.events("knowledge.searched", turn=answer.turn)
    assert (searched["outcome"], searched["used"]) == ("done", True)


async def wait_until_well(meeting: LiveMeeting) -> None:
    """Wait until the meeting is without nothing any more."""

    def is_well() -> bool:
        return backend_changes(meeting.events())[-1] == RECOVERED

    await until(is_well, "nothing is missing", lambda: str(backend_changes(meeting.events())))


async def end(stack: PlatformStack, meeting: LiveMeeting) -> None:
    await meeting.end()
    await wait_until_delivered(meeting.bundle, stack.worker)
    assert_counted_once(stack.peer, meeting, ACME.id)


def test_backend_that_is_down_from_the_start_is_used_once_it_is_there(stack: PlatformStack) -> None:
    async def run() -> LiveMeeting:
        stack.peer.stop()
        async with type_in(stack, "from the start", {"tenant": ACME.id}) as maya:
            meeting = maya.meeting
            assert [event["source"] for event in meeting.events("tenant.resolved")] == ["dispatch"]
            await ask_in_vain(maya, "failed")
            assert backend_changes(meeting.events()) == [("degraded", "unreachable", [*MISSING.values()])]
            await stack.wait_for_sample(1, "meetctl_degraded_sessions", component="backend")
            stack.peer.start()
            await meeting.wait_for("tenant.resolved", source="backend", tier=ACME.tier)
            await meeting.wait_for("backend.call", procedure="ai.getPersonality", outcome="done")
            await meeting.wait_for("policy.changed", count=2)
            await ask_again(maya)
            assert "Our office dog is Amber." in (await maya.ask(DOG)).text
            await wait_until_well(meeting)
            await stack.wait_for_sample(0, "meetctl_degraded_sessions", component="backend")
        await end(stack, meeting)
        return meeting

    meeting = asyncio.run(run())
    assert [event["policy"]["detail"] for event in meeting.events("policy.changed")] == ["low", "high"]
    assert [request["detail"] for request in meeting.events("llm.request")] == ["low", "high", "high"]
    assert {event["tenant_id"] for event in meeting.events("llm.request")} == {ACME.id}


@pytest.mark.parametrize("room", FAULTS)
def test_meeting_goes_on_through_every_fault_of_its_backend(stack: PlatformStack, room: str) -> None:
    async def run() -> None:
        peer = stack.peer
        async with type_in(stack, room) as maya:
            meeting = maya.meeting
            await ask_again(maya)
            for kind, settings, outcome, reason in FAULTS[room]:
                known = len(meeting.events())
                peer.break_with(kind, **settings)
                await ask_in_vain(maya, outcome)
                peer.heal()
                missed = [
                    missing
                    for change, why, missing in backend_changes(meeting.events()[known:])
                    if (change, why) == ("degraded", reason)
                ]
                assert any("knowledge" in missing for missing in missed), kind
                await ask_again(maya)
                await wait_until_well(meeting)
        await end(stack, meeting)

    asyncio.run(run())


def test_backend_that_dies_and_loses_answers_counts_every_use_once(stack: PlatformStack) -> None:
    async def run() -> None:
        peer = stack.peer
        async with type_in(stack, "dying") as maya:
            meeting = maya.meeting
            await ask_again(maya)
            peer.stop()
            await ask_in_vain(maya, "failed")
            assert backend_changes(meeting.events())[0] == ("degraded", "unreachable", [*MISSING.values()])
            peer.start()
            peer.break_with("lost", procedure="livekit.trackUsage", times=1)
            await ask_again(maya)
            await wait_until_well(meeting)
        await end(stack, meeting)
        sent = sent_keys(peer, meeting.session["session_id"])
        assert len(set(sent)) < len(sent), "what was counted and not confirmed is reported again"

    asyncio.run(run())


def test_what_a_killed_worker_left_is_delivered_once_by_the_next(
    stack: PlatformStack, tmp_path: Path
) -> None:
    peer, agent, directory = stack.peer, "killed", tmp_path / "worker"
    options = (*OPTIONS, "--agent-name", agent)

    async def be_killed(own: PlatformStack) -> tuple[LiveMeeting, list[str]]:
        async with type_in(own, "killed", agent=agent) as maya:
            meeting = maya.meeting
            answer = await maya.ask(REFUNDS)
            await meeting.wait_for("tts.usage", turn=answer.turn)
            used = uses_of(meeting)
            await until(
                lambda: read_delivered(meeting.bundle)["seq"]["usage"] == used[-1]["seq"],
                "the first answer is delivered",
            )
            sent = sent_keys(peer, used[0]["session_id"])
            peer.stop()
            answer = await maya.ask(REFUNDS)
            await meeting.wait_for("tts.usage", turn=answer.turn)
            await meeting.wait_for("backend.degraded")
            for process in own.worker.processes():
                process.send_signal(signal.SIGKILL)
            await own.worker.wait_until_gone()
        return meeting, sent

    with serve(
        directory, stack.livekit, stack.offline.url, *options, environment=environment_of(peer)
    ) as worker:
        meeting, sent = asyncio.run(be_killed(replace(stack, worker=worker)))
    used = uses_of(meeting)
    session_id = used[0]["session_id"]
    keys = [f"{session_id}:{event['seq']}" for event in used]
    assert sent == keys[: len(sent)] != keys
    assert not meeting.events("session.ended")
    assert not read_delivered(meeting.bundle)["complete"]
    peer.start()
    with serve(
        directory, stack.livekit, stack.offline.url, *options, environment=environment_of(peer)
    ) as worker:
        asyncio.run(wait_until_delivered(meeting.bundle, worker))
    assert sent_keys(peer, session_id) == keys[len(sent) :]
    assert [record.key for record in peer.usage(ACME.id) if record.session_id == session_id] == keys
    assert [record for record in peer.usage() if record.key in keys] == peer.usage(ACME.id)[-len(keys) :]
