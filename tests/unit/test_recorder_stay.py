"""Who is taken to be in the room, through lost connections, and who is told of the recording."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from tests.fakes.clock import run_virtually

from meetctl import bootstrap
from meetctl.core.local_stack import LiveKitAccess
from meetctl.core.settings import parse_recording
from meetctl.recorder.bundle import RoomBundle
from meetctl.recorder.connection import order_token
from meetctl.recorder.settings import RecorderSettings
from meetctl.recorder.stay import Stay

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
JOINING = rtc.ParticipantState.PARTICIPANT_STATE_JOINING
GRACE_S = 10.0


@dataclass(slots=True)
class Person:
    """A participant, as livekit shows it."""

    identity: str
    kind: Any = STANDARD
    state: Any = ACTIVE
    name: str = ""
    track_publications: dict[str, Any] = field(default_factory=dict)


class Room(rtc.EventEmitter[str]):
    """A room as livekit shows it to somebody who is in it; it is its own local participant."""

    def __init__(self, *people: Person) -> None:
        super().__init__()
        self.remote_participants = {person.identity: person for person in people}
        self.local_participant = self
        self.is_recording = False
        self.sent: list[tuple[str, str]] = []
        self.failure: Exception | None = None

    def join(self, person: Person) -> None:
        self.remote_participants[person.identity] = person
        self.emit("participant_connected", person)

    def activate(self, identity: str) -> None:
        self.remote_participants[identity].state = ACTIVE
        self.emit("participant_active", self.remote_participants[identity])

    def leave(self, identity: str) -> None:
        self.emit("participant_disconnected", self.remote_participants.pop(identity))

    async def send_text(self, text: str, *, topic: str, destination_identities: list[str]) -> None:
        if self.failure is not None:
            raise self.failure
        assert topic == "lk.chat"
        self.sent += [(identity, text) for identity in destination_identities]


class Scene:
    """A stay in a room, its bundle, and why it ended."""

    def __init__(self, directory: Path, *, is_silent: bool) -> None:
        self.left: list[str] = []
        settings = settings_for(directory, is_silent=is_silent)
        self.bundle = RoomBundle(settings, bootstrap.bundle_adapters(), on_stopped=self.left.append)
        self.stay = Stay(settings, self.bundle, leave=self.left.append)

    def enter(self, room: Room) -> None:
        self.stay.enter(cast("rtc.Room", room))

    def told(self, *types: str) -> list[tuple[str, str]]:
        """Return the journal's events of these types, each with whom or why."""
        lines = (self.bundle.directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return [
            (event["type"], event.get("participant") or event.get("reason") or event.get("by") or "")
            for event in map(json.loads, lines)
            if event["type"] in types
        ]


def settings_for(directory: Path, *, is_silent: bool = False) -> RecorderSettings:
    return RecorderSettings(
        livekit=LiveKitAccess(url="ws://127.0.0.1:1", api_key="key", api_secret="s" * 32),
        room="standup",
        fps=Fraction(1),
        recording=parse_recording("sampled"),
        sessions=directory,
        is_silent=is_silent,
        grace_s=GRACE_S,
    )


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    def run(act: Callable[[Scene], Coroutine[Any, Any, None]], *, is_silent: bool = False) -> None:
        async def whole() -> None:
            scene = Scene(tmp_path, is_silent=is_silent)
            await act(scene)
            await scene.stay.close()
            await scene.bundle.close("stopped by the operator", scene.stay.presence.everyone)

        run_virtually(whole())

    return run


async def settle() -> None:
    """Let what was begun go on."""
    await asyncio.sleep(0.1)


def test_people_are_told_once_they_can_be_reached_and_machines_never(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"), Person("helper", AGENT), Person("caller", SIP))
        scene.enter(room)
        room.join(Person("noor", state=JOINING))
        await settle()
        assert room.sent == [("maya", "This meeting is being recorded.")]
        room.activate("noor")
        room.activate("helper")
        room.activate("maya")
        await settle()
        assert [identity for identity, _ in room.sent] == ["maya", "noor"]
        assert scene.stay.notice.told == ("maya", "noor")

    play(act)


def test_who_comes_back_is_told_again(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"))
        scene.enter(room)
        await settle()
        room.leave("maya")
        room.join(Person("maya", state=JOINING))
        room.activate("maya")
        await settle()
        assert [identity for identity, _ in room.sent] == ["maya", "maya"]

    play(act)


def test_mark_of_the_room_is_noted_when_it_is_there(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"))
        scene.enter(room)
        assert scene.told("recording.told") == []
        room.is_recording = True
        room.emit("room_updated")
        room.emit("room_updated")
        assert scene.stay.notice.is_shown
        await settle()
        assert scene.told("recording.told").count(("recording.told", "mark")) == 1

    play(act)


def test_message_that_cannot_be_sent_is_journalled_and_counts_for_nobody(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"))
        room.failure = ConnectionError("down")
        scene.enter(room)
        await settle()
        assert scene.told("recording.told") == []
        assert len(scene.told("error")) == 1
        room.failure = None
        room.activate("maya")
        await settle()
        assert scene.stay.notice.told == ("maya",)

    play(act)


def test_silent_recorder_writes_to_nobody(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"))
        scene.enter(room)
        room.activate("maya")
        room.emit("room_updated")
        await settle()
        assert room.sent == []
        assert not scene.told("recording.told")

    play(act, is_silent=True)


def test_departures_while_the_connection_is_lost_are_not_believed(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        room = Room(Person("maya"), Person("noor"))
        scene.enter(room)
        scene.stay.presence.begin()
        room.emit("reconnecting")
        room.leave("maya")
        room.leave("noor")
        await asyncio.sleep(3 * GRACE_S)
        assert scene.left == []
        room.join(Person("maya"))
        room.emit("reconnected")
        assert scene.told(
            "connection.lost", "connection.restored", "participant.joined", "participant.left"
        ) == [
            ("participant.joined", "maya"),
            ("participant.joined", "noor"),
            ("connection.lost", "reconnecting"),
            ("connection.restored", ""),
            ("participant.left", "noor"),
        ]
        await asyncio.sleep(3 * GRACE_S)
        assert scene.left == []

    play(act)


def test_other_connection_finds_out_who_has_left_and_who_has_come(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        first, second = Room(Person("maya"), Person("noor")), Room(Person("noor"), Person("zoe"))
        scene.enter(first)
        scene.stay.presence.begin()
        await scene.stay.lose_room("signal close")
        first.leave("noor")  # what the lost connection says does not count any more
        scene.enter(second)
        assert scene.told("connection.lost", "participant.joined", "participant.left") == [
            ("participant.joined", "maya"),
            ("participant.joined", "noor"),
            ("connection.lost", "signal close"),
            ("participant.left", "maya"),
            ("participant.joined", "zoe"),
        ]

    play(act)


def test_leaves_when_nobody_is_left_after_a_lost_connection(play: Callable[..., None]) -> None:
    async def act(scene: Scene) -> None:
        scene.enter(Room(Person("maya")))
        scene.stay.presence.begin()
        await scene.stay.lose_room("signal close")
        scene.enter(Room(Person("helper", AGENT)))
        assert scene.left == []
        await asyncio.sleep(2 * GRACE_S)
        assert scene.left == ["everyone left"]

    play(act)


@pytest.mark.parametrize(("is_silent", "kind"), [(False, "egress"), (True, "agent")])
def test_token_lets_nobody_see_or_hear_the_recorder(tmp_path: Path, is_silent: bool, kind: str) -> None:
    order = order_token(settings_for(tmp_path, is_silent=is_silent), "recorder")
    assert order.kind == kind
    assert order.grants.as_claim() == {
        "room": "standup",
        "roomJoin": True,
        "hidden": True,
        "canPublish": False,
        "canPublishData": not is_silent,
        "canSubscribe": True,
    }
