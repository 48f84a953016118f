"""What every room administration promises, held against the fake, and the adapter with a real server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import pytest
from livekit import api, rtc
from tests.fakes.room_admin import FakeRoomAdmin
from tests.local_stack import run_livekit_server

from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.rooms import Participant
    from meetctl.ports import RoomAdmin

    Use = Callable[[RoomAdmin, "House"], Awaitable[None]]
    Administrate = Callable[[Use], None]

# Letters that addresses and JSON treat specially.
ROOM = 'r&d + 100% #1 "Üb\\er"/ü?=🙂'
LOOK_S = 0.05
HANG_S = 60


class House(Protocol):
    """The people who come to the rooms."""

    async def admit(
        self, room: str, identity: str, *, name: str = "", kind: Literal["standard", "agent"] = "standard"
    ) -> None: ...

    async def observe(self, room: str, identity: str) -> None: ...

    async def publish(self, room: str, identity: str) -> str: ...


class FakeHouse:
    def __init__(self, admin: FakeRoomAdmin) -> None:
        self._admin = admin

    async def admit(
        self, room: str, identity: str, *, name: str = "", kind: Literal["standard", "agent"] = "standard"
    ) -> None:
        self._admin.admit(room, identity, name=name, kind=kind, attributes={"meetctl.session_id": "s1"})

    async def observe(self, room: str, identity: str) -> None:
        self._admin.admit(room, identity, is_hidden=True)

    async def publish(self, room: str, identity: str) -> str:
        return self._admin.publish(room, identity, "microphone")


class RealHouse:
    def __init__(self, access: LiveKitAccess, stack: AsyncExitStack) -> None:
        self._access = access
        self._stack = stack
        self._rooms: dict[tuple[str, str], rtc.Room] = {}

    async def admit(
        self, room: str, identity: str, *, name: str = "", kind: Literal["standard", "agent"] = "standard"
    ) -> None:
        await self._join(room, identity, name=name, kind=kind, can_update_own_metadata=True)
        await self._rooms[room, identity].local_participant.set_attributes({"meetctl.session_id": "s1"})

    async def observe(self, room: str, identity: str) -> None:
        await self._join(room, identity, hidden=True, can_publish=False)

    async def publish(self, room: str, identity: str) -> str:
        local = self._rooms[room, identity].local_participant
        track = rtc.LocalAudioTrack.create_audio_track("mic", rtc.AudioSource(16_000, 1))
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        return (await local.publish_track(track, options)).sid

    async def _join(
        self,
        room: str,
        identity: str,
        *,
        name: str = "",
        kind: Literal["standard", "agent"] = "standard",
        **grants: bool,
    ) -> None:
        token = api.AccessToken(self._access.api_key, self._access.api_secret).with_identity(identity)
        token = token.with_kind(kind).with_name(name)
        token = token.with_grants(
            api.VideoGrants(room_join=True, room=room, **cast("dict[str, Any]", grants))
        )
        joined = rtc.Room()
        await joined.connect(self._access.url, token.to_jwt(), rtc.RoomOptions(auto_subscribe=False))
        self._stack.push_async_callback(joined.disconnect)
        self._rooms[room, identity] = joined


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


@pytest.fixture(params=["fake", "livekit"])
def administrate(request: pytest.FixtureRequest) -> Administrate:
    """Let a test use a room administration, and the house that its rooms are in."""
    access = request.getfixturevalue("server") if request.param == "livekit" else None

    def run(use: Use) -> None:
        asyncio.run(_use(access, use))

    return run


async def _use(access: LiveKitAccess | None, use: Use) -> None:
    async with _open(access) as (admin, house):
        for room in await admin.list_rooms():
            await admin.close_room(room.name)
        await use(admin, house)


@asynccontextmanager
async def _open(access: LiveKitAccess | None) -> AsyncIterator[tuple[RoomAdmin, House]]:
    async with AsyncExitStack() as stack:
        if access is None:
            fake = FakeRoomAdmin()
            yield fake, FakeHouse(fake)
        else:
            real = LiveKitAdmin(access)
            stack.push_async_callback(real.aclose)
            yield real, RealHouse(access, stack)


async def see(
    admin: RoomAdmin, room: str, identity: str, condition: Callable[[Participant], object] = bool
) -> Participant:
    """Wait until the server shows somebody as is wanted: it learns of attributes and tracks a moment late."""
    for _ in range(round(HANG_S / LOOK_S)):
        for one in await admin.list_participants(room):
            if one.identity == identity and condition(one):
                return one
        await asyncio.sleep(LOOK_S)
    pytest.fail(f"{identity} was not seen so in {room}: {await admin.list_participants(room)}")


def test_there_are_no_rooms_at_first(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        assert await admin.list_rooms() == ()
        assert await admin.find_room(ROOM) is None

    administrate(use)


def test_a_room_is_made_as_ordered(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        made = await admin.create_room(
            ROOM, metadata='{"a": "ü"}', empty_timeout_s=77, departure_timeout_s=33, max_participants=4
        )
        assert (made.name, made.metadata) == (ROOM, '{"a": "ü"}')
        assert (made.empty_timeout_s, made.departure_timeout_s, made.max_participants) == (77, 33, 4)
        assert await admin.find_room(ROOM) == made
        assert [room.name for room in await admin.list_rooms()] == [ROOM]

    administrate(use)


def test_a_room_that_is_there_is_left_as_it_is(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        made = await admin.create_room("retro", metadata="first")
        assert await admin.create_room("retro", metadata="second", max_participants=9) == made
        assert made.metadata == "first"
        assert made.max_participants is None
        assert made.empty_timeout_s > 0

    administrate(use)


def test_rooms_come_by_name(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        for name in ("c", "a", "b"):
            await admin.create_room(name)
        assert [room.name for room in await admin.list_rooms()] == ["a", "b", "c"]

    administrate(use)


def test_a_closed_room_is_gone_with_everybody(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, house: House) -> None:
        await house.admit(ROOM, "maya")
        await admin.close_room(ROOM)
        assert await admin.find_room(ROOM) is None
        with pytest.raises(NotFoundError, match="there is no room"):
            await admin.list_participants(ROOM)

    administrate(use)


@pytest.mark.parametrize(
    "use_nothing",
    [
        lambda admin: admin.close_room("nowhere"),
        lambda admin: admin.list_participants("nowhere"),
        lambda admin: admin.remove_participant("nowhere", "maya"),
        lambda admin: admin.mute_track("nowhere", "maya", "TR_1", muted=True),
        lambda admin: admin.list_dispatches("nowhere"),
        lambda admin: admin.delete_dispatch("nowhere", "AD_1"),
    ],
)
def test_a_room_that_is_not_there_is_said_to_be_missing(
    administrate: Administrate, use_nothing: Callable[[RoomAdmin], Awaitable[object]]
) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        with pytest.raises(NotFoundError, match="'nowhere'"):
            await use_nothing(admin)

    administrate(use)


def test_participants_are_shown_as_they_are(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, house: House) -> None:
        await house.admit(ROOM, "maya", name="Maya Ü.")
        await house.admit(ROOM, "agent-1", kind="agent")
        await house.observe(ROOM, "watcher")
        maya = await see(admin, ROOM, "maya", lambda one: one.attributes and one.state == "active")
        agent = await see(admin, ROOM, "agent-1", lambda one: one.session_id)
        watcher = await see(admin, ROOM, "watcher")
        assert (maya.name, maya.kind, maya.is_person, maya.is_hidden) == ("Maya Ü.", "standard", True, False)
        # She has the attribute too, but is no agent.
        assert (maya.session_id, agent.session_id) == (None, "s1")
        assert (agent.kind, agent.is_person) == ("agent", False)
        assert (watcher.is_hidden, watcher.is_person) == (True, False)
        assert maya.joined_at is not None
        assert agent.joined_at is not None
        assert maya.joined_at < agent.joined_at
        listed = await admin.list_participants(ROOM)
        assert [one.identity for one in listed] == ["maya", "agent-1", "watcher"]

    administrate(use)


def test_somebody_is_put_out(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, house: House) -> None:
        await house.admit(ROOM, "maya")
        await house.admit(ROOM, "noor")
        await admin.remove_participant(ROOM, "maya")
        assert [one.identity for one in await admin.list_participants(ROOM)] == ["noor"]
        with pytest.raises(NotFoundError, match="there is no participant 'maya' in room"):
            await admin.remove_participant(ROOM, "maya")

    administrate(use)


def test_a_track_is_muted_and_nobody_is_unmuted_where_that_is_forbidden(
    administrate: Administrate,
) -> None:
    async def use(admin: RoomAdmin, house: House) -> None:
        await house.admit(ROOM, "maya")
        sid = await house.publish(ROOM, "maya")
        published = (await see(admin, ROOM, "maya", lambda one: one.tracks)).tracks[0]
        assert (published.sid, published.kind, published.source) == (sid, "audio", "microphone")
        assert not published.is_muted
        await admin.mute_track(ROOM, "maya", sid, muted=True)
        muted = (await see(admin, ROOM, "maya", lambda one: one.tracks[0].is_muted)).tracks[0]
        assert muted == replace(published, is_muted=True, codec=muted.codec)
        with pytest.raises(ServiceError, match="lets nobody unmute"):
            await admin.mute_track(ROOM, "maya", sid, muted=False)

    administrate(use)


def test_a_track_that_is_not_there_cannot_be_muted(administrate: Administrate) -> None:
    async def use(admin: RoomAdmin, house: House) -> None:
        await house.admit(ROOM, "maya")
        with pytest.raises(NotFoundError, match="publishes no track 'TR_none'"):
            await admin.mute_track(ROOM, "maya", "TR_none", muted=True)
        with pytest.raises(NotFoundError, match="there is no participant 'noor'"):
            await admin.mute_track(ROOM, "noor", "TR_none", muted=True)

    administrate(use)


def test_a_dispatch_makes_its_room_and_is_listed_until_it_is_taken_back(
    administrate: Administrate,
) -> None:
    async def use(admin: RoomAdmin, _: House) -> None:
        sent = await admin.create_dispatch(ROOM, "meetctl", metadata='{"fps": "1/2"}')
        assert (sent.room, sent.agent_name, sent.metadata) == (ROOM, "meetctl", '{"fps": "1/2"}')
        assert sent.jobs == ()
        assert sent.created_at is not None
        assert await admin.find_room(ROOM) is not None
        listed = await admin.list_dispatches(ROOM)
        # A server makes one by itself, for workers without a name.
        assert [one.agent_name for one in listed] == ["", "meetctl"]
        assert listed[-1] == sent
        await admin.delete_dispatch(ROOM, sent.id)
        assert [one.agent_name for one in await admin.list_dispatches(ROOM)] == [""]
        with pytest.raises(NotFoundError, match="there is no dispatch"):
            await admin.delete_dispatch(ROOM, sent.id)

    administrate(use)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "ws://127.0.0.1:9"}, r"ws://127\.0\.0\.1:9 cannot be reached"),
        ({"api_secret": "w" * 40}, "refused the key 'local-"),
        ({"api_key": "unknown"}, "refused the key 'unknown'"),
    ],
)
def test_a_server_that_is_not_there_or_refuses_is_named(
    server: LiveKitAccess, changes: dict[str, str], message: str
) -> None:
    async def ask() -> None:
        admin = LiveKitAdmin(replace(server, **changes))
        try:
            with pytest.raises(ServiceError, match=message) as refused:
                await admin.list_rooms()
            assert refused.value.hint
            assert server.api_secret not in refused.value.message
        finally:
            await admin.aclose()

    asyncio.run(ask())
