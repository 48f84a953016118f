"""Meetings of several tenants in one worker: each gets its own, and nothing of the other's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from livekit import api
from tests.live_meeting import assert_verified, share_camera
from tests.platform_meeting import (
    PlatformStack,
    TypedAnswer,
    assert_counted_once,
    listen_in,
    run_platform,
    type_in,
    wait_until_delivered,
)

from meetctl.domain.tenancy import Personality, Tenant
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.backend_peer import Peer
    from tests.live_meeting import LiveMeeting

pytestmark = pytest.mark.live

PIECES = 12
"""Of knowledge, for each tenant: more than any search may bring."""
REFUNDS = "How long do refunds take?"
DOG = "What is the office dog called?"
HIGH_TOKENS, LOW_TOKENS = 85 + 2 * 170, 85
"""A picture of 640x360 with gpt-4.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A tenant in a room of its own, and what it alone has."""

    tenant: Tenant
    room: str
    word: str
    """Stands in everything that the backend knows of it."""
    has_features: bool
    hits: int
    detail: str
    image_tokens: int
    voice_model: str

    def introduce(self, peer: Peer) -> None:
        """Tell the backend about it."""
        peer.set_tenant(self.room, self.tenant)
        for flag in ("use_advanced_vision", "use_premium_voice"):
            peer.set_flag(self.tenant.id, flag, self.has_features)
        personality = Personality(
            name=f"{self.word} helper",
            instructions=f"You help in meetings. Our office dog is {self.word}.",
            greeting=f"Hello from {self.word}.",
            greets_latecomers=True,
            latecomer_greeting=f"{self.word} says welcome, {{name}}.",
        )
        peer.set_personality(self.tenant.id, personality)
        for number in range(PIECES):
            text = f"Refunds of {self.word} take {number + 2} days."
            peer.add_knowledge(self.tenant.id, f"{self.word}-{number}", text)


ACME = Company(
    tenant=Tenant(id="acme", tier="enterprise", name="Acme"),
    room="acme standup",
    word="Amber",
    has_features=True,
    hits=10,
    detail="high",
    image_tokens=HIGH_TOKENS,
    voice_model="coda",
)
GLOBEX = Company(
    tenant=Tenant(id="globex", tier="team", name="Globex"),
    room="globex standup",
    word="Cobalt",
    has_features=False,
    hits=3,
    detail="low",
    image_tokens=LOW_TOKENS,
    voice_model="sonic-3",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformStack]:
    options = ("--grace-s", "1", "--record", "sampled", "--idle-processes", "2", "--knowledge-wait", "5")
    with run_platform(tmp_path_factory.mktemp("stack"), *options) as running:
        for company in (ACME, GLOBEX):
            company.introduce(running.peer)
        yield running


async def name_of_agent(stack: PlatformStack, room: str) -> str:
    access = stack.livekit
    async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as client:
        found = await client.room.list_participants(api.ListParticipantsRequest(room=room))
    (name,) = [one.name for one in found.participants if one.kind == api.ParticipantInfo.Kind.AGENT]
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A meeting that was held, and what was answered in it."""

    meeting: LiveMeeting
    refunds: TypedAnswer
    dog: TypedAnswer


async def hold(stack: PlatformStack, company: Company, together: asyncio.Barrier) -> Held:
    """Hold a company's meeting beside another's."""
    async with type_in(stack, company.room) as maya:
        meeting = maya.meeting
        await meeting.wait_for("transcript", role="assistant", text=f"Hello from {company.word}.")
        async with share_camera(maya.room, SlidePictures(640, 360)):
            await meeting.wait_for("frame.kept", count=2)
            await together.wait()
            refunds = await maya.ask(REFUNDS)
            dog = await maya.ask(DOG)
        assert await name_of_agent(stack, company.room) == f"{company.word} helper"
        async with listen_in(stack, company.room, "noor"):
            welcome = f"{company.word} says welcome, noor."
            await meeting.wait_for("transcript", role="assistant", text=welcome)
        await together.wait()
    await meeting.end()
    await wait_until_delivered(meeting.bundle, stack.worker)
    return Held(meeting=meeting, refunds=refunds, dog=dog)


def test_two_tenants_in_one_worker_never_see_each_others_data(stack: PlatformStack) -> None:
    async def run() -> list[Held]:
        together = asyncio.Barrier(2)
        async with asyncio.TaskGroup() as meetings:
            held = [meetings.create_task(hold(stack, company, together)) for company in (ACME, GLOBEX)]
        return [meeting.result() for meeting in held]

    for company, other, held in zip((ACME, GLOBEX), (GLOBEX, ACME), asyncio.run(run()), strict=True):
        check_answers(company, held)
        check_tier(company, held.meeting)
        check_owner(company, held.meeting)
        for name in ("events.jsonl", "session.json", "delivered.json"):
            written = (held.meeting.bundle / name).read_text(encoding="utf-8").lower()
            assert other.word.lower() not in written
            assert other.tenant.id not in written
        assert_counted_once(stack.peer, held.meeting, company.tenant.id)
        assert_verified(held.meeting.bundle)
    check_calls(stack.peer)


def check_answers(company: Company, held: Held) -> None:
    """Knowledge and instructions must be the tenant's own."""
    assert f"Refunds of {company.word} take" in held.refunds.text
    assert f"Our office dog is {company.word}." in held.dog.text
    (searched,) = held.meeting.events("knowledge.searched", turn=held.refunds.turn)
    assert (searched["outcome"], searched["used"], searched["dropped"]) == ("done", True, 0)
    assert searched["hits"] == len(searched["sources"]) == company.hits
    assert {source["id"].partition("-")[0] for source in searched["sources"]} == {company.word}


def check_tier(company: Company, meeting: LiveMeeting) -> None:
    """Features must be the tenant's own, from the first frame on."""
    (resolved,) = meeting.events("tenant.resolved")
    assert (resolved["tier"], resolved["source"]) == (company.tenant.tier, "backend")
    (started,) = meeting.events("session.started")
    changed = [event["policy"]["detail"] for event in meeting.events("policy.changed")]
    assert (started["policy"]["detail"], changed) == ("high", [] if company.has_features else ["low"])
    requests = meeting.events("llm.request")
    assert {request["detail"] for request in requests} == {company.detail}
    for request in requests:
        assert request["images"]
        assert request["image_tokens"] == company.image_tokens * len(request["images"])
    assert {event["model"] for event in meeting.events("tts.usage")} == {company.voice_model}


def check_owner(company: Company, meeting: LiveMeeting) -> None:
    """Everything must say whose it is, as soon as that is known."""
    (resolved,) = meeting.events("tenant.resolved")
    owners = {event["tenant_id"] for event in meeting.events() if event["seq"] >= resolved["seq"]}
    assert owners == {company.tenant.id}
    assert {event["tenant_id"] for event in meeting.events()} <= {company.tenant.id, None}
    assert meeting.session["tenant_id"] == company.tenant.id


def check_calls(peer: Peer) -> None:
    """Every call must have carried the tenant of the room that it was about."""
    rooms = {company.room: company.tenant.id for company in (ACME, GLOBEX)}
    asked: dict[str, list[str]] = {}
    for procedure, value in peer.calls():
        if procedure == "livekit.getTenantByRoom":
            assert value["roomName"] in rooms
            continue
        asked.setdefault(procedure, []).append(value["tenantId"])
        told = value["events"] if procedure == "livekit.trackUsage" else [value.get("event", {})]
        for item in told:
            assert rooms[item.get("roomName", peer_room(value["tenantId"]))] == value["tenantId"]
        if procedure == "knowledge.search":
            expected = {company.tenant.id: company.hits for company in (ACME, GLOBEX)}
            assert value["limit"] == expected[value["tenantId"]]
    assert sorted(asked["featureFlags.check"]) == ["acme"] * 2 + ["globex"] * 2
    assert sorted(asked["ai.getPersonality"]) == ["acme", "globex"]
    assert set(asked["knowledge.search"]) == set(rooms.values())


def peer_room(tenant_id: str) -> str:
    return next(company.room for company in (ACME, GLOBEX) if company.tenant.id == tenant_id)
