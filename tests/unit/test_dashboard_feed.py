"""The live feed over fakes: what is followed, what is lost and comes back, and that nothing is left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_source import FakeEventSource
from tests.fakes.room_admin import FakeRoomAdmin
from tests.fakes.running_sessions import FakeRunningSessions
from tests.fakes.worker_census import FakeWorkerCensus

from meetctl.domain.events import Event
from meetctl.domain.session_bundle import SessionBundle
from meetctl.domain.view.dashboard import SourceName
from meetctl.domain.workers import LocalWorker
from meetctl.errors import MediaError, ServiceError
from meetctl.services.dashboard.feed import VIEWS_A_SECOND, LiveFeed
from meetctl.services.dashboard.followed import EVENTS_KEPT
from meetctl.services.dashboard.gathering import ALONE, GONE, KEPT_AFTER_END, KILLED, LEFT
from meetctl.services.dashboard.sources import FeedSources, RoomSources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
    from meetctl.errors import MeetctlError

SESSIONS = Path("sessions")
MOST_VIEWS = 2_000
"""In no time; a test that waits for more is taken for hung."""


def bundle(session_id: str, room: str = "standup") -> SessionBundle:
    path = SESSIONS / session_id
    return SessionBundle(
        session_id=session_id, path=path, state="running", room=room, journal=path / "events.jsonl"
    )


def event(seq: int, kind: str = "log", session_id: str = "s1", **fields: Any) -> Event:
    return Event(
        seq=seq,
        ts="",
        t=float(seq),
        type=kind,
        session_id=session_id,
        tenant_id=None,
        room="standup",
        fields=fields,
    )


@dataclass
class Source:
    """A source of events that can be opened again after it has failed."""

    events: list[Event] = field(default_factory=list)
    error: MeetctlError | None = None
    opened: int = 0
    live: FakeEventSource = field(default_factory=FakeEventSource)

    def open(self) -> FakeEventSource:
        self.opened += 1
        self.live = FakeEventSource(*self.events, error=self.error)
        return self.live

    def add(self, *events: Event) -> None:
        self.events += events
        for one in events:
            self.live.add(one)


class World:
    """Everything around a feed."""

    def __init__(self, *, has_livekit: bool = True, rooms: tuple[str, ...] = ()) -> None:
        self.sessions = FakeRunningSessions()
        self.rooms = FakeRoomAdmin()
        self.workers = FakeWorkerCensus()
        self.sources: dict[str, Source] = {}
        livekit = RoomSources(
            open_rooms=lambda: self.rooms,
            open_agent=lambda _, session_id: self.source(session_id).open(),
            open_session=lambda _room, agent, _key: self.source(agent).open(),
        )
        self.feed = LiveFeed(
            FeedSources(
                sessions=self.sessions,
                open_journal=lambda journal: self.source(journal.parent.name).open(),
                workers=self.workers,
                livekit=livekit if has_livekit else None,
            ),
            clock=LoopClock(),
            rooms=rooms,
        )

    def source(self, name: str) -> Source:
        return self.sources.setdefault(name, Source())

    def admit_agent(self, session_id: str, room: str = "standup") -> None:
        attributes = {"meetctl.session_id": session_id}
        self.rooms.admit(room, f"agent-{session_id}", kind="agent", attributes=attributes)


class Watching:
    """A feed that is being watched."""

    def __init__(self, views: AsyncGenerator[DashboardView, None]) -> None:
        self._views = views

    async def until(self, holds: Callable[[DashboardView], object]) -> DashboardView:
        view = await anext(self._views)
        for _ in range(MOST_VIEWS):
            if holds(view):
                return view
            view = await anext(self._views)
        pytest.fail(f"never came about; last: {view}")

    async def meeting(self, key: str, holds: Callable[[Meeting], object] = bool) -> Meeting:
        view = await self.until(lambda view: (found := view.find(key)) is not None and holds(found))
        found = view.find(key)
        assert found is not None
        return found


def watch(world: World, story: Callable[[Watching], Coroutine[Any, Any, None]]) -> None:
    """Watch a world's feed in virtual time, and see that no task outlasts it."""

    async def run() -> None:
        async with aclosing(world.feed.watch()) as views:
            await story(Watching(views))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(run())


def health(view: DashboardView, name: SourceName) -> SourceHealth:
    (found,) = [one for one in view.sources if one.name == name]
    return found


def test_a_session_of_this_machine_is_followed_to_its_end_and_then_let_go() -> None:
    world = World(has_livekit=False)
    world.sessions.begin(bundle("s1"))
    world.source("s1").add(event(0, "agent.state", new="listening"))

    async def story(watching: Watching) -> None:
        meeting = await watching.meeting("s1", lambda one: one.state.events)
        assert (meeting.channel, meeting.room, meeting.bundle) == ("journal", "standup", SESSIONS / "s1")
        assert not meeting.is_stale
        world.source("s1").add(event(1, "session.ended", reason="over"))
        meeting = await watching.meeting("s1", lambda one: one.is_over)
        assert (meeting.state.about.reason, meeting.problem, meeting.is_stale) == ("over", None, False)
        ended = asyncio.get_running_loop().time()
        world.sessions.change("s1", "ended")
        await watching.until(lambda view: view.find("s1") is None)
        assert asyncio.get_running_loop().time() - ended >= KEPT_AFTER_END.total_seconds()
        assert world.feed.recent_events("s1") == ()

    watch(world, story)


def test_without_a_server_it_says_so_and_asks_none() -> None:
    world = World(has_livekit=False)

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: view.workers is not None)
        livekit = health(view, "livekit")
        assert (livekit.is_configured, livekit.seen_at) == (False, None)
        assert livekit.error == "no LiveKit server is configured"
        assert health(view, "journals").error is None

    watch(world, story)
    assert not world.rooms.is_closed


@pytest.mark.parametrize(("state", "outcome"), [("killed", KILLED), (None, GONE)])
def test_a_session_whose_end_nobody_wrote_is_over_and_says_why(state: Any, outcome: str) -> None:
    world = World(has_livekit=False)
    world.sessions.begin(bundle("s1"))
    world.source("s1").add(event(0))

    async def story(watching: Watching) -> None:
        await watching.meeting("s1", lambda one: one.state.events)
        if state is None:
            world.sessions.remove("s1")
        else:
            world.sessions.change("s1", state)
        meeting = await watching.meeting("s1", lambda one: one.is_over)
        assert (meeting.problem, meeting.is_stale) == (outcome, False)

    watch(world, story)


def test_a_journal_that_fails_makes_its_meeting_stale_until_it_returns() -> None:
    world = World(has_livekit=False)
    world.sessions.begin(bundle("s1"))
    source = world.source("s1")
    source.add(event(0))
    source.error = MediaError("the journal cannot be read")

    async def story(watching: Watching) -> None:
        meeting = await watching.meeting("s1", lambda one: one.is_stale)
        assert (meeting.problem, meeting.state.events) == ("the journal cannot be read", 1)
        source.error = None
        source.add(event(1))
        meeting = await watching.meeting("s1", lambda one: not one.is_stale and one.state.events == 2)
        assert meeting.problem is None
        # What was read again is taken once.
        assert [one.seq for one in world.feed.recent_events("s1")] == [0, 1]

    watch(world, story)


def test_sources_that_fail_say_why_and_are_asked_again_more_and_more_seldom() -> None:
    world = World()
    world.rooms.is_reachable = False
    world.sessions.error = MediaError("the sessions cannot be read")

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: all(health(view, n).error for n in ("livekit", "journals")))
        assert health(view, "livekit").error == "the fake cannot be reached"
        assert health(view, "livekit").seen_at is None
        assert health(view, "workers").error is None
        for _ in range(200):
            await watching.until(bool)
        world.rooms.is_reachable, world.sessions.error = True, None
        view = await watching.until(
            lambda view: not any(health(view, n).error for n in ("livekit", "journals"))
        )
        assert health(view, "livekit").seen_at is not None

    watch(world, story)
    assert world.rooms.is_closed


def test_our_agent_on_another_machine_is_followed_through_its_room() -> None:
    world = World()
    world.rooms.admit("standup", "maya")
    world.admit_agent("s2")
    world.source("s2").add(event(0, session_id="s2"))

    async def story(watching: Watching) -> None:
        meeting = await watching.meeting("s2", lambda one: one.state.events)
        assert (meeting.channel, meeting.session_id, meeting.bundle) == ("agent", "s2", None)
        assert meeting.room_view is not None
        assert meeting.room_view.people == 1
        world.rooms.is_reachable = False
        meeting = await watching.meeting("s2", lambda one: one.is_stale)
        assert meeting.problem == "the fake cannot be reached"
        world.rooms.is_reachable = True
        await watching.meeting("s2", lambda one: not one.is_stale)
        await world.rooms.remove_participant("standup", "agent-s2")
        meeting = await watching.meeting("s2", lambda one: one.is_over)
        assert (meeting.problem, meeting.room_view) == (LEFT, None)

    watch(world, story)


def test_a_session_is_one_meeting_whether_its_journal_or_its_room_shows_it_first() -> None:
    world = World()
    world.admit_agent("s1")
    world.source("s1").add(event(0))

    async def story(watching: Watching) -> None:
        await watching.meeting("s1", lambda one: one.channel == "agent" and one.state.events)
        world.sessions.begin(bundle("s1"))
        meeting = await watching.meeting("s1", lambda one: one.channel == "journal" and one.state.events)
        assert meeting.bundle is not None
        view = await watching.until(lambda view: (one := view.find("s1")) is not None and one.room_view)
        assert len(view.meetings) == 1

    watch(world, story)
    assert world.source("s1").opened == 2


def test_another_agent_is_followed_only_while_people_are_there() -> None:
    world = World()
    world.rooms.admit("standup", "assistant", kind="agent")
    world.rooms.admit("standup", "observer", is_hidden=True)
    source = world.source("assistant")
    source.add(event(0, session_id="theirs"), event(1, session_id="theirs"))

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: any(one.channel == "session" for one in view.meetings))
        (meeting,) = view.meetings
        assert (meeting.problem, meeting.session_id, source.opened) == (ALONE, None, 0)
        world.rooms.admit("standup", "maya")
        meeting = await watching.meeting(meeting.key, lambda one: one.state.events == 2)
        assert (meeting.is_stale, source.opened) == (False, 1)

    watch(world, story)


def test_another_agents_events_are_folded_anew_when_they_are_told_anew() -> None:
    world = World()
    world.rooms.admit("standup", "maya")
    world.rooms.admit("standup", "assistant", kind="agent")
    source = world.source("assistant")
    source.add(event(0), event(1))
    source.error = ServiceError("the connection is lost")

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: any(one.is_stale for one in view.meetings))
        (meeting,) = view.meetings
        assert (meeting.channel, meeting.state.events) == ("session", 2)
        source.events, source.error = [event(0, "agent.state", new="speaking")], None
        meeting = await watching.meeting(meeting.key, lambda one: not one.is_stale)
        assert (meeting.state.events, meeting.state.conversation.agent_state) == (1, "speaking")

    watch(world, story)


def test_a_room_without_an_agent_is_shown_as_long_as_it_is_there() -> None:
    world = World()
    world.rooms.admit("standup", "maya")

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: view.meetings)
        (meeting,) = view.meetings
        assert (meeting.channel, meeting.room, meeting.session_id) == ("room", "standup", None)
        await world.rooms.close_room("standup")
        await watching.until(lambda view: not view.meetings)

    watch(world, story)


def test_only_the_named_rooms_are_shown() -> None:
    world = World(rooms=("retro",))
    for room in ("standup", "retro"):
        world.rooms.admit(room, "maya")
        world.sessions.begin(bundle(f"s-{room}", room))

    async def story(watching: Watching) -> None:
        await watching.meeting("s-retro", lambda one: one.room_view)
        view = await watching.until(bool)
        assert [one.room for one in view.meetings] == ["retro"]

    watch(world, story)


def test_workers_are_counted() -> None:
    world = World(has_livekit=False)
    worker = LocalWorker(
        worker_id="w1", agent_name="meetctl", url="ws://127.0.0.1", pid=1, max_meetings=4, meetings=1
    )

    async def story(watching: Watching) -> None:
        view = await watching.until(bool)
        assert view.workers is None
        await watching.until(lambda view: view.workers == ())
        world.workers.workers.append(worker)
        await watching.until(lambda view: view.workers == (worker,))

    watch(world, story)


def test_a_burst_of_events_is_folded_into_few_views_and_remembered_in_bounds() -> None:
    world = World(has_livekit=False)
    world.sessions.begin(bundle("s1"))
    many = EVENTS_KEPT + 1_000

    async def story(watching: Watching) -> None:
        await watching.meeting("s1")
        began = asyncio.get_running_loop().time()
        world.source("s1").add(*(event(seq) for seq in range(many)))
        views = 0
        while (meeting := await watching.meeting("s1")).state.events < many:
            views += 1
        assert views <= 1 + VIEWS_A_SECOND * (asyncio.get_running_loop().time() - began)
        assert meeting.state.lost == 0
        kept = world.feed.recent_events("s1")
        assert (len(kept), kept[-1].seq) == (EVENTS_KEPT, many - 1)

    watch(world, story)


def test_what_has_not_changed_is_the_same_object_in_the_next_view() -> None:
    world = World(has_livekit=False)
    for name in ("s1", "s2"):
        world.sessions.begin(bundle(name))
        world.source(name).add(event(0, session_id=name))

    async def story(watching: Watching) -> None:
        before = await watching.until(lambda view: [one.state.events for one in view.meetings] == [1, 1])
        world.source("s1").add(event(1))
        after = await watching.until(lambda view: any(one.state.events == 2 for one in view.meetings))
        assert after.find("s2") is before.find("s2")

    watch(world, story)


def test_a_fault_of_our_own_in_one_source_leaves_the_others_alone() -> None:
    world = World(has_livekit=False)
    world.sessions.begin(bundle("s1"))
    world.source("s1").add(event(0))

    async def fail() -> tuple[LocalWorker, ...]:
        raise RuntimeError("not of our errors")

    world.workers.list_workers = fail  # type: ignore[method-assign]

    async def story(watching: Watching) -> None:
        view = await watching.until(lambda view: health(view, "workers").error)
        assert health(view, "workers").error == "it could not be read (RuntimeError)"
        await watching.meeting("s1", lambda one: one.state.events)

    watch(world, story)
