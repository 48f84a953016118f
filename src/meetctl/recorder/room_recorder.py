"""One recording of one room, from joining to leaving, through lost connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.agent.ending import end_part
from meetctl.errors import MeetctlError, OutputError, ServiceError
from meetctl.recorder.bundle import RoomBundle
from meetctl.recorder.connection import Connection
from meetctl.recorder.outcome import EndReason, RecordedRoom
from meetctl.recorder.stay import Stay
from meetctl.recorder.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.recorder.adapters import RecorderAdapters
    from meetctl.recorder.settings import RecorderSettings

RETURN_LIMIT_S = 120.0
"""How long a lost connection is tried to be made again."""
LOOK_EVERY_S = 1.0
"""How often the disk, and a lost room, are looked at."""


class RoomRecorder:
    """Records until the meeting is over or it is told to leave, and leaves a complete bundle."""

    def __init__(self, settings: RecorderSettings, adapters: RecorderAdapters) -> None:
        self._settings = settings
        self._adapters = adapters
        self._reason: EndReason | None = None
        self._error: MeetctlError | None = None
        self._leaving = asyncio.Event()
        self._connection = Connection(settings, adapters)
        self.bundle: RoomBundle | None = None
        """What is written; None until the room was joined."""

    async def run(self, on_begun: Callable[[RoomBundle], None]) -> RecordedRoom:
        """Record, and return what came of it; `on_begun` is told of the bundle before anything is in it.

        Raises:
            ServiceError: The room could not be joined; nothing was written.
            OutputError: The bundle could not be made.
        """
        await self._connection.open()
        try:
            bundle = self.bundle = RoomBundle(
                self._settings, self._adapters.bundle, on_stopped=self._stop_recording
            )
            on_begun(bundle)
            stay = Stay(self._settings, bundle, leave=self.leave)
            await bundle.begin()
            try:
                await self._record(bundle, stay)
            finally:
                await stay.close()
                # The room's mark goes when nothing is recorded any more, however long the rest takes.
                await end_part("the connection", self._connection.close)
                await bundle.close(self._reason or EndReason.FAILED, stay.presence.everyone)
        finally:
            await end_part("the connection", self._connection.close)
        return RecordedRoom(
            bundle=bundle.directory,
            reason=self._reason or EndReason.FAILED,
            duration_s=bundle.state.about.duration_s or bundle.clock.now_us() / 1_000_000,
            size_bytes=bundle.size_bytes,
            recorded=bundle.outcome,
            told=stay.notice.told,
            is_shown=stay.notice.is_shown,
            state=bundle.state,
            error=self._error,
        )

    def leave(self, reason: str, error: MeetctlError | None = None) -> None:
        """End the recording; the first reason that is given holds."""
        if self._reason is None:
            self._reason, self._error = EndReason(reason), error
        self._leaving.set()

    def _stop_recording(self, reason: str) -> None:
        where = self._settings.sessions
        self.leave(
            EndReason.NOT_RECORDED,
            OutputError(
                f"nothing more could be recorded in {where}: {reason}",
                hint="what was recorded until then is kept; --sessions DIRECTORY chooses another place",
            ),
        )

    async def _record(self, bundle: RoomBundle, stay: Stay) -> None:
        if self._settings.limit_s is not None:
            asyncio.get_running_loop().call_later(self._settings.limit_s, self.leave, EndReason.LIMIT)
        stay.enter(self._connection.room)
        stay.presence.begin()
        while True:
            await _first_of(self._leaving, self._connection.ended, limit_s=LOOK_EVERY_S)
            if bundle.journal.lost:
                self._stop_recording("the journal cannot be written")
            if self._leaving.is_set():
                return
            if not self._connection.ended.is_set():
                continue
            if self._connection.end_reason is not None:
                self.leave(self._connection.end_reason)
                return
            await stay.lose_room(self._connection.lost_by)
            if not await self._return():
                return
            stay.enter(self._connection.room)

    async def _return(self) -> bool:
        """Join again as soon as the server and the room are there; tell whether that went well."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + RETURN_LIMIT_S
        gone_s = loop.time() + self._settings.grace_s
        failure: ServiceError | None = None
        while loop.time() < give_up_s:
            try:
                room = await self._adapters.admin.find_room(self._settings.room)
                failure = None
                if room is not None:
                    await self._reconnect()
                    return True
                if loop.time() >= gone_s:
                    break
            except ServiceError as error:
                failure = error
                gone_s = loop.time() + self._settings.grace_s
            if await wait_for(self._leaving, LOOK_EVERY_S):
                return False
        # Where the server answers, and the room is not there any more, its meeting is over.
        self.leave(EndReason.CONNECTION_LOST if failure else EndReason.ROOM_CLOSED, failure)
        return False

    async def _reconnect(self) -> None:
        await end_part("the lost connection", self._connection.close)
        self._connection = Connection(self._settings, self._adapters)
        await self._connection.open()


async def _first_of(*events: asyncio.Event, limit_s: float) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
