"""An agent on its way into a room: which stages are told, and why one fails; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_source import FakeEventSource
from tests.fakes.events import make_event
from tests.fakes.room_admin import FakeRoomAdmin
from tests.fakes.worker_census import FakeWorkerCensus

from meetctl.domain.joining import JoinOrder, JoinOutcome, StageDone
from meetctl.domain.rooms import Job
from meetctl.domain.workers import LocalWorker
from meetctl.errors import MediaError, NotFoundError, UsageError
from meetctl.ports import EventSource
from meetctl.services.joining import OFFER_S, Joining, JoinWorld

URL = "ws://127.0.0.1:7880"
AGENT = "agent-AJ_1"
ORDER = JoinOrder(room="standup", agent_name="meetctl", metadata={"fps": "0.5"}, limit_s=60)
WORKER = LocalWorker(worker_id="AW_1", agent_name="meetctl", url=URL, pid=7, max_meetings=1, meetings=0)
GREETS = make_event("session.ready", seq=1, greeting=True)
SILENT = make_event("session.ready", seq=1, greeting=False)
SPEAKS = make_event("agent.state", seq=2, old="listening", new="speaking")
SEES = make_event("track.started", seq=3, kind="video", participant="maya", source="screen_share")


@dataclass(slots=True)
class World:
    """Everything around one order."""

    rooms: FakeRoomAdmin = field(default_factory=FakeRoomAdmin)
    workers: FakeWorkerCensus = field(default_factory=FakeWorkerCensus)
    told: list[StageDone] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source: FakeEventSource | None = None
    asked_for: list[tuple[frozenset[str], str | None]] = field(default_factory=list)

    def joining(self, order: JoinOrder = ORDER) -> Joining:
        world = JoinWorld(
            url=URL,
            rooms=self.rooms,
            workers=self.workers,
            open_events=self._open_events,
            clock=LoopClock(),
            tell=self.told.append,
            note=self.notes.append,
        )
        return Joining(order, world)

    async def join(self, order: JoinOrder = ORDER, *beside: Coroutine[Any, Any, None]) -> JoinOutcome:
        """Give an order, let others act meanwhile, and return what came of it."""
        joining = self.joining(order)
        await joining.send()
        waiting = asyncio.create_task(joining.wait())
        await asyncio.gather(waiting, *beside)
        return waiting.result()

    async def accept(
        self, after_s: float, *, joins: bool = True, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Let a worker take the order after a time, and its agent join at once."""
        await asyncio.sleep(after_s)
        dispatch = (await self.rooms.list_dispatches("standup"))[-1]
        job = Job(id="AJ_1", status="running", participant=AGENT, worker="AW_1")
        self.rooms.run_job("standup", dispatch.id, job)
        if joins:
            self.admit_agent(attributes=attributes)

    def admit_agent(self, identity: str = AGENT, *, attributes: Mapping[str, str] | None = None) -> None:
        named = {"lk.agent.name": "meetctl", "meetctl.session_id": "s1", **(attributes or {})}
        self.rooms.admit("standup", identity, kind="agent", attributes=named)

    def _open_events(self, *, jobs: frozenset[str], session_id: str | None) -> EventSource | None:
        self.asked_for.append((jobs, session_id))
        return self.source

    def stages(self) -> list[tuple[str, bool]]:
        """Which stages were told, and whether there was nothing to wait for."""
        return [(one.stage, one.is_skipped) for one in self.told]


def make_world(*events: Any, room: bool = True, person: bool = True) -> World:
    world = World(source=FakeEventSource(*events))
    if room:
        world.rooms.admit("standup", "maya") if person else world.rooms.admit(
            "standup", "ear", is_hidden=True
        )
    return world


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtually(test())


def test_all_stages_are_told_as_they_come_about() -> None:
    async def test() -> None:
        world = make_world(GREETS)
        world.rooms.publish("standup", "maya", "screen_share")

        async def happen() -> None:
            await world.accept(2)
            assert world.source is not None
            await asyncio.sleep(3)
            world.source.add(SPEAKS)
            await asyncio.sleep(4)
            world.source.add(SEES)

        outcome = await world.join(ORDER, happen())
        assert outcome.failure is None
        assert (outcome.agent, outcome.session_id) == (AGENT, "s1")
        assert world.stages() == [
            (stage, False) for stage in ("sent", "accepted", "joined", "words", "video")
        ]
        assert outcome.stages == tuple(world.told)
        sent, accepted, joined, words, video = (one.after_s for one in world.told)
        assert sent == 0
        assert 2 <= accepted == joined < 2.5
        assert 5 <= words < 5.5
        assert 9 <= video < 9.5
        assert world.told[1].detail == "worker AW_1"
        assert world.told[-1].detail == "screen share of maya"
        assert (frozenset({"AJ_1"}), "s1") in world.asked_for
        (dispatch,) = [one for one in await world.rooms.list_dispatches("standup") if one.agent_name]
        assert json.loads(dispatch.metadata) == {"fps": "0.5"}

    run(test)


def test_nothing_is_waited_for_that_cannot_come() -> None:
    async def test() -> None:
        world = make_world(SILENT)
        outcome = await world.join(ORDER, world.accept(1))
        assert outcome.failure is None
        assert world.stages()[-2:] == [("words", True), ("video", True)]
        assert world.told[-2].detail == "it has nothing to say until somebody speaks to it"
        assert world.told[-1].detail == "nobody shares video"

    run(test)


def test_an_agent_that_the_server_lists_late_is_known_by_its_name() -> None:
    async def test() -> None:
        world = make_world(GREETS, SPEAKS)

        async def happen() -> None:
            await asyncio.sleep(1)
            world.rooms.admit("standup", "other", kind="agent", attributes={"lk.agent.name": "other"})
            world.admit_agent()

        outcome = await world.join(ORDER, happen())
        assert outcome.agent == AGENT
        assert (frozenset({"AJ_1"}), "s1") in world.asked_for

    run(test)


def test_an_agent_of_others_is_known_by_its_attributes_alone() -> None:
    async def test() -> None:
        world = make_world()
        world.source = None
        world.rooms.publish("standup", "maya", "camera")

        async def happen() -> None:
            await world.accept(1, attributes={"meetctl.session_id": "", "lk.agent.state": "listening"})
            await asyncio.sleep(2)
            world.admit_agent(attributes={"meetctl.session_id": "", "lk.agent.state": "speaking"})

        outcome = await world.join(ORDER, happen())
        assert outcome.failure is None
        assert outcome.session_id is None
        assert world.stages()[-2:] == [("words", False), ("video", True)]
        assert "cannot be known" in world.told[-1].detail

    run(test)


def test_events_that_cannot_be_followed_are_told_and_attributes_do_instead() -> None:
    async def test() -> None:
        world = make_world()
        world.source = FakeEventSource(error=MediaError("the journal is gone"))
        world.rooms.publish("standup", "maya", "camera")
        outcome = await world.join(ORDER, world.accept(1, attributes={"lk.agent.state": "speaking"}))
        assert outcome.failure is None
        assert world.notes == ["the agent's events cannot be followed: the journal is gone"]
        assert world.stages()[-1] == ("video", True)

    run(test)


def test_a_room_that_is_not_there_is_made_only_where_that_was_said() -> None:
    async def test() -> None:
        world = make_world(room=False)
        world.rooms.admit("standup-2", "maya")
        with pytest.raises(NotFoundError, match="there is no room 'standup'") as missing:
            await world.joining().send()
        assert missing.value.hint == "--create makes it; is it 'standup-2'?"
        assert [room.name for room in await world.rooms.list_rooms()] == ["standup-2"]
        outcome = await world.joining(
            JoinOrder(room="standup", agent_name="meetctl", creates_room=True)
        ).send()
        assert world.stages() == [("room", False), ("sent", False)]
        assert outcome.dispatch in {one.id for one in await world.rooms.list_dispatches("standup")}

    run(test)


def test_a_second_agent_of_the_name_comes_only_where_that_was_said() -> None:
    async def test() -> None:
        world = make_world(GREETS, SPEAKS)
        world.admit_agent("agent-AJ_0")
        with pytest.raises(UsageError, match=r"already \(session s1\)"):
            await world.joining().send()
        assert [one.agent_name for one in await world.rooms.list_dispatches("standup")] == [""]
        order = JoinOrder(room="standup", agent_name="meetctl", allows_another=True)
        outcome = await world.join(order, world.accept(1))
        assert outcome.agent == AGENT

    run(test)


def test_an_order_that_no_worker_takes_is_given_again_and_at_last_taken_back() -> None:
    async def test() -> None:
        world = make_world()
        sent: list[str] = []

        async def watch() -> None:
            for _ in range(round(ORDER.limit_s) - 1):
                await asyncio.sleep(1)
                sent.append((await world.rooms.list_dispatches("standup"))[-1].id)

        outcome = await world.join(ORDER, watch())
        assert len(set(sent)) == round(ORDER.limit_s / OFFER_S)
        assert outcome.failure is not None
        assert outcome.failure.stage == "accepted"
        assert outcome.failure.cause == f"no worker on this machine serves 'meetctl' for {URL} (waited 60 s)"
        assert outcome.is_taken_back
        assert [one.agent_name for one in await world.rooms.list_dispatches("standup")] == [""]
        assert len(world.notes) == 1
        assert "asking again until 60 s" in world.notes[0]

    run(test)


def test_a_worker_that_registers_meanwhile_gets_the_order() -> None:
    async def test() -> None:
        world = make_world(GREETS, SPEAKS)
        joining = world.joining()
        first = await joining.send()
        outcome, _ = await asyncio.gather(joining.wait(), world.accept(15))
        assert outcome.failure is None
        assert outcome.dispatch == joining.dispatch_id != first.dispatch

    run(test)


@pytest.mark.parametrize(
    ("meetings", "cause"),
    [(1, "worker full: all 1 places for 'meetctl'"), (None, "does not answer"), (0, "has a place free")],
)
def test_workers_of_this_machine_explain_why_nobody_came(meetings: int | None, cause: str) -> None:
    async def test() -> None:
        world = make_world()
        world.workers.workers.append(
            LocalWorker(
                worker_id="AW_1", agent_name="meetctl", url=URL, pid=7, max_meetings=1, meetings=meetings
            )
        )
        outcome = await world.join()
        assert outcome.failure is not None
        assert cause in outcome.failure.cause

    run(test)


def test_an_agent_that_never_joins() -> None:
    async def test() -> None:
        world = make_world()
        world.source = None
        outcome = await world.join(ORDER, world.accept(1, joins=False))
        assert outcome.failure is not None
        assert outcome.failure.stage == "joined"
        assert "its agent has not joined" in outcome.failure.cause
        # The worker has it: it may still come.
        assert not outcome.is_taken_back

    run(test)


def test_an_agent_whose_start_fails_says_why() -> None:
    async def test() -> None:
        world = make_world(make_event("session.ended", reason="the start failed: OSError"))
        outcome = await world.join(ORDER, world.accept(1, joins=False))
        assert outcome.failure is not None
        assert (outcome.failure.stage, outcome.failure.cause) == (
            "joined",
            "the agent has left again: the start failed: OSError",
        )

    run(test)


def test_an_agent_that_is_gone_without_a_word() -> None:
    async def test() -> None:
        world = make_world(GREETS)

        async def happen() -> None:
            await world.accept(1)
            await asyncio.sleep(5)
            await world.rooms.remove_participant("standup", AGENT)

        outcome = await world.join(ORDER, happen())
        assert outcome.failure is not None
        assert outcome.failure.stage == "words"
        assert "has left again without a word" in outcome.failure.cause
        assert 9 < LoopClock().monotonic() - 1000 < 12

    run(test)


def test_a_room_that_is_closed_meanwhile() -> None:
    async def test() -> None:
        world = make_world()

        async def happen() -> None:
            await asyncio.sleep(5)
            await world.rooms.close_room("standup")

        outcome = await world.join(ORDER, happen())
        assert outcome.failure is not None
        assert outcome.failure.stage == "accepted"
        assert "the room 'standup' was closed" in outcome.failure.cause
        assert not outcome.is_taken_back

    run(test)


def test_a_voice_that_fails_for_good_ends_the_waiting() -> None:
    async def test() -> None:
        error: dict[str, Any] = {"component": "plugins.cartesia", "error": "APIStatusError", "status": 401}
        world = make_world(
            GREETS,
            make_event("error", seq=2, **error, recoverable=True),
            make_event("error", seq=3, **error, recoverable=False),
        )
        outcome = await world.join(ORDER, world.accept(1))
        assert outcome.failure is not None
        assert (outcome.failure.stage, outcome.failure.cause) == (
            "words",
            "its voice failed: cartesia (APIStatusError, status 401)",
        )

    run(test)


def test_ears_that_fail_are_a_warning() -> None:
    async def test() -> None:
        failed: dict[str, Any] = {"component": "plugins.deepgram", "error": "APIError", "recoverable": False}
        problem: dict[str, Any] = {"level": "warning", "message": "window 'x' is not a number"}
        world = make_world(
            GREETS, make_event("error", seq=2, **failed), make_event("log", seq=3, **problem), SPEAKS
        )
        outcome = await world.join(ORDER, world.accept(1))
        assert outcome.failure is None
        assert outcome.warnings == (
            "window 'x' is not a number",
            "the agent cannot hear: deepgram (APIError)",
        )

    run(test)


@pytest.mark.parametrize(
    ("person", "cause"),
    [(False, "no participant: nobody is there to be spoken to"), (True, "has said nothing (waited 60 s)")],
)
def test_an_agent_that_never_speaks(person: bool, cause: str) -> None:
    async def test() -> None:
        world = make_world(GREETS, person=person)
        outcome = await world.join(ORDER, world.accept(1))
        assert outcome.failure is not None
        assert outcome.failure.stage == "words"
        assert cause in outcome.failure.cause

    run(test)


def test_an_agent_that_never_sees_what_is_shared() -> None:
    async def test() -> None:
        world = make_world(GREETS, SPEAKS)
        world.rooms.publish("standup", "maya", "screen_share")
        outcome = await world.join(ORDER, world.accept(1))
        assert outcome.failure is not None
        assert (outcome.failure.stage, outcome.failure.cause) == (
            "video",
            "video is shared, but the agent has seen no frame of it (waited 60 s)",
        )

    run(test)


def test_waiting_that_is_given_up_stops_following() -> None:
    async def test() -> None:
        world = make_world(GREETS)
        joining = world.joining()
        await joining.send()
        waiting = asyncio.create_task(joining.wait())
        await world.accept(1)
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert {task.get_name() for task in asyncio.all_tasks()}.isdisjoint({"arrival"})

    run(test)
