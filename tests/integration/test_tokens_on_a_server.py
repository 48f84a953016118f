"""Tokens on a real LiveKit server: it takes what `mint` makes, and refuses what `explain` says it would."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from livekit import rtc
from tests.local_stack import run_livekit_server

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.adapters.livekit_tokens import LiveKitTokens
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.token_text import find_token
from meetctl.domain.tokens import PURPOSES, TokenOrder, TokenPurpose, preset_grants
from meetctl.services.tokens import explain, make_identity, mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import MeetctlRunner

    from meetctl.core.local_stack import LiveKitAccess

CLOCK = SystemClock()
NOW_S = int(CLOCK.now().timestamp())
JOIN = {"roomJoin": True, "room": "standup"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


def environment_of(server: LiveKitAccess) -> dict[str, str]:
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }


def mint(meetctl: MeetctlRunner, server: LiveKitAccess, *options: str) -> str:
    done = meetctl("token", "mint", *options, env=environment_of(server))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def ask(server: LiveKitAccess, path: str, token: str, **content: Any) -> int:
    """Return the status of a request with a token: a GET, or with content a POST."""
    url = server.url.replace("ws", "http", 1) + path
    method = "POST" if content else "GET"
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, url, headers={"Authorization": f"Bearer {token}"}, json=content or None
        ) as answer,
    ):
        return answer.status


def may_join(server: LiveKitAccess, token: str) -> bool:
    """Ask the server itself whether somebody could join with a token."""
    return asyncio.run(ask(server, "/rtc/validate", token)) == 200


def signed(server: LiveKitAccess, **claims: Any) -> str:
    usual = {"iss": server.api_key, "sub": "maya", "nbf": NOW_S, "exp": NOW_S + 600, "video": JOIN}
    return LiveKitTokens(server).sign({**usual, **claims})


def without_signature(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_server_takes_what_mint_makes(
    meetctl: MeetctlRunner, server: LiveKitAccess, purpose: TokenPurpose
) -> None:
    assert may_join(server, mint(meetctl, server, "--for", purpose, "--room", "standup"))


@pytest.mark.parametrize(
    "claims",
    [
        {"video": {"room": "standup"}},
        {"video": None},
        {"sub": ""},
        {"exp": NOW_S - 120},
        {"nbf": NOW_S + 3600},
        {"exp": "tomorrow"},
        {"video": {**JOIN, "canPublish": "yes"}},
        {"video": {**JOIN, "canPublishSources": "camera"}},
        {"video": [JOIN]},
        {"attributes": {"team": 1}},
        {"metadata": {"team": 1}},
        {"iss": "APInobody"},
    ],
    ids=str,
)
def test_the_server_refuses_what_explain_says_will_not_do(
    server: LiveKitAccess, claims: dict[str, Any]
) -> None:
    token = signed(server, **claims)
    assert not may_join(server, token)
    found = find_token(token)
    assert explain(found, purpose="participant", signer=LiveKitTokens(server), clock=CLOCK).problems


def test_the_server_refuses_what_is_not_signed_with_its_secret(server: LiveKitAccess) -> None:
    good = signed(server)
    stranger = LiveKitTokens(replace(server, api_secret="x" * 40))
    for token in (without_signature(good), stranger.sign(find_token(good).claims), good[:-2]):
        assert not may_join(server, token)
        explained = explain(find_token(token), purpose=None, signer=LiveKitTokens(server), clock=CLOCK)
        assert explained.signature == "does not fit"
    assert may_join(server, good)


@pytest.mark.parametrize(
    "claims",
    [{"exp": None}, {"video": {"RoomJoin": True, "ROOM": "standup"}}, {"video": {**JOIN, "canFly": 1}}],
    ids=str,
)
def test_the_server_takes_what_explain_only_warns_of(server: LiveKitAccess, claims: dict[str, Any]) -> None:
    token = signed(server, **claims)
    assert may_join(server, token)
    assert not explain(find_token(token), purpose=None, signer=LiveKitTokens(server), clock=CLOCK).problems


@pytest.mark.parametrize(
    ("option", "call", "content"),
    [
        ("--list", "ListRooms", {"names": ["standup"]}),
        ("--create", "CreateRoom", {"name": "made"}),
        ("--admin", "ListParticipants", {"room": "standup"}),
    ],
)
def test_rights_over_rooms(
    meetctl: MeetctlRunner, server: LiveKitAccess, option: str, call: str, content: dict[str, Any]
) -> None:
    path = f"/twirp/livekit.RoomService/{call}"
    granted = mint(meetctl, server, option, "--room", "standup")
    plain = mint(meetctl, server, "--room", "standup")
    assert asyncio.run(ask(server, path, granted, **content)) == 200
    assert asyncio.run(ask(server, path, plain, **content)) in (401, 403)


def test_only_the_agent_grant_registers_a_worker(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    async def register(token: str) -> bool:
        async with aiohttp.ClientSession() as session:
            try:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.ws_connect(f"{server.url}/agent", headers=headers):
                    return True
            except aiohttp.WSServerHandshakeError:
                return False

    assert asyncio.run(register(mint(meetctl, server, "--register-agent")))
    assert asyncio.run(register(mint(meetctl, server, "--for", "agent", "--room", "standup")))
    assert not asyncio.run(register(mint(meetctl, server, "--room", "standup")))


@asynccontextmanager
async def joined(server: LiveKitAccess, token: str) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    await room.connect(server.url, token, rtc.RoomOptions(auto_subscribe=False))
    try:
        yield room
    finally:
        await room.disconnect()


def test_whoever_joins_is_what_the_token_says(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    person = mint(
        *(meetctl, server, "--room", "daily", "-i", "maya", "-n", "Maya", "--metadata", "likes tea"),
        *(
            "--attribute",
            "team=blue",
            "--agent",
            "nobody-serves-this",
            "--agent-metadata",
            '{"tenant":"acme"}',
        ),
    )
    agent = mint(meetctl, server, "--for", "agent", "--room", "daily", "-i", "bot")
    observer = mint(meetctl, server, "--for", "observer", "--room", "daily")

    async def look() -> None:
        admin = LiveKitAdmin(server)
        async with joined(server, person), joined(server, agent), joined(server, observer):
            there = {one.identity: one for one in await admin.list_participants("daily")}
            dispatches = await admin.list_dispatches("daily")
        await admin.aclose()
        maya, bot = there.pop("maya"), there.pop("bot")
        (hidden,) = there.values()
        assert (maya.name, maya.metadata, maya.attributes, maya.kind) == (
            "Maya",
            "likes tea",
            {"team": "blue"},
            "standard",
        )
        assert bot.kind == "agent"
        assert [one.is_hidden for one in (maya, bot, hidden)] == [False, False, True]
        assert [(one.agent_name, one.metadata) for one in dispatches] == [
            ("nobody-serves-this", '{"tenant":"acme"}')
        ]

    asyncio.run(look())


def test_validity_ends_when_it_was_said_to(server: LiveKitAccess) -> None:
    order = TokenOrder(
        grants=preset_grants("participant", "standup"),
        identity=make_identity("participant"),
        valid_for=timedelta(hours=2),
    )
    minted = mint_token(order, LiveKitTokens(server), CLOCK)
    assert may_join(server, minted.text)
    # The server allows for clocks that differ by a minute.
    early = dict(minted.claims, nbf=NOW_S - 7320, iat=NOW_S - 7320, exp=NOW_S - 120)
    assert not may_join(server, LiveKitTokens(server).sign(early))
