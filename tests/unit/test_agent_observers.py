"""Who is sent a meeting's events, which of them, and how often."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.control_room import Room
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.observers import BATCH_BYTES, BATCH_INTERVAL_S, MOST_OBSERVERS, Observers
from meetctl.domain.control import EVENTS_TOPIC, OBSERVER_LEASE_S
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit import rtc

IRIS, OTTO = "observer-iris-0000000001", "observer-otto-0000000001"


class SinkBytes:
    """The journal in memory as the file that it would be."""

    def __init__(self, sink: InMemoryEventSink) -> None:
        self._sink = sink

    def size(self) -> int:
        return len(self._data)

    async def read(self, offset: int, limit: int) -> bytes:
        await asyncio.sleep(0)
        return self._data[offset : offset + limit]

    @property
    def _data(self) -> bytes:
        return "".join(line + "\n" for line in self._sink.lines).encode()


class Observed:
    """A meeting with observers."""

    def __init__(self) -> None:
        self.room = Room()
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.journal = MeetingJournal(self.sink)
        self.observers = Observers(
            cast("rtc.Room", self.room),
            self.journal,
            journal_bytes=SinkBytes(self.sink),
            clock=LoopClock(),
        )

    def happen(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            self.journal.write("log", fields)

    def seqs(self, identity: str) -> list[int]:
        """The numbers of the events that an observer was sent."""
        return [
            json.loads(line)["seq"]
            for whom, topic, text in self.room.local_participant.sent
            if whom == (identity,) and topic == EVENTS_TOPIC
            for line in text.splitlines()
        ]


def observe(scene: Callable[[Observed], Awaitable[None]]) -> None:
    async def play() -> None:
        observed = Observed()
        await scene(observed)
        await observed.observers.close()

    run_virtually(play())


async def pass_some_batches() -> None:
    await asyncio.sleep(4 * BATCH_INTERVAL_S)


def test_nobody_is_sent_anything_who_was_not_announced() -> None:
    async def scene(observed: Observed) -> None:
        observed.room.join("maya")
        observed.happen(3)
        await pass_some_batches()
        assert observed.room.local_participant.sent == []

    observe(scene)


def test_an_observer_is_sent_what_happens_from_its_announcement_on() -> None:
    async def scene(observed: Observed) -> None:
        observed.happen(2)
        observed.observers.announce(IRIS)
        observed.happen(2)
        await pass_some_batches()
        observed.happen(1)
        await pass_some_batches()
        assert observed.seqs(IRIS) == [2, 3, 4]

    observe(scene)


def test_history_comes_first_without_a_gap_or_a_repetition() -> None:
    async def scene(observed: Observed) -> None:
        observed.happen(3_000, message="x" * 100)
        observed.observers.announce(IRIS, history=True)
        for _ in range(40):
            observed.happen()
            await asyncio.sleep(BATCH_INTERVAL_S / 3)
        await pass_some_batches()
        assert observed.seqs(IRIS) == list(range(3_040))
        sizes = [len(text) for _, _, text in observed.room.local_participant.sent]
        assert max(sizes) <= BATCH_BYTES

    observe(scene)


def test_observers_are_told_apart() -> None:
    async def scene(observed: Observed) -> None:
        observed.happen()
        observed.observers.announce(IRIS, history=True)
        observed.observers.announce(OTTO)
        observed.happen()
        await pass_some_batches()
        assert (observed.seqs(IRIS), observed.seqs(OTTO)) == ([0, 1], [1])

    observe(scene)


def test_at_most_four_messages_a_second_are_sent() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS)
        for _ in range(1_000):
            observed.happen()
            await asyncio.sleep(0.01)
        await pass_some_batches()
        assert observed.seqs(IRIS) == list(range(1_000))
        assert len(observed.room.local_participant.sent) <= 10 * 4 + 2

    observe(scene)


def test_an_event_longer_than_a_message_is_sent_whole() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS)
        observed.happen(message="x" * 3 * BATCH_BYTES)
        observed.happen()
        await pass_some_batches()
        assert observed.seqs(IRIS) == [0, 1]

    observe(scene)


def test_an_observer_is_forgotten_unless_it_is_announced_again() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS)
        observed.observers.announce(OTTO)
        await asyncio.sleep(OBSERVER_LEASE_S - 1)
        observed.observers.announce(OTTO, history=True)
        await asyncio.sleep(2)
        observed.happen()
        await pass_some_batches()
        assert observed.observers.identities == {OTTO}
        assert (observed.seqs(IRIS), observed.seqs(OTTO)) == ([], [0])

    observe(scene)


def test_an_observer_that_says_goodbye_is_sent_nothing_more() -> None:
    async def scene(observed: Observed) -> None:
        await observed.observers.operations["announce"]({"identity": IRIS, "history": False})
        await observed.observers.operations["goodbye"]({"identity": IRIS})
        await observed.observers.operations["goodbye"]({"identity": OTTO})
        observed.happen()
        await pass_some_batches()
        assert observed.room.local_participant.sent == []

    observe(scene)


def test_whom_people_can_see_is_no_observer() -> None:
    async def scene(observed: Observed) -> None:
        observed.room.join(IRIS)
        with pytest.raises(UsageError, match="not hidden"):
            observed.observers.announce(IRIS)
        observed.observers.announce(OTTO)
        observed.room.join(OTTO)
        observed.happen()
        await pass_some_batches()
        assert observed.room.local_participant.sent == []

    observe(scene)


def test_there_is_a_bound_to_observers() -> None:
    async def scene(observed: Observed) -> None:
        for number in range(MOST_OBSERVERS):
            observed.observers.announce(f"observer-{number:016}")
        with pytest.raises(UsageError, match="observers are here already"):
            observed.observers.announce(IRIS)
        observed.observers.announce(f"observer-{0:016}")

    observe(scene)


def test_what_a_lost_connection_kept_back_is_sent_later() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS)
        observed.room.local_participant.is_connected = False
        observed.happen(5)
        await pass_some_batches()
        assert observed.seqs(IRIS) == []
        observed.room.local_participant.is_connected = True
        await pass_some_batches()
        assert observed.seqs(IRIS) == [0, 1, 2, 3, 4]

    observe(scene)


def test_the_last_event_is_sent_before_the_agent_goes() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS, history=True)
        await pass_some_batches()
        observed.journal.write("session.ended", {})
        await observed.observers.close()
        assert observed.seqs(IRIS) == [0]
        observed.happen()
        await pass_some_batches()
        assert observed.seqs(IRIS) == [0]
        with pytest.raises(UsageError, match="leaving"):
            observed.observers.announce(OTTO)

    observe(scene)


def test_an_observer_that_cannot_be_told_does_not_keep_the_agent() -> None:
    async def scene(observed: Observed) -> None:
        observed.observers.announce(IRIS)
        observed.room.local_participant.is_connected = False
        observed.happen()
        await observed.observers.close()
        assert observed.observers.identities == frozenset()

    observe(scene)
