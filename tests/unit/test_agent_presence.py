"""Who is in the meeting: the agent waits for people, and leaves when none is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.presence import Presence, is_person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
PATIENCE_S = 300
GRACE_S = 20


@dataclass(frozen=True, slots=True)
class Somebody:
    identity: str
    kind: Any = STANDARD

    @property
    def name(self) -> str:
        return self.identity.title()


class Room:
    """Who comes and goes, and why the agent left, if it did."""

    def __init__(self) -> None:
        self.sink = InMemoryEventSink(clock=LoopClock())
        self.reasons: list[str] = []
        self.welcomed: list[str] = []
        self.presence = Presence(
            MeetingJournal(self.sink),
            patience_s=PATIENCE_S,
            grace_s=GRACE_S,
            leave=self.reasons.append,
            welcome=lambda somebody: self.welcomed.append(somebody.identity),
        )

    def join(self, somebody: Somebody) -> None:
        self.presence.join(cast("rtc.Participant", somebody))

    def depart(self, somebody: Somebody) -> None:
        self.presence.depart(cast("rtc.Participant", somebody))


MAYA, NOOR, BOT = Somebody("maya"), Somebody("noor"), Somebody("agent-1", AGENT)
PHONE = Somebody("sip_1", rtc.ParticipantKind.PARTICIPANT_KIND_SIP)
EGRESS = Somebody("EG_1", rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS)


def in_a_room(scene: Callable[[Room], Awaitable[None]]) -> None:
    async def play() -> None:
        await scene(Room())

    run_virtually(play())


def test_it_leaves_when_nobody_comes() -> None:
    async def scene(room: Room) -> None:
        room.join(BOT)
        room.presence.begin()
        await asyncio.sleep(PATIENCE_S - 1)
        assert room.reasons == []
        await asyncio.sleep(2)
        assert room.reasons == ["nobody came"]

    in_a_room(scene)


@pytest.mark.parametrize("person", [MAYA, PHONE])
def test_it_stays_as_long_as_somebody_is_there(person: Somebody) -> None:
    async def scene(room: Room) -> None:
        room.presence.begin()
        await asyncio.sleep(PATIENCE_S - 1)
        room.join(person)
        await asyncio.sleep(100_000)
        assert room.reasons == []

    in_a_room(scene)


def test_it_does_not_wait_for_people_who_are_there_already() -> None:
    async def scene(room: Room) -> None:
        room.join(MAYA)
        room.presence.begin()
        await asyncio.sleep(10 * PATIENCE_S)
        assert room.reasons == []

    in_a_room(scene)


def test_it_leaves_a_while_after_the_last_person() -> None:
    async def scene(room: Room) -> None:
        for somebody in (MAYA, NOOR, BOT):
            room.join(somebody)
        room.presence.begin()
        room.depart(MAYA)
        await asyncio.sleep(10 * GRACE_S)
        assert room.reasons == []
        room.depart(NOOR)
        await asyncio.sleep(GRACE_S - 1)
        assert room.reasons == []
        await asyncio.sleep(2)
        assert room.reasons == ["everyone left"]

    in_a_room(scene)


def test_somebody_who_returns_in_time_keeps_it_there_and_the_wait_begins_anew() -> None:
    async def scene(room: Room) -> None:
        room.join(MAYA)
        room.presence.begin()
        for _ in range(3):
            room.depart(MAYA)
            await asyncio.sleep(GRACE_S - 1)
            room.join(MAYA)
            await asyncio.sleep(10 * GRACE_S)
        assert room.reasons == []
        room.depart(MAYA)
        await asyncio.sleep(GRACE_S + 1)
        assert room.reasons == ["everyone left"]

    in_a_room(scene)


@pytest.mark.parametrize("machine", [BOT, EGRESS])
def test_machines_are_no_company(machine: Somebody) -> None:
    async def scene(room: Room) -> None:
        room.join(MAYA)
        room.presence.begin()
        room.depart(MAYA)
        room.join(machine)
        room.depart(machine)
        await asyncio.sleep(GRACE_S + 1)
        assert room.reasons == ["everyone left"]

    in_a_room(scene)


def test_a_closed_meeting_is_not_left_again() -> None:
    async def scene(room: Room) -> None:
        room.presence.begin()
        room.presence.close()
        await asyncio.sleep(2 * PATIENCE_S)
        assert room.reasons == []

    in_a_room(scene)


def test_all_who_were_there_are_known_once_and_journalled_each_time() -> None:
    async def scene(room: Room) -> None:
        for somebody in (MAYA, PHONE, BOT):
            room.join(somebody)
        room.depart(MAYA)
        room.join(MAYA)
        assert room.presence.everyone == [
            {"identity": "maya", "name": "Maya", "kind": "standard"},
            {"identity": "sip_1", "name": "Sip_1", "kind": "sip"},
            {"identity": "agent-1", "name": "Agent-1", "kind": "agent"},
        ]
        assert [event.type for event in room.sink.events] == [
            *["participant.joined"] * 3,
            "participant.left",
            "participant.joined",
        ]
        assert room.presence.people == {"maya": "Maya", "sip_1": "Sip_1"}
        assert room.presence.present == {"maya", "sip_1"}
        room.presence.close()

    in_a_room(scene)


def test_people_who_join_after_others_are_welcomed_and_the_first_ones_are_not() -> None:
    async def scene(room: Room) -> None:
        room.join(BOT)
        room.join(MAYA)
        room.presence.begin()
        room.join(NOOR)
        room.join(PHONE)
        room.join(EGRESS)
        room.join(Somebody("agent-2", AGENT))
        assert room.welcomed == ["noor", "sip_1"]
        room.presence.close()

    in_a_room(scene)


def test_the_first_person_to_come_is_not_late() -> None:
    async def scene(room: Room) -> None:
        room.presence.begin()
        room.join(MAYA)
        assert room.welcomed == []

    in_a_room(scene)


@pytest.mark.parametrize(("away_s", "welcomed"), [(GRACE_S - 1, []), (GRACE_S + 1, ["noor"])])
def test_who_comes_back_soon_is_not_welcomed_again(away_s: float, welcomed: list[str]) -> None:
    async def scene(room: Room) -> None:
        for somebody in (MAYA, NOOR):
            room.join(somebody)
        room.presence.begin()
        room.depart(NOOR)
        assert room.presence.present == {"maya"}
        await asyncio.sleep(away_s)
        room.join(NOOR)
        assert room.welcomed == welcomed

    in_a_room(scene)


@pytest.mark.parametrize(("somebody", "is_one"), [(MAYA, True), (PHONE, True), (BOT, False), (EGRESS, False)])
def test_machines_are_no_people(somebody: Somebody, is_one: bool) -> None:
    assert is_person(cast("rtc.Participant", somebody)) is is_one
