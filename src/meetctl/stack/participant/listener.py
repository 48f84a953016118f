"""What a scripted person hears: one agent's audio, its state, and its transcriptions, from the room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc

from meetctl.stack.participant.ear import Ear

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from meetctl.ports import Clock

STATE = "lk.agent.state"
TRANSCRIPTION = "lk.transcription"
SEGMENT = "lk.segment_id"

_RATE, _BLOCK_MS = 16_000, 20
_AUDIBLE_RMS = 200
"""Of 32768, about -44 dB: far above a codec's noise, far below any voice."""


class AgentListener:
    """Hands everything that one speaker in a room does to an Ear."""

    def __init__(self, room: rtc.Room, identity: str, speaker: str | None, clock: Clock) -> None:
        """Listen in `room` as `identity`, to `speaker` or, when that is None, to agents."""
        self.ear = Ear(clock.monotonic())
        self._room = room
        self._identity = identity
        self._speaker = speaker
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        room.on("track_published", self._on_published)
        room.on("track_subscribed", self._on_subscribed)
        room.on("participant_connected", self._on_connected)
        room.on("participant_attributes_changed", self._on_attributes)
        room.register_text_stream_handler(TRANSCRIPTION, self._on_text)

    def open(self) -> None:
        """Take notice of who is in the room already; what comes later is noticed by itself."""
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
            for publication in participant.track_publications.values():
                self._on_published(publication, participant)

    async def close(self) -> None:
        """Stop listening."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_speaker(self, participant: rtc.RemoteParticipant) -> bool:
        if self._speaker is not None:
            return participant.identity == self._speaker
        return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        self._on_attributes(participant.attributes, participant)

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if (
            STATE in changed
            and isinstance(participant, rtc.RemoteParticipant)
            and self._is_speaker(participant)
        ):
            self.ear.note_state(self._clock.monotonic(), changed[STATE])

    def _on_published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        # Only what is listened to: everybody else's video would be decoded for nobody.
        if publication.kind == rtc.TrackKind.KIND_AUDIO and self._is_speaker(participant):
            publication.set_subscribed(True)

    def _on_subscribed(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        if publication.kind == rtc.TrackKind.KIND_AUDIO:
            self._start(self._hear(track))

    def _on_text(self, reader: rtc.TextStreamReader, sender: str) -> None:
        segment = (reader.info.attributes or {}).get(SEGMENT) or reader.info.stream_id
        if sender == self._identity:
            self._start(self._read_own(reader, segment))
            return
        participant = self._room.remote_participants.get(sender)
        if participant is None or not self._is_speaker(participant):
            reader.close()
            return
        self.ear.begin_segment(segment)
        self._start(self._read_answer(reader, segment))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=_RATE, num_channels=1, frame_size_ms=_BLOCK_MS)
        try:
            async for event in stream:
                if is_audible(event.frame.data):
                    self.ear.hear(self._clock.monotonic(), _BLOCK_MS / 1000)
        finally:
            await stream.aclose()

    async def _read_answer(self, reader: rtc.TextStreamReader, segment: str) -> None:
        try:
            async for text in reader:
                self.ear.add_text(segment, text)
        except rtc.StreamError:
            # The agent dropped the rest of it: what it said until then stands.
            return

    async def _read_own(self, reader: rtc.TextStreamReader, segment: str) -> None:
        try:
            self.ear.note_understood(segment, await reader.read_all())
        except rtc.StreamError:
            # Each interim result is a stream of its own, and the next one replaces this one.
            return


def is_audible(samples: memoryview) -> bool:
    """Tell whether a block of signed 16-bit samples is loud enough to be heard."""
    block = np.frombuffer(samples, np.int16).astype(np.float32)
    return bool(block.size) and float(np.sqrt(np.mean(block * block))) > _AUDIBLE_RMS
