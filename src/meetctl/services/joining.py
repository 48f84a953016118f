"""Sending an agent into a room, and waiting until it has joined, seen and spoken."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from meetctl.domain.arrival import Arrival, note_event
from meetctl.domain.joining import JoinOutcome, StageDone, StageFailed
from meetctl.domain.rooms import find_close_names
from meetctl.domain.workers import Explanation, explain_no_worker
from meetctl.errors import MeetctlError, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.domain.joining import JoinOrder, Stage
    from meetctl.domain.rooms import Dispatch, Job, Participant
    from meetctl.ports import Clock, EventSource, RoomAdmin, WorkerCensus

OFFER_S = 7.0
"""How long one order is waited for. A server offers it once, for some three seconds, and never again; that a
worker has taken it is listed up to five seconds late, and until then it must not be taken back."""

_LOOK_EVERY_S = 0.2
_GONE_S = 3.0
"""How long the reason is waited for with which an agent has left."""
_IDENTITY = "agent-"
"""What livekit-agents puts before the job's id to name the agent in the room."""


class OpenEvents(Protocol):
    """Finds where a session's events can be had."""

    def __call__(self, *, jobs: frozenset[str], session_id: str | None) -> EventSource | None:
        """Return the events of the session of this id, or of one of these jobs; None while there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinWorld:
    """What joining needs of the outside."""

    url: str
    """The LiveKit server's."""
    rooms: RoomAdmin
    workers: WorkerCensus
    open_events: OpenEvents
    clock: Clock
    tell: Callable[[StageDone], None]
    """Told each stage as it is done."""
    note: Callable[[str], None]
    """Told what a person who waits should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The room as the server shows it now."""

    participants: tuple[Participant, ...]
    agent: Participant | None
    jobs: tuple[Job, ...]
    """What the order has become; a server that is asked for an agent the first time tells it late."""


class Joining:
    """One agent on its way into one room."""

    def __init__(self, order: JoinOrder, world: JoinWorld) -> None:
        self._order = order
        self._world = world
        self._started_s = world.clock.monotonic()
        self._stages: dict[Stage, StageDone] = {}
        self._before: frozenset[str] = frozenset()
        self._dispatch: Dispatch | None = None
        self._offered_s = 0.0
        self._agent: Participant | None = None
        self._gone_s: float | None = None
        self._arrival = Arrival()
        self._following: asyncio.Task[None] | None = None
        self._is_blind = False
        self._has_noted_delay = False

    @property
    def dispatch_id(self) -> str:
        """The order as the server knows it; another one after it was given anew."""
        return self._sent.id

    async def send(self) -> JoinOutcome:
        """Make the room where that is ordered, and give the order.

        Raises:
            NotFoundError: There is no such room.
            UsageError: An agent of this name is in it already.
            ServiceError: The server cannot be reached, or refuses.
        """
        rooms, order = self._world.rooms, self._order
        if await rooms.find_room(order.room) is None:
            if not order.creates_room:
                raise await self._missing_room()
            await rooms.create_room(order.room)
            self._done("room", order.room)
        present = await rooms.list_participants(order.room)
        self._refuse_another(present)
        self._before = frozenset(one.identity for one in present)
        await self._offer()
        self._done("sent", f"{order.agent_name} into {order.room}, {self._sent.id}")
        return self._outcome(None)

    async def wait(self) -> JoinOutcome:
        """Wait for all stages, or for one that fails; `send` comes first.

        Raises:
            ServiceError: The server cannot be reached any more, or refuses.
        """
        try:
            while True:
                failure = await self._step()
                if failure is not None or self._is_complete:
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
            return self._outcome(failure, is_taken_back=await self._take_back(failure))
        finally:
            if self._following is not None:
                self._following.cancel()
                await asyncio.wait([self._following])

    async def _step(self) -> StageFailed | None:
        """Look once; return what has failed, if anything has."""
        try:
            view = await self._look()
        except NotFoundError:
            return StageFailed(
                stage=self._next,
                cause=f"the room {self._order.room!r} was closed while the agent was awaited",
            )
        self._advance(view)
        failure = self._find_failure(view)
        if failure is not None or self._is_complete:
            return failure
        if self._elapsed_s() >= self._order.limit_s:
            return await self._explain(view)
        if "accepted" not in self._stages and self._world.clock.monotonic() - self._offered_s >= OFFER_S:
            await self._offer_again()
        return None

    async def _look(self) -> _View:
        room = self._order.room
        participants = await self._world.rooms.list_participants(room)
        jobs: tuple[Job, ...] = ()
        if "joined" not in self._stages:
            dispatches = await self._world.rooms.list_dispatches(room)
            jobs = next((one.jobs for one in dispatches if one.id == self._sent.id), ())
        named = frozenset(job.participant for job in jobs if job.participant)
        agent = next((one for one in participants if self._is_sent(one, named)), None)
        return _View(participants=participants, agent=agent, jobs=jobs)

    def _is_sent(self, one: Participant, named: frozenset[str]) -> bool:
        """Tell whether this participant is the agent that was sent.

        `named` are the identities that the server has listed for it so far, which it does late.
        """
        if self._agent is not None:
            return one.identity == self._agent.identity
        if one.kind != "agent" or one.identity in self._before:
            return False
        return one.identity in named if named else one.agent_name == self._order.agent_name

    def _advance(self, view: _View) -> None:
        """Note the stages that are done by now."""
        agent = view.agent
        if agent is not None:
            self._agent, self._gone_s = agent, None
        if view.jobs or agent is not None:
            self._done("accepted", f"worker {view.jobs[0].worker}" if view.jobs else "")
        if agent is not None and agent.state == "active":
            self._done("joined", agent.identity)
        self._follow(view)
        if self._arrival.sees:
            self._done("video", self._arrival.sees)
        if self._arrival.has_spoken or (agent is not None and agent.agent_state == "speaking"):
            self._done("words")
        if "joined" in self._stages:
            self._skip(view)

    def _skip(self, view: _View) -> None:
        """Wait for nothing that cannot come."""
        is_foreign = self._agent is not None and bool(self._agent.agent_state) and not self._agent.session_id
        if self._arrival.is_ready and not self._arrival.greets:
            self._done("words", "it has nothing to say until somebody speaks to it", is_skipped=True)
        if "words" not in self._stages:
            return
        if not _shares_video(view.participants):
            self._done("video", "nobody shares video", is_skipped=True)
        elif is_foreign or self._is_blind:
            self._done("video", "what this agent sees cannot be known from outside", is_skipped=True)

    def _follow(self, view: _View) -> None:
        """Follow the session's events as soon as they can be had."""
        if self._following is not None:
            return
        agent = self._agent
        jobs = {job.id for job in view.jobs}
        if agent is not None:
            jobs.add(agent.identity.removeprefix(_IDENTITY))
        session_id = agent.session_id if agent is not None else None
        if not jobs and session_id is None:
            return
        source = self._world.open_events(jobs=frozenset(jobs), session_id=session_id)
        if source is not None:
            self._following = asyncio.create_task(self._take_events(source), name="arrival")

    async def _take_events(self, source: EventSource) -> None:
        try:
            async with aclosing(source.follow()) as events:
                async for event in events:
                    self._arrival = note_event(self._arrival, event)
        except MeetctlError as error:
            self._is_blind = True
            self._world.note(f"the agent's events cannot be followed: {error.message}")

    def _find_failure(self, view: _View) -> StageFailed | None:
        """Return what keeps the next stage from coming about, where that is certain."""
        stage = self._next
        if self._arrival.ended is not None:
            return StageFailed(stage=stage, cause=f"the agent has left again: {self._arrival.ended}")
        if self._agent is not None and view.agent is None:
            now_s = self._world.clock.monotonic()
            self._gone_s = now_s if self._gone_s is None else self._gone_s
            if now_s - self._gone_s >= _GONE_S:
                return StageFailed(
                    stage=stage,
                    cause="the agent has left again without a word",
                    hint="its worker's log says why",
                )
        fault = self._arrival.find_fault("voice")
        if fault is not None and "words" not in self._stages:
            return StageFailed(
                stage="words",
                cause=f"its voice failed: {fault.provider} ({fault.error})",
                hint="the agent stays in the room; `meetctl leave` takes it out",
            )
        return None

    async def _explain(self, view: _View) -> StageFailed:
        """Say why the time ran out at this stage, as far as it can be known."""
        stage = self._next
        found = await self._explain_no_worker() if stage == "accepted" else _explain_silence(stage, view)
        return StageFailed(
            stage=stage, cause=f"{found.cause} (waited {self._order.limit_s:g} s)", hint=found.hint
        )

    async def _explain_no_worker(self) -> Explanation:
        workers = await self._world.workers.list_workers()
        return explain_no_worker(workers, agent_name=self._order.agent_name, url=self._world.url)

    async def _offer(self) -> None:
        order = self._order
        metadata = json.dumps(dict(order.metadata)) if order.metadata else ""
        self._dispatch = await self._world.rooms.create_dispatch(
            order.room, order.agent_name, metadata=metadata
        )
        self._offered_s = self._world.clock.monotonic()

    async def _offer_again(self) -> None:
        """Give the order anew: one that no worker took at once is never offered again."""
        if not self._has_noted_delay:
            self._has_noted_delay = True
            found = await self._explain_no_worker()
            self._world.note(f"not taken yet: {found.cause}; asking again until {self._order.limit_s:g} s")
        await self._world.rooms.delete_dispatch(self._order.room, self._sent.id)
        await self._offer()

    async def _take_back(self, failure: StageFailed | None) -> bool:
        """Take an order back that no worker took: no agent may come when nobody waits for it any more."""
        if failure is None or failure.stage != "accepted":
            return False
        try:
            await self._world.rooms.delete_dispatch(self._order.room, self._sent.id)
        except NotFoundError:
            # The room has gone, and the order with it.
            return False
        return True

    async def _missing_room(self) -> NotFoundError:
        known = [room.name for room in await self._world.rooms.list_rooms()]
        close = find_close_names(self._order.room, known)
        meant = f"; is it {' or '.join(map(repr, close))}?" if close else ""
        return NotFoundError(f"there is no room {self._order.room!r}", hint=f"--create makes it{meant}")

    def _refuse_another(self, present: tuple[Participant, ...]) -> None:
        name = self._order.agent_name
        there = [one for one in present if one.kind == "agent" and one.agent_name == name]
        if there and not self._order.allows_another:
            session = f" (session {there[0].session_id})" if there[0].session_id else ""
            raise UsageError(
                f"an agent {name!r} is in room {self._order.room!r} already{session}",
                hint="each one listens, answers and costs; --another sends one more all the same",
            )

    def _done(self, stage: Stage, detail: str = "", *, is_skipped: bool = False) -> None:
        if stage not in self._stages:
            done = StageDone(stage=stage, after_s=self._elapsed_s(), detail=detail, is_skipped=is_skipped)
            self._stages[stage] = done
            self._world.tell(done)

    def _elapsed_s(self) -> float:
        return self._world.clock.monotonic() - self._started_s

    def _outcome(self, failure: StageFailed | None, *, is_taken_back: bool = False) -> JoinOutcome:
        agent, arrival = self._agent, self._arrival
        deaf = arrival.find_fault("ears")
        warnings = arrival.warnings
        if deaf is not None:
            warnings += (f"the agent cannot hear: {deaf.provider} ({deaf.error})",)
        return JoinOutcome(
            dispatch=self._sent.id,
            stages=tuple(self._stages.values()),
            failure=failure,
            agent=agent.identity if agent else None,
            session_id=(agent.session_id if agent else None) or arrival.session_id,
            is_taken_back=is_taken_back,
            warnings=warnings,
        )

    @property
    def _sent(self) -> Dispatch:
        if self._dispatch is None:
            raise RuntimeError("nothing was sent")
        return self._dispatch

    @property
    def _next(self) -> Stage:
        """The stage that is waited for."""
        awaited: tuple[Stage, ...] = ("accepted", "joined", "words")
        return next((stage for stage in awaited if stage not in self._stages), "video")

    @property
    def _is_complete(self) -> bool:
        return {"joined", "words", "video"} <= self._stages.keys()


def _shares_video(participants: tuple[Participant, ...]) -> bool:
    return any(
        track.kind == "video" and not track.is_muted
        for one in participants
        if one.kind != "agent"
        for track in one.tracks
    )


def _explain_silence(stage: Stage, view: _View) -> Explanation:
    """Say why an agent whose order was taken may not have come further."""
    if stage == "joined":
        return Explanation(
            cause="a worker took the order, but its agent has not joined",
            hint="its process may not have started: the worker's log says why",
        )
    if stage == "video":
        return Explanation(
            cause="video is shared, but the agent has seen no frame of it",
            hint="its eyes may be shut, or media cannot get through to it",
        )
    if not any(one.is_person for one in view.participants):
        return Explanation(
            cause="no participant: nobody is there to be spoken to",
            hint="the agent is in the room, and greets the first person; --open prints a link to join by",
        )
    state = view.agent.agent_state if view.agent is not None else None
    return Explanation(
        cause=f"the agent is there, {state or 'in no state that it tells'}, but has said nothing",
        hint="it speaks once somebody in the room can hear it",
    )
