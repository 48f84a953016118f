"""Steering and observing an agent through a real LiveKit server: who is heard, and who is told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from tests.control_room import sign
from tests.live_agent import until
from tests.local_stack import run_livekit_server
from tests.steered_agent import CLOCK, ROOM, join, take_part

from meetctl.adapters.control_sender import find_agents, name_observer, send_control
from meetctl.domain.control import CONTROL_TOPIC
from meetctl.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess

pytestmark = pytest.mark.live

QUIET_ROOM = "retro"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


def test_a_hidden_observer_is_told_everything_and_nobody_else_anything(
    tmp_path: Path, server: LiveKitAccess
) -> None:
    async def meet() -> None:
        identity = name_observer()
        async with AsyncExitStack() as stack:
            agent = await stack.enter_async_context(take_part(server, tmp_path))
            maya = await stack.enter_async_context(join(server, "maya"))
            stranger = await stack.enter_async_context(
                join(server, "lurker", hidden=True, can_publish=False, can_publish_data=False)
            )
            observer = await stack.enter_async_context(
                join(server, identity, hidden=True, can_publish=False, can_publish_data=False)
            )
            for number in range(2_000):
                agent.journal.write("log", {"message": f"line {number} ü"})
            await send_control(server, ROOM, "announce", {"identity": identity, "history": True}, clock=CLOCK)
            late = await stack.enter_async_context(join(server, "late"))
            agent.journal.write("log", {"message": "the last"})
            await until(lambda: len(observer.events) == 2_002, "the observer has every event")
            assert observer.seqs == list(range(2_002))
            assert observer.events[2_000]["type"] == "control.performed"
            await agent.reach(maya, stranger, late, observer)
            assert [guest.events for guest in (maya, stranger, late)] == [[], [], []]
            await send_control(server, ROOM, "goodbye", {"identity": identity}, clock=CLOCK)
            agent.journal.write("log", {"message": "after the goodbye"})
            await agent.reach(observer)
            assert max(observer.seqs) <= 2_002

    asyncio.run(meet())


def test_who_joins_visibly_under_an_observers_identity_is_told_nothing_more(
    tmp_path: Path, server: LiveKitAccess
) -> None:
    async def meet() -> None:
        identity = name_observer()
        async with take_part(server, tmp_path) as agent:
            async with join(server, identity, hidden=True, can_publish=False, can_publish_data=False):
                await send_control(server, ROOM, "announce", {"identity": identity}, clock=CLOCK)
            async with join(server, identity) as person:
                await until(lambda: not agent.observers.identities, "the agent has seen who it is")
                agent.journal.write("log", {"message": "secret"})
                await agent.reach(person)
                assert "secret" not in str(person.events)
                with pytest.raises(ServiceError, match="did not announce: this participant is not hidden"):
                    await send_control(server, ROOM, "announce", {"identity": identity}, clock=CLOCK)

    asyncio.run(meet())


def test_a_command_is_performed_acknowledged_and_in_the_journal(
    tmp_path: Path, server: LiveKitAccess
) -> None:
    async def meet() -> None:
        async with take_part(server, tmp_path) as agent:
            answers = await asyncio.gather(
                *(send_control(server, ROOM, "say", {"text": text}, clock=CLOCK) for text in ("one", "two"))
            )
            assert sorted(agent.said) == ["one", "two"]
            performed = agent.events("control.performed")
            assert {event["jti"] for event in performed} == {answer.jti for answer in answers}
            assert [event["args"] for event in performed] == [{"characters": 3}] * 2
            with pytest.raises(ServiceError, match="did not mute: the ears are muted already"):
                await send_control(server, ROOM, "mute", {"what": "ears"}, clock=CLOCK)
            with pytest.raises(UsageError, match="mute needs what"):
                await send_control(server, ROOM, "mute", {}, clock=CLOCK)
            assert len(agent.events("control.performed")) == 3

    asyncio.run(meet())


def test_messages_from_the_room_and_forged_ones_are_refused_and_counted(
    tmp_path: Path, server: LiveKitAccess
) -> None:
    async def meet() -> None:
        async with (
            take_part(server, tmp_path) as agent,
            join(server, "maya") as maya,
            join(server, "lurker", hidden=True) as lurker,
            api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit,
        ):
            now_s = int(CLOCK.now().timestamp())
            claims = {"iss": server.api_key, "room": ROOM, "sub": agent.room.local_participant.identity}
            args, secret = {"text": "never said"}, server.api_secret
            valid = sign("say", args, jti="jti-valid-01", now_s=now_s, secret=secret, **claims)
            forged = sign("say", args, jti="jti-forged-1", now_s=now_s, secret="x" * 40, **claims)
            foreign = sign(
                "say", args, jti="jti-foreign", now_s=now_s, secret=secret, **{**claims, "room": "other"}
            )

            async def refused(reason: str) -> None:
                await until(
                    lambda: any(e["reason"] == reason for e in agent.events("control.refused")), reason
                )

            # The first data of a participant may arrive before the agent has heard of them.
            await until(lambda: "maya" in agent.room.remote_participants, "the agent sees maya")
            await maya.room.local_participant.publish_data(valid, topic=CONTROL_TOPIC)
            await refused("sent by a participant")
            # A hidden participant's data shows no sender, as that of the server's API.
            await lurker.room.local_participant.publish_data(forged, topic=CONTROL_TOPIC)
            await refused("forged")
            await livekit.room.send_data(
                api.SendDataRequest(
                    room=ROOM,
                    data=foreign,
                    topic=CONTROL_TOPIC,
                    destination_identities=[agent.room.local_participant.identity],
                )
            )
            await refused("foreign room")
            assert agent.said == []
            assert agent.events("control.performed") == []

    asyncio.run(meet())


def test_the_sender_is_told_what_is_missing(tmp_path: Path, server: LiveKitAccess) -> None:
    async def meet() -> None:
        async def refusal(access: LiveKitAccess = server, **options: Any) -> str:
            with pytest.raises((ServiceError, UsageError)) as refused:
                await send_control(access, QUIET_ROOM, "leave", {}, clock=CLOCK, **options)
            return f"{refused.value.message}; {refused.value.hint}"

        assert await refusal() == (
            f"there is no room {QUIET_ROOM!r}; a room is there while somebody is in it"
        )
        assert "refused the key" in await refusal(replace(server, api_secret="x" * 40))
        assert "cannot be reached" in await refusal(replace(server, url="ws://127.0.0.1:9"))
        async with join(server, "maya", room=QUIET_ROOM):
            assert "there is no agent of meetctl in room" in await refusal()
            async with take_part(server, tmp_path, room=QUIET_ROOM, session_id="deaf", listens=False):
                assert "has not answered to leave within 0.5 s" in await refusal(limit_s=0.5)
                async with take_part(server, tmp_path, room=QUIET_ROOM, session_id="other"):
                    assert "say which session is meant: deaf, other" in await refusal()
                    assert "no agent with session 's9'" in await refusal(session_id="s9")
                    assert "this agent cannot leave" in await refusal(session_id="other")
                    agents = await find_agents(server, QUIET_ROOM)
                    assert {agent.session_id for agent in agents} == {"deaf", "other"}

    asyncio.run(meet())
