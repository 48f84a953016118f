"""Telling people that they are recorded: by the room's own mark, and by a message to each."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from livekit import rtc

from meetctl.agent.meeting_recording import RECORDED

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal

logger = logging.getLogger(__name__)

CHAT_TOPIC = "lk.chat"
"""Where LiveKit's clients show what is written."""


class Notice:
    """Tells each person once, as soon as they can be reached, and notes in the journal who was told."""

    def __init__(self, journal: MeetingJournal) -> None:
        self._journal = journal
        self._room: rtc.Room | None = None
        self._told: dict[str, None] = {}
        self._reached: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_shown = False
        """Whether the room was marked as being recorded."""

    @property
    def told(self) -> tuple[str, ...]:
        """The identities of those who were sent a message, in this order."""
        return tuple(self._told)

    def follow(self, room: rtc.Room) -> None:
        """Tell who is in the room, and who comes."""
        self._room = room
        room.on("participant_active", self._reach)
        room.on("room_updated", self._note_mark)
        self._note_mark()
        for participant in room.remote_participants.values():
            if participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
                self._reach(participant)

    def forget(self, identity: str) -> None:
        """Tell somebody who has left again when they come back."""
        self._reached.discard(identity)

    async def close(self) -> None:
        """Tell nobody any more."""
        if self._room is not None:
            self._room.off("participant_active", self._reach)
            self._room.off("room_updated", self._note_mark)
            self._room = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _note_mark(self) -> None:
        if self._room is not None and self._room.is_recording and not self.is_shown:
            self.is_shown = True
            self._journal.write("recording.told", {"by": "mark"})

    def _reach(self, participant: rtc.RemoteParticipant) -> None:
        # Agents would answer, and a telephone shows nothing.
        reads = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
        if reads and participant.identity not in self._reached and self._room is not None:
            self._reached.add(participant.identity)
            task = asyncio.create_task(self._write_to(self._room, participant.identity), name="notice")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write_to(self, room: rtc.Room, identity: str) -> None:
        try:
            await room.local_participant.send_text(
                RECORDED, topic=CHAT_TOPIC, destination_identities=[identity]
            )
        except Exception as error:
            # The connection may be down, which LiveKit tells in several ways; then they are told after it.
            logger.warning("a person could not be told of the recording", exc_info=True)
            self._reached.discard(identity)
            self._journal.write("error", {"component": "notice", "error": type(error).__name__})
            return
        self._told[identity] = None
        self._journal.write("recording.told", {"by": "message", "participant": identity})
