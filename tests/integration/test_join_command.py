"""`meetctl join` and `leave` with a real worker and server: every stage, and why one fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from livekit import rtc
from tests.live_agent import AGENT, HANG_S, ask, environment_of, read_events, until
from tests.live_meeting import run_stack
from tests.steered_agent import join as join_room
from tests.steered_agent import take_part

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.conftest import MeetctlRunner
    from tests.live_meeting import LiveStack

    from meetctl.domain.rooms import Dispatch, Participant

pytestmark = pytest.mark.live

Document = dict[str, Any]
GREETING = "Hello there, I am here."
ALL_STAGES = ["sent", "accepted", "joined", "video", "words"]
REPORTED_AFTER_S = 6
"""After so long the server has been told twice how many meetings a worker has."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A worker with one place."""
    with run_stack(tmp_path_factory.mktemp("join"), "--greeting", GREETING, "--max-meetings", "1") as running:
        yield running


class Operator:
    """Somebody on the worker's machine with the server's key."""

    def __init__(self, meetctl: MeetctlRunner, stack: LiveStack) -> None:
        self.stack = stack
        self._meetctl = meetctl
        self.environment = {
            **environment_of(stack.livekit, stack.offline.url),
            "MEETCTL_SESSIONS": str(stack.worker.sessions),
            "MEETCTL_AGENT_NAME": AGENT,
            # The worker keeps its file in a home of its own.
            "XDG_STATE_HOME": str(stack.worker.state.parents[2]),
        }

    async def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(self._meetctl, *args, env=self.environment)

    async def run_json(self, *args: str, expect: int = 0) -> Document:
        done = await self.run(*args, "--json")
        assert done.returncode == expect, done.stderr + self.stack.worker.said()[-3000:]
        document: Document = json.loads(done.stdout)
        return document

    @contextmanager
    def begin(self, *args: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command beside the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "meetctl", *args],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    async def participants(self, room: str) -> list[Participant]:
        async with self._admin() as admin:
            return list(await admin.list_participants(room))

    async def orders(self, room: str) -> list[Dispatch]:
        """Return the orders that were given in a room, without LiveKit's own."""
        async with self._admin() as admin:
            return [one for one in await admin.list_dispatches(room) if one.agent_name]

    async def close_room(self, room: str) -> None:
        async with self._admin() as admin:
            await admin.close_room(room)

    async def make_room(self, room: str) -> None:
        async with self._admin() as admin:
            await admin.create_room(room)

    async def wait_for_place(self) -> None:
        """Wait until the worker has a place again, and the server knows it.

        What the server knows nobody can ask. The worker tells it its load every 2.5 s, so one that has been
        free for twice as long has told it.
        """
        free = 0
        for _ in range(HANG_S * 10):
            is_free = "active_jobs" not in (await ask(self.stack.worker.url("/worker")))[1]
            free = free + 1 if is_free else 0
            if free > REPORTED_AFTER_S * 10:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"the worker never has a place\n{self.stack.worker.said()}")

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[LiveKitAdmin]:
        admin = LiveKitAdmin(self.stack.livekit)
        try:
            yield admin
        finally:
            await admin.aclose()


@pytest.fixture
def operator(meetctl: MeetctlRunner, stack: LiveStack) -> Operator:
    return Operator(meetctl, stack)


@asynccontextmanager
async def attend(stack: LiveStack, room: str, *, shares: bool = False) -> AsyncIterator[ScriptedPerson]:
    """Be in a room as a person who hears the agent, and perhaps shares slides."""
    async with ScriptedPerson("maya", "Maya") as maya:
        await maya.join(stack.livekit.url, mint_token(stack.livekit, room, "maya", "Maya"))
        if shares:
            await maya.share_screen(SlidePictures())
        yield maya


def told(process: subprocess.Popen[str], text: str) -> list[str]:
    """Read what a command says until a line has a text."""
    assert process.stderr is not None
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    return lines


def stages(document: Document) -> list[str]:
    """Return the stages that were reached, in the order in which they are awaited."""
    reached = {one["stage"] for one in document["stages"] if not one["skipped"]}
    return [stage for stage in ("room", *ALL_STAGES) if stage in reached]


def events_of(stack: LiveStack, session_id: str, kind: str) -> list[Document]:
    return read_events(stack.worker.sessions / session_id / "events.jsonl", kind)


def test_the_agent_comes_sees_speaks_and_leaves(operator: Operator, stack: LiveStack) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        async with attend(stack, "standup", shares=True):
            order = ("--tenant", "acme", "--fps", "0.5", "--window", "2", "--record", "off")
            document = await operator.run_json("join", "standup", *order)
            assert (document["schema"], document["outcome"]) == ("meetctl.join/1", "joined")
            assert (document["failure"], document["taken_back"], document["warnings"]) == (None, False, [])
            assert stages(document) == ALL_STAGES
            times = [one["after_s"] for one in document["stages"]]
            assert times == sorted(times)
            seen = {one["stage"]: one["detail"] for one in document["stages"]}
            assert seen["video"] == "screen share of maya, 1280x720"
            (started,) = events_of(stack, document["session_id"], "session.started")
            assert (started["tenant_id"], started["record"]) == ("acme", "off")
            assert (started["policy"]["fps"], started["policy"]["window"]) == ("1/2", 2)
            (ready,) = events_of(stack, document["session_id"], "session.ready")
            assert ready["greeting"] is True

            again = await operator.run("join", "standup")
            assert (again.returncode, again.stdout) == (2, "")
            assert f"already (session {document['session_id']})" in again.stderr

            full = await operator.run_json("join", "retro", "--create", "--timeout", "2", expect=3)
            assert (full["outcome"], full["failure"]["stage"]) == ("failed", "accepted")
            assert "worker full: all 1 places" in full["failure"]["cause"]
            assert full["taken_back"] is True
            assert await operator.orders("retro") == []

            assert (await operator.run("leave", "standup")).returncode == 2
            left = await operator.run_json("leave", "standup", "-y")
            assert left == {
                "schema": "meetctl.leave/1",
                "room": "standup",
                "agent": document["agent"],
                "session_id": document["session_id"],
                "way": "asked",
                "gone": True,
                "reason": None,
            }
            assert [one.identity for one in await operator.participants("standup")] == ["maya"]
            (ended,) = events_of(stack, document["session_id"], "session.ended")
            assert ended["reason"] == "asked to leave by an operator"
            gone = await operator.run("leave", "standup", "-y")
            assert gone.returncode == 3
            assert "there is no agent in room 'standup'" in gone.stderr

    asyncio.run(use())


def test_from_another_machine_an_observer_sees_the_same_and_leaves(
    operator: Operator, stack: LiveStack, tmp_path: Path
) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        async with attend(stack, "remote", shares=True):
            document = await operator.run_json("join", "remote", "--sessions", str(tmp_path))
            assert stages(document) == ALL_STAGES
            assert {one["stage"]: one["detail"] for one in document["stages"]}["video"] == (
                "screen share of maya, 1280x720"
            )
            assert [one for one in await operator.participants("remote") if one.is_hidden] == []
            performed = events_of(stack, document["session_id"], "control.performed")
            assert [one["op"] for one in performed] == ["announce", "goodbye"]
            await operator.run("leave", "remote", "-y")

    asyncio.run(use())


def test_an_agent_in_an_empty_room_waits_for_somebody(operator: Operator) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        # Longer than until the order is given again: the server may know of the free place some seconds late.
        document = await operator.run_json("join", "empty", "--create", "--timeout", "20", expect=3)
        assert stages(document) == ["room", "sent", "accepted", "joined"]
        assert document["failure"]["stage"] == "words"
        assert document["failure"]["cause"].startswith("no participant: nobody is there to be spoken to")
        assert document["taken_back"] is False
        assert [one.session_id for one in await operator.participants("empty")] == [document["session_id"]]
        # Nobody is there to be asked about.
        assert (await operator.run("leave", "empty")).returncode == 0

    asyncio.run(use())


def test_a_voice_that_is_refused_is_named(operator: Operator, stack: LiveStack) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        async with attend(stack, "mute"):
            await stack.break_provider("cartesia", "500")
            try:
                done = await operator.run("join", "mute", "--timeout", "90")
            finally:
                await stack.heal_providers()
            assert (done.returncode, done.stdout) == (3, "")
            assert "meetctl: no first words: its voice failed: cartesia (" in done.stderr
            await operator.run("leave", "mute", "-y")

    asyncio.run(use())


def test_an_agent_whose_job_cannot_start_is_missed(operator: Operator, stack: LiveStack) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        sessions = stack.worker.sessions
        elsewhere = sessions.with_name("elsewhere")
        sessions.rename(elsewhere)
        # No session can be kept where a file is.
        sessions.touch()
        try:
            # As above: the first order may come before the server knows of the free place.
            document = await operator.run_json("join", "failed", "--create", "--timeout", "20", expect=3)
        finally:
            sessions.unlink()
            elsewhere.rename(sessions)
        assert document["failure"]["stage"] == "joined"
        assert document["failure"]["cause"].startswith(
            "a worker took the order, but its agent has not joined"
        )

    asyncio.run(use())


def test_a_room_that_is_closed_while_the_agent_is_awaited(operator: Operator) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        with operator.begin("join", "closed", "--create") as process:
            await asyncio.to_thread(told, process, "joined")
            await operator.close_room("closed")
            _, said = await asyncio.to_thread(process.communicate)
            assert process.returncode == 3
        assert "meetctl: no first words: the " in said
        assert "was closed while the agent was awaited" in said or "has left again: room closed" in said

    asyncio.run(use())


def test_ctrl_c_says_how_to_take_the_agent_out(operator: Operator) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        with operator.begin("join", "my room", "--create") as process:
            await asyncio.to_thread(told, process, "joined")
            process.send_signal(signal.SIGINT)
            stdout, said = await asyncio.to_thread(process.communicate)
            assert (process.returncode, stdout) == (130, "")
        (order,) = await operator.orders("my room")
        assert "`meetctl leave 'my room'` takes it out of the room" in said
        assert f"`meetctl dispatch delete 'my room' {order.id}` takes the order back" in said
        assert "Traceback" not in said
        deleted = await operator.run_json("dispatch", "delete", "my room", order.id)
        assert deleted["deleted"] == [order.id]
        # A server lists which agent came of an order some seconds late; without a job it could not know.
        await until_gone(operator, "my room")

    asyncio.run(use())


async def until_gone(operator: Operator, room: str) -> None:
    """Wait until no agent is in a room, and take out one that stays."""
    for one in await operator.participants(room):
        if one.kind == "agent":
            await operator.run("leave", room, "-y")
    await operator.wait_for_place()


def test_an_order_without_waiting_and_a_link_for_a_person(operator: Operator, stack: LiveStack) -> None:
    async def use() -> None:
        await operator.wait_for_place()
        await operator.make_room("linked")
        done = await operator.run("join", "linked", "--no-wait", "--open")
        assert done.returncode == 0
        (line,) = done.stdout.splitlines()
        link = urlsplit(line)
        assert (link.scheme, link.netloc, link.path) == ("https", "meet.livekit.io", "/custom")
        query = parse_qs(link.query)
        assert query["liveKitUrl"] == [stack.livekit.url]
        guest = rtc.Room()
        await guest.connect(query["liveKitUrl"][0], query["token"][0], rtc.RoomOptions(auto_subscribe=False))
        assert guest.name == "linked"
        assert len(await operator.orders("linked")) == 1
        await until(lambda: guest.remote_participants, "the agent comes", stack.worker.said)
        await guest.disconnect()
        document = await operator.run_json("join", "linked", "--no-wait", "--another", "--open")
        assert (document["outcome"], stages(document)) == ("sent", ["sent"])
        assert document["link"].startswith("https://meet.livekit.io/custom?")
        await operator.close_room("linked")

    asyncio.run(use())


def test_wrong_orders_are_refused_before_anything_is_sent(operator: Operator) -> None:
    async def use() -> None:
        await operator.make_room("quiet")
        for option, value, named in (
            ("--fps", "fast", "--fps: fps 'fast'"),
            ("--detail", "hihg", "--detail: detail 'hihg'"),
            ("--record", "all", "--record: record 'all'"),
            ("--metadata", "{", "--metadata is not JSON"),
            ("--side", "3", "--side"),
            ("--timeout", "0", "--timeout"),
            ("--agent-name", " ", "--agent-name is empty"),
        ):
            done = await operator.run("join", "quiet", option, value)
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            assert named in done.stderr
        assert await operator.orders("quiet") == []
        done = await operator.run("join", "quiat")
        assert (done.returncode, done.stderr) == (
            3,
            "meetctl: there is no room 'quiat'\n  hint: --create makes it; is it 'quiet'?\n",
        )

    asyncio.run(use())


def test_agents_that_cannot_be_asked_are_put_out(
    operator: Operator, stack: LiveStack, tmp_path: Path
) -> None:
    async def use() -> None:
        access = stack.livekit
        async with join_room(access, "agent-x", room="foreign", kind="agent", agent=True):
            left = await operator.run_json("leave", "foreign")
            assert (left["agent"], left["way"], left["session_id"]) == ("agent-x", "removed", None)
            assert left["reason"] == "it is no agent of meetctl"
        async with take_part(access, tmp_path, room="deaf", session_id="s-deaf", listens=False):
            left = await operator.run_json("leave", "deaf")
            assert (left["way"], left["session_id"]) == ("removed", "s-deaf")
            assert "has not answered to leave" in left["reason"]
            assert await operator.participants("deaf") == []
        async with (
            take_part(access, tmp_path, room="two", session_id="s-one"),
            take_part(access, tmp_path, room="two", session_id="s-two"),
        ):
            done = await operator.run("leave", "two")
            assert done.returncode == 2
            assert "--session says which: s-one, s-two" in done.stderr
            done = await operator.run("leave", "two", "--session", "s-three")
            assert done.returncode == 3
            assert "in it: s-one, s-two" in done.stderr

    asyncio.run(use())
