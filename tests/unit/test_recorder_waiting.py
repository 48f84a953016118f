"""Waiting until there is something to record, over a server in memory."""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.clock import run_virtually
from tests.fakes.room_admin import FakeRoomAdmin

from meetctl.errors import NotFoundError, ServiceError
from meetctl.recorder.waiting import require_room, wait_for_person


def told_nothing(error: ServiceError) -> None:
    pytest.fail(f"told of {error}")


def test_room_that_is_there_is_enough() -> None:
    admin = FakeRoomAdmin()
    asyncio.run(admin.create_room("standup"))
    asyncio.run(require_room(admin, "standup"))
    # Nobody has been let in, and nothing was made.
    assert [room.name for room in asyncio.run(admin.list_rooms())] == ["standup"]
    with pytest.raises(NotFoundError):
        asyncio.run(require_room(admin, "Standup"))


def test_missing_room_names_those_that_may_have_been_meant() -> None:
    admin = FakeRoomAdmin()
    admin.admit("standup", "maya")
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(require_room(admin, "stadup"))
    assert caught.value.message == "there is no room 'stadup'"
    assert caught.value.hint == "did you mean 'standup'? --wait waits for it"
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(require_room(admin, "quarterly"))
    assert caught.value.hint == "--wait waits for it"


def test_only_a_person_ends_the_waiting() -> None:
    async def run() -> None:
        admin, stop = FakeRoomAdmin(), asyncio.Event()
        waiting = asyncio.create_task(wait_for_person(admin, "standup", stop, tell=told_nothing))
        await asyncio.sleep(5)
        admin.admit("standup", "agent", kind="agent")
        await asyncio.sleep(5)
        admin.admit("standup", "observer", is_hidden=True)
        await asyncio.sleep(5)
        assert not waiting.done()
        admin.admit("standup", "caller", kind="sip")
        assert await waiting

    run_virtually(run())


def test_stopping_ends_the_waiting() -> None:
    async def run() -> None:
        stop = asyncio.Event()
        waiting = asyncio.create_task(wait_for_person(FakeRoomAdmin(), "standup", stop, tell=told_nothing))
        await asyncio.sleep(5)
        stop.set()
        assert not await waiting

    run_virtually(run())


def test_server_that_goes_away_is_waited_for_and_told_once_each_time() -> None:
    async def run() -> None:
        admin, told = FakeRoomAdmin(), list[ServiceError]()
        waiting = asyncio.create_task(wait_for_person(admin, "standup", asyncio.Event(), tell=told.append))
        for times in (1, 2):
            await asyncio.sleep(5)
            admin.is_reachable = False
            await asyncio.sleep(30)
            admin.is_reachable = True
            assert len(told) == times
        admin.admit("standup", "maya")
        assert await waiting

    run_virtually(run())


def test_server_that_was_never_there_is_an_error() -> None:
    admin = FakeRoomAdmin()
    admin.is_reachable = False
    with pytest.raises(ServiceError):
        asyncio.run(wait_for_person(admin, "standup", asyncio.Event(), tell=told_nothing))
