"""Recording a room's meeting, or one meeting of it after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from meetctl.errors import ServiceError
from meetctl.recorder.outcome import EndReason
from meetctl.recorder.room_recorder import RoomRecorder
from meetctl.recorder.waiting import require_room, wait_for, wait_for_person

if TYPE_CHECKING:
    from meetctl.recorder.adapters import RecorderAdapters
    from meetctl.recorder.bundle import RoomBundle
    from meetctl.recorder.outcome import RecordedRoom
    from meetctl.recorder.settings import RecorderSettings

TICK_S = 1.0
_FINAL = (EndReason.STOPPED, EndReason.REMOVED, EndReason.NOT_RECORDED)
"""After these no other meeting is waited for: somebody wanted it so, or it would fail again."""


class Watcher(Protocol):
    """Told how far the recording is; nothing that it does may block."""

    def waits(self, room: str) -> None:
        """A person is waited for."""

    def begins(self, bundle: RoomBundle) -> None:
        """A recording begins; nothing is in its bundle yet."""

    def ticks(self, bundle: RoomBundle) -> None:
        """A second of recording has gone by."""

    def ends(self, recorded: RecordedRoom) -> None:
        """A recording has ended, well or not; its bundle is complete."""

    def fails(self, error: ServiceError) -> None:
        """The server has gone away, and is waited for."""


class RecordingService:
    """Finds the room, records it, and where that is wanted waits for its next meeting."""

    def __init__(self, settings: RecorderSettings, adapters: RecorderAdapters, watcher: Watcher) -> None:
        self._settings = settings
        self._adapters = adapters
        self._admin = adapters.admin
        self._watcher = watcher
        self._stop = asyncio.Event()
        self._recorder: RoomRecorder | None = None

    def stop(self) -> None:
        """End what is recorded now, or what is waited for."""
        self._stop.set()
        if self._recorder is not None:
            self._recorder.leave(EndReason.STOPPED)

    async def run(self) -> RecordedRoom | None:
        """Record, and return the last recording; None when it was stopped before there was any.

        Call it once: the connections to the server are closed then.

        Raises:
            NotFoundError: The room is not there, and is not waited for.
            ServiceError: The LiveKit server cannot be reached, or refuses.
            OutputError: A bundle could not be made.
        """
        try:
            return await self._run()
        finally:
            await self._admin.aclose()

    async def _run(self) -> RecordedRoom | None:
        last: RecordedRoom | None = None
        while await self._find():
            try:
                last = await self._record()
            except ServiceError as error:
                if not self._settings.repeats or last is None:
                    raise
                self._watcher.fails(error)
                await wait_for(self._stop, TICK_S)
                continue
            if not self._settings.repeats or last.reason in _FINAL or self._stop.is_set():
                break
        return last

    async def _find(self) -> bool:
        name = self._settings.room
        if not (self._settings.waits or self._settings.repeats):
            await require_room(self._admin, name)
            return not self._stop.is_set()
        self._watcher.waits(name)
        return await wait_for_person(self._admin, name, self._stop, tell=self._watcher.fails)

    async def _record(self) -> RecordedRoom:
        recorder = self._recorder = RoomRecorder(self._settings, self._adapters)
        ticking = asyncio.create_task(self._tick(recorder), name="ticks")
        try:
            recorded = await recorder.run(self._watcher.begins)
        finally:
            self._recorder = None
            ticking.cancel()
            await asyncio.wait([ticking])
        self._watcher.ends(recorded)
        return recorded

    async def _tick(self, recorder: RoomRecorder) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if recorder.bundle is not None:
                self._watcher.ticks(recorder.bundle)
