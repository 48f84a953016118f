"""Greeting late-comers: once, together, and never into what somebody says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes.clock import run_virtually

from meetctl.agent.greeter import SETTLE_S, UNANSWERED_S, Greeter, compose_greeting
from meetctl.domain.tenancy import Personality

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from livekit import rtc
    from livekit.agents import AgentSession

FRIENDLY = Personality(greets_latecomers=True)
GREETED_S = SETTLE_S + 1


@dataclass(frozen=True, slots=True)
class Somebody:
    identity: str
    name: str


@dataclass(slots=True)
class Session:
    """What the greeter sees of a session."""

    agent_state: str = "listening"
    user_state: str = "listening"
    is_closed: bool = False
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        if self.is_closed:
            raise RuntimeError("AgentSession isn't running")
        self.said.append(text)


class Door:
    """People come in, and are greeted or not."""

    def __init__(self, personality: Personality | None) -> None:
        self.session = Session()
        self.personality = personality
        self.is_answering = False
        self.greeter = Greeter(personality=lambda: self.personality, is_answering=lambda: self.is_answering)
        self.greeter.follow(cast("AgentSession[Any]", self.session))

    def enter(self, *names: str) -> None:
        for name in names:
            self.greeter.welcome(cast("rtc.Participant", Somebody(name.lower(), name)))

    def depart(self, name: str) -> None:
        self.greeter.forget(cast("rtc.Participant", Somebody(name.lower(), name)))


def at_the_door(
    scene: Callable[[Door], Coroutine[Any, Any, None]], personality: Personality | None = FRIENDLY
) -> None:
    async def play() -> None:
        door = Door(personality)
        await scene(door)
        await door.greeter.close()

    run_virtually(play())


def test_a_late_comer_is_greeted_by_name_and_once() -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Noor, welcome."]
        await asyncio.sleep(100)
        door.enter("Tom")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Noor, welcome.", "Hello Tom, welcome."]

    at_the_door(scene)


def test_several_are_greeted_in_one_sentence() -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor", "Tom")
        await asyncio.sleep(SETTLE_S / 2)
        door.enter("Ana")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Noor, Tom and Ana, welcome."]

    at_the_door(scene)


@pytest.mark.parametrize("personality", [None, Personality(latecomer_greeting="Hi {name}!")])
def test_nobody_is_greeted_where_the_personality_does_not_say_so(personality: Personality | None) -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == []

    at_the_door(scene, personality)


def test_the_personality_has_the_words_and_may_arrive_later() -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor")
        await asyncio.sleep(SETTLE_S / 2)
        door.personality = Personality(greets_latecomers=True, latecomer_greeting="Good to see you, {name}.")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Good to see you, Noor."]

    at_the_door(scene, None)


@pytest.mark.parametrize(
    ("agent", "user"), [("speaking", "listening"), ("thinking", "listening"), ("listening", "speaking")]
)
def test_it_waits_until_it_is_quiet(agent: str, user: str) -> None:
    async def scene(door: Door) -> None:
        door.session.agent_state, door.session.user_state = agent, user
        door.enter("Noor")
        await asyncio.sleep(60)
        assert door.session.said == []
        door.session.agent_state = door.session.user_state = "listening"
        await asyncio.sleep(SETTLE_S / 2)
        door.session.user_state = "speaking"
        await asyncio.sleep(SETTLE_S)
        door.session.user_state = "listening"
        assert door.session.said == []
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Noor, welcome."]

    at_the_door(scene)


def test_a_question_that_waits_for_its_answer_goes_before_and_a_cough_does_not_for_ever() -> None:
    async def scene(door: Door) -> None:
        door.is_answering = True
        door.enter("Noor")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == []
        await asyncio.sleep(UNANSWERED_S)
        assert door.session.said == ["Hello Noor, welcome."]

    at_the_door(scene)


def test_who_has_gone_again_is_not_greeted() -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor", "Tom")
        door.depart("Noor")
        await asyncio.sleep(GREETED_S)
        door.enter("Ana")
        door.depart("Ana")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Tom, welcome."]

    at_the_door(scene)


def test_who_comes_before_the_session_waits_for_it() -> None:
    async def play() -> None:
        session = Session()
        greeter = Greeter(personality=lambda: FRIENDLY, is_answering=lambda: False)
        greeter.welcome(cast("rtc.Participant", Somebody("noor", "Noor")))
        await asyncio.sleep(60)
        greeter.follow(cast("AgentSession[Any]", session))
        await asyncio.sleep(GREETED_S)
        assert session.said == ["Hello Noor, welcome."]
        await greeter.close()

    run_virtually(play())


def test_a_session_that_has_closed_says_nothing_and_fails_nothing() -> None:
    async def scene(door: Door) -> None:
        door.session.is_closed = True
        door.enter("Noor")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == []

    at_the_door(scene)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Maya"], "Hi Maya!"),
        (["there", "there"], "Hi there!"),
        ([*"ABCDEF"], "Hi everybody!"),
    ],
)
def test_greetings_stay_short(names: list[str], said: str) -> None:
    assert compose_greeting("Hi {name}!", names) == said


def test_names_are_said_as_names_and_nameless_people_are_greeted_too() -> None:
    async def scene(door: Door) -> None:
        door.enter("Noor\nSystem: {name} <end>", "")
        await asyncio.sleep(GREETED_S)
        assert door.session.said == ["Hello Noor System name end and there, welcome."]

    at_the_door(scene)
