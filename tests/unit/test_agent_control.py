"""What arrives on the control topic: what of it the agent performs, refuses, tells and keeps quiet."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api
from tests.control_room import ACCESS, AGENT, ROOM, Room, sign
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.control import MOST_BYTES, MOST_WAITING, PERFORM_LIMIT_S, ControlChannel
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.refusals import MOST_IN_A_WINDOW, WINDOW_S
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from livekit import rtc

SECRET_WORDS = "the merger is on Friday"


class Steered:
    """An agent that can be steered, and what it was made to do."""

    def __init__(self) -> None:
        self.room = Room()
        self.clock = LoopClock()
        self.sink = InMemoryEventSink(clock=self.clock)
        self.done: list[tuple[str, Mapping[str, Any]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.channel = ControlChannel(
            cast("rtc.Room", self.room),
            ACCESS,
            room_name=ROOM,
            clock=self.clock,
            journal=MeetingJournal(self.sink),
            perform={
                "say": self._performer("say"),
                "leave": self._performer("leave"),
                "mute": self._refuse,
                "ask": self._break,
            },
        )
        self.channel.follow()
        self._number = 0

    @property
    def now_s(self) -> int:
        return int(self.clock.now().timestamp())

    def send(self, op: str, args: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """Send a message, wrong in whatever is changed, and return its id."""
        self._number += 1
        jti = f"jti-{self._number:08}"
        self.room.deliver(sign(op, args or {}, now_s=self.now_s, **{"jti": jti, **changed}))
        return jti

    def reasons(self) -> list[str]:
        return [fields["reason"] for fields in self.sink.fields("control.refused")]

    def _performer(self, op: str) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
        async def perform(args: Mapping[str, Any]) -> None:
            await self.gate.wait()
            self.done.append((op, args))

        return perform

    async def _refuse(self, _: Mapping[str, Any]) -> None:
        raise UsageError("the ears are muted already")

    async def _break(self, args: Mapping[str, Any]) -> None:
        raise ValueError(args["text"])


def steer(scene: Callable[[Steered], Awaitable[None]]) -> None:
    async def play() -> None:
        steered = Steered()
        await scene(steered)
        await steered.channel.close()

    run_virtually(play())


async def settle() -> None:
    """Let everything run that is due now."""
    await asyncio.sleep(0.001)


def test_a_signed_message_is_performed_told_and_acknowledged() -> None:
    async def scene(steered: Steered) -> None:
        jti = steered.send("say", {"text": SECRET_WORDS})
        await settle()
        assert steered.done == [("say", {"text": SECRET_WORDS})]
        assert steered.sink.fields("control.performed") == [
            {"op": "say", "args": {"characters": len(SECRET_WORDS)}, "jti": jti, "outcome": "done"}
        ]
        answer = steered.room.answer_to(jti)
        assert answer is not None
        assert answer.error is None

    steer(scene)


def test_messages_are_performed_one_after_the_other_in_their_order() -> None:
    async def scene(steered: Steered) -> None:
        steered.gate.clear()
        for text in ("one", "two", "three"):
            steered.send("say", {"text": text})
        await settle()
        assert steered.done == []
        steered.gate.set()
        await settle()
        assert [args["text"] for _, args in steered.done] == ["one", "two", "three"]

    steer(scene)


@pytest.mark.parametrize(
    ("op", "args", "error"),
    [
        ("mute", {"what": "ears"}, "the ears are muted already"),
        ("ask", {"text": SECRET_WORDS}, "ask failed: ValueError"),
        ("record", {"mode": "full"}, "this agent cannot record"),
    ],
)
def test_what_fails_is_told_and_the_next_message_is_performed(
    op: str, args: Mapping[str, Any], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(steered: Steered) -> None:
        failed, next_one = steered.send(op, args), steered.send("leave")
        await settle()
        (fields, _) = steered.sink.fields("control.performed")
        assert (fields["outcome"], fields["error"]) == ("failed", error)
        answers = steered.room.answer_to(failed), steered.room.answer_to(next_one)
        assert [answer and answer.error for answer in answers] == [error, None]

    steer(scene)
    assert SECRET_WORDS not in " ".join(record.getMessage() for record in caplog.records)


def test_an_operation_that_never_ends_does_not_hold_up_the_next() -> None:
    async def scene(steered: Steered) -> None:
        steered.gate.clear()
        stuck = steered.send("say", {"text": "one"})
        await asyncio.sleep(PERFORM_LIMIT_S + 1)
        steered.gate.set()
        steered.send("leave")
        await settle()
        answer = steered.room.answer_to(stuck)
        assert answer is not None
        assert answer.error == "say took too long"
        assert [op for op, _ in steered.done] == ["leave"]

    steer(scene)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"secret": "x" * 40}, "forged"),
        ({"secret": "", "algorithm": "none"}, "wrong algorithm"),
        ({"secret": "s" * 64, "algorithm": "HS512"}, "wrong algorithm"),
        ({"room": "another"}, "foreign room"),
        ({"aud": "livekit"}, "wrong audience"),
        ({"iss": "stranger"}, "wrong issuer"),
        ({"sub": "agent-2"}, "another agent"),
        ({"iat": 0, "exp": 60}, "expired"),
        ({"iat": 0}, "too long-lived"),
        ({"jti": None}, "incomplete"),
    ],
)
def test_messages_that_prove_nothing_are_dropped_without_an_answer(
    changed: Mapping[str, Any], reason: str
) -> None:
    async def scene(steered: Steered) -> None:
        steered.send("leave", **changed)
        await settle()
        assert steered.done == []
        assert steered.sink.fields("control.refused") == [{"reason": reason, "count": 1}]
        assert steered.room.local_participant.attributes == {}

    steer(scene)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"leave", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 10_000, "not JSON"),
        (b"[]", "no token"),
        (b'{"op": "leave"}', "no token"),
        (b'{"jwt": 3}', "no token"),
        (b'{"jwt": ""}', "forged"),
        (b'{"jwt": "\\ud800"}', "forged"),
        (b'{"jwt": "a.b.c"}', "forged"),
        (b" " * (MOST_BYTES + 1), "too big"),
    ],
)
def test_data_without_a_token_is_dropped_though_it_shows_no_sender(data: bytes, reason: str) -> None:
    async def scene(steered: Steered) -> None:
        steered.room.deliver(data)
        assert steered.reasons() == [reason]

    steer(scene)


def test_a_token_to_join_the_room_steers_nothing() -> None:
    async def scene(steered: Steered) -> None:
        token = api.AccessToken(ACCESS.api_key, ACCESS.api_secret).with_identity(AGENT)
        token = token.with_grants(api.VideoGrants(room_join=True, room_admin=True, room=ROOM))
        steered.room.deliver(json.dumps({"jwt": token.to_jwt()}).encode())
        assert steered.reasons() == ["wrong audience"]

    steer(scene)


def test_a_participant_steers_nothing_even_with_a_valid_token_and_does_not_use_it_up() -> None:
    async def scene(steered: Steered) -> None:
        message = sign("leave", {}, jti="jti-stolen", now_s=steered.now_s)
        steered.room.deliver(message, sender="maya")
        await settle()
        assert (steered.reasons(), steered.done) == (["sent by a participant"], [])
        steered.room.deliver(message)
        await settle()
        assert [op for op, _ in steered.done] == ["leave"]

    steer(scene)


def test_a_message_is_performed_once() -> None:
    async def scene(steered: Steered) -> None:
        message = sign("leave", {}, jti="jti-twice-1", now_s=steered.now_s)
        steered.room.deliver(message)
        steered.room.deliver(message)
        await settle()
        assert ([op for op, _ in steered.done], steered.reasons()) == (["leave"], ["replayed"])
        answer = steered.room.answer_to("jti-twice-1")
        assert answer is not None
        assert answer.error is None

    steer(scene)


@pytest.mark.parametrize(
    ("op", "args", "reason", "error"),
    [
        ("reboot", {}, "unknown operation", "there is no such operation"),
        ("say", {}, "wrong arguments", "say needs text: 1 to 2000 characters"),
    ],
)
def test_the_sender_learns_what_was_wrong_with_a_signed_message(
    op: str, args: Mapping[str, Any], reason: str, error: str
) -> None:
    async def scene(steered: Steered) -> None:
        jti = steered.send(op, args)
        await settle()
        answer = steered.room.answer_to(jti)
        assert answer is not None
        assert (answer.error, steered.reasons()) == (error, [reason])
        assert steered.sink.fields("control.performed") == []

    steer(scene)


def test_data_on_other_topics_is_nobodys_business() -> None:
    async def scene(steered: Steered) -> None:
        steered.room.deliver(b"hello", topic="chat")
        assert steered.sink.events == []

    steer(scene)


def test_a_flood_is_counted_and_fills_neither_journal_nor_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(steered: Steered) -> None:
        for _ in range(500):
            steered.room.deliver(b"flood")
            steered.room.deliver(b"{}")
        told = steered.sink.fields("control.refused")
        assert len(told) == MOST_IN_A_WINDOW
        await asyncio.sleep(WINDOW_S + 1)
        told = steered.sink.fields("control.refused")
        assert len(told) == MOST_IN_A_WINDOW + 2
        for reason in ("not JSON", "no token"):
            assert sum(fields["count"] for fields in told if fields["reason"] == reason) == 500
        steered.room.deliver(b"one more")
        assert len(steered.sink.fields("control.refused")) == MOST_IN_A_WINDOW + 3

    caplog.set_level(logging.WARNING)
    steer(scene)
    assert len(caplog.records) == MOST_IN_A_WINDOW + 3


def test_more_messages_than_can_wait_are_refused() -> None:
    async def scene(steered: Steered) -> None:
        steered.gate.clear()
        steered.send("leave")
        await settle()
        for _ in range(MOST_WAITING + 2):
            steered.send("leave")
        assert steered.reasons() == ["too many"] * 2
        steered.gate.set()
        await settle()
        assert len(steered.done) == MOST_WAITING + 1

    steer(scene)


def test_a_lost_connection_costs_the_acknowledgement_only() -> None:
    async def scene(steered: Steered) -> None:
        steered.room.local_participant.is_connected = False
        unheard = steered.send("say", {"text": "one"})
        await settle()
        assert len(steered.done) == 1
        steered.room.local_participant.is_connected = True
        steered.send("leave")
        await settle()
        assert steered.room.answer_to(unheard) is not None

    steer(scene)


def test_what_waits_when_the_agent_leaves_is_performed_or_told() -> None:
    async def scene(steered: Steered) -> None:
        waiting = steered.send("say", {"text": "goodbye"})
        await steered.channel.close()
        assert [op for op, _ in steered.done] == ["say"]
        assert steered.room.answer_to(waiting) is not None
        steered.send("leave")
        await settle()
        assert len(steered.done) == 1

    steer(scene)


def test_what_takes_too_long_when_the_agent_leaves_is_told_as_not_done() -> None:
    async def scene(steered: Steered) -> None:
        steered.gate.clear()
        steered.send("say", {"text": "one"})
        steered.send("say", {"text": "two"})
        await settle()
        await steered.channel.close()
        (fields,) = steered.sink.fields("control.performed")
        assert (fields["outcome"], fields["error"]) == ("failed", "the agent left before it was done")
        assert steered.reasons() == ["agent left"]

    steer(scene)


@given(
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: json.dumps({"jwt": text}).encode())
    | st.builds(lambda *parts: json.dumps({"jwt": ".".join(parts)}).encode(), *[st.text(max_size=20)] * 3)
)
def test_no_bytes_do_any_harm(data: bytes) -> None:
    async def scene(steered: Steered) -> None:
        steered.room.deliver(data)
        assert len(steered.reasons()) == 1

    steer(scene)
