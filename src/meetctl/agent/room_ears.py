"""The session's audio input: every person's open microphone, mixed into one stream of sound."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc
from livekit.agents.utils.audio import AudioByteStream
from livekit.agents.voice import io

from meetctl.agent.rtc_audio import BLOCK_MS, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEARD_RATE = 16_000
"""What is given to recognition, which all works at this rate, so that nothing is converted twice."""
PATIENCE_BLOCKS = 4
"""How many blocks of the others wait for a microphone that gives nothing before they go on without it."""
GAP_S = 0.3
"""After this time without sound nobody's microphone is open; longer than the patience with one."""
TAIL_S = 2.0
"""How much silence follows the last sound: recognition and turn detection take it for the end of a turn."""

_BLOCK = SAMPLE_RATE * BLOCK_MS // 1000
_SILENCE = bytes(2 * _BLOCK)
_QUEUED_BLOCKS = 20
"""How much may wait for the mixer, which is never behind unless the whole process is."""
_NEVER_MS = 24 * 3600 * 1000
"""The mixer's own patience: its streams all get a block at the same moment, so none ever lags."""


class _MixerInput:
    """One stream of blocks for the mixer; of too many the newest stay."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue(_QUEUED_BLOCKS)

    def __aiter__(self) -> _MixerInput:
        return self

    async def __anext__(self) -> rtc.AudioFrame:
        block = await self._queue.get()
        if block is None:
            raise StopAsyncIteration
        return block

    @property
    def waiting(self) -> int:
        """How many blocks the mixer has not taken yet."""
        return self._queue.qsize()

    def put(self, block: rtc.AudioFrame | None) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(block)


@dataclass(slots=True, kw_only=True)
class _Microphone:
    identity: str
    is_muted: bool
    is_waited_for: bool = False
    cutter: AudioByteStream = field(default_factory=lambda: AudioByteStream(SAMPLE_RATE, 1, _BLOCK))
    blocks: deque[rtc.AudioFrame] = field(default_factory=deque)
    mixer_input: _MixerInput = field(default_factory=_MixerInput)


class RoomEars(io.AudioInput):
    """Mixes what people say, so that all of them cost one recognition.

    The microphones set the pace: a block goes out as soon as each open one has given one, and one that gives
    nothing for a while is silent until it gives again. Where no microphone is open nothing goes out, but for
    the silence with which a turn ends.
    """

    def __init__(self, *, listener: Callable[[Mapping[str, float]], None]) -> None:
        """Make ears without microphones; `listener` is told each block's levels, by identity.

        A level is the root mean square of 16-bit samples.
        """
        super().__init__(label="meetctl room")
        self._listener = listener
        self._microphones: dict[str, _Microphone] = {}
        self._is_muted = False
        self._is_attached = False
        self._mixer = rtc.AudioMixer(SAMPLE_RATE, 1, blocksize=_BLOCK, stream_timeout_ms=_NEVER_MS)
        # A mixer without any stream asks for one a hundred times a second.
        self._silence = _MixerInput()
        self._mixer.add_stream(self._silence)
        self._gain = rtc.AudioProcessingModule(auto_gain_control=True)
        self._resampler = rtc.AudioResampler(SAMPLE_RATE, HEARD_RATE)
        self._heard: deque[rtc.AudioFrame] = deque()
        self._sounded = asyncio.Event()
        self._ending = asyncio.create_task(self._end_turns(), name="room-ears")

    @property
    def is_muted(self) -> bool:
        """Whether nothing is heard, whoever speaks."""
        return self._is_muted

    def mute(self) -> None:
        """Hear nothing from now on; only silence follows, so that a turn under way ends."""
        self._is_muted = True
        for microphone in self._microphones.values():
            microphone.blocks.clear()

    def unmute(self) -> None:
        """Hear again."""
        self._is_muted = False

    def open(self, track: str, identity: str, *, is_muted: bool = False) -> None:
        """Expect sound of a person's microphone from now on."""
        microphone = _Microphone(identity=identity, is_muted=is_muted)
        # The mixer takes one block of each at a time: without these the others would stay behind for ever.
        for _ in range(self._silence.waiting):
            microphone.mixer_input.put(_silent_block())
        self._microphones[track] = microphone
        self._mixer.add_stream(microphone.mixer_input)

    def close(self, track: str) -> None:
        """Expect no more of a microphone; what it has given until now is heard."""
        microphone = self._microphones.get(track)
        if microphone is None:
            return
        while microphone.blocks:
            self._mix()
        del self._microphones[track]
        microphone.mixer_input.put(None)
        self._mix_what_is_ready()

    def set_muted(self, track: str, *, is_muted: bool) -> None:
        """Note that a person has muted or opened a microphone."""
        if track in self._microphones:
            self._microphones[track].is_muted = is_muted

    def hear(self, track: str, frame: rtc.AudioFrame) -> None:
        """Take a piece of a microphone's sound: mono, at SAMPLE_RATE."""
        microphone = self._microphones.get(track)
        if microphone is None or self._is_muted or not self._is_attached:
            return
        # What was said just before muting still arrives; after it LiveKit gives digital silence for ever.
        if microphone.is_muted and not np.frombuffer(frame.data, np.int16).any():
            microphone.is_waited_for = False
        else:
            microphone.blocks += microphone.cutter.write(frame.data.tobytes())
            microphone.is_waited_for = True
        self._mix_what_is_ready()

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next piece of what is heard, at HEARD_RATE."""
        while not self._heard:
            mixed = await self._mixer.__anext__()
            block = _silent_block() if self._is_muted else mixed
            # One voice is far from its microphone, another near; browsers even that out, telephones don't.
            self._gain.process_stream(block)
            self._heard += self._resampler.push(block)
        return self._heard.popleft()

    def on_attached(self) -> None:
        """Begin to listen."""
        self._is_attached = True

    def on_detached(self) -> None:
        """Listen no more: nobody takes what is heard."""
        self._is_attached = False

    async def aclose(self) -> None:
        """Stop mixing; a second call does nothing."""
        self._ending.cancel()
        await asyncio.wait([self._ending])
        await self._mixer.aclose()

    def _mix_what_is_ready(self) -> None:
        while (most := max((len(one.blocks) for one in self._microphones.values()), default=0)) > 0:
            missing = [one for one in self._microphones.values() if one.is_waited_for and not one.blocks]
            if missing and most < PATIENCE_BLOCKS:
                return
            for microphone in missing:
                microphone.is_waited_for = False
            self._mix()

    def _mix(self) -> None:
        """Send one block of every microphone to the mixer, silence of those that have none."""
        levels: dict[str, float] = {}
        for microphone in self._microphones.values():
            block = microphone.blocks.popleft() if microphone.blocks else None
            microphone.mixer_input.put(block or _silent_block())
            if block is not None:
                levels[microphone.identity] = max(levels.get(microphone.identity, 0.0), _level(block))
        self._silence.put(_silent_block())
        if levels:
            self._sounded.set()
            self._listener(levels)

    async def _end_turns(self) -> None:
        """Let silence follow, at its own pace, whenever the sound has ended."""
        while True:
            await self._sounded.wait()
            while self._sounded.is_set():
                self._sounded.clear()
                await asyncio.sleep(GAP_S)
            for _ in range(round(TAIL_S * 1000 / BLOCK_MS)):
                if self._sounded.is_set() or not self._is_attached:
                    break
                self._mix()
                await asyncio.sleep(BLOCK_MS / 1000)


def _silent_block() -> rtc.AudioFrame:
    return rtc.AudioFrame(_SILENCE, SAMPLE_RATE, 1, _BLOCK)


def _level(block: rtc.AudioFrame) -> float:
    samples = np.frombuffer(block.data, np.int16).astype(np.float32)
    return float(np.sqrt(np.dot(samples, samples) / max(1, len(samples))))
