"""What is heard, on the media clock: people's microphones, and the agent's voice as far as it was spoken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from livekit import rtc
from livekit.agents.voice import io
from tests.fakes.clock import LoopClock, ManualClock, run_virtually
from tests.fakes.meeting_recorder import InMemoryMeetingRecorder

from meetctl.agent.media_clock import MediaClock
from meetctl.agent.microphone_tap import FURTHEST_US, MicrophoneTap
from meetctl.agent.voices import AGENT_VOICE, VoiceTap

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PIECE_MS = 50
RATE = 24_000


def piece(number: int, length_ms: int = PIECE_MS, rate: int = RATE) -> rtc.AudioFrame:
    samples = rate * length_ms // 1000
    return rtc.AudioFrame(number.to_bytes(2, "little") * samples, rate, 1, samples)


class Microphone:
    """A tap, whose pieces arrive when the test says."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.media = MediaClock(self.clock)
        self.recorder = InMemoryMeetingRecorder()
        self.tap = MicrophoneTap("maya", media_clock=self.media, recorder=self.recorder)

    def hear(self, after_ms: int = PIECE_MS, length_ms: int = PIECE_MS, rate: int = 48_000) -> None:
        self.clock.advance(after_ms * 1000)
        self.tap.hear(piece(1, length_ms, rate))

    @property
    def times_ms(self) -> list[float]:
        return [t_us / 1000 for t_us, _, _ in self.recorder.voices["maya"]]


def test_pieces_follow_each_other_without_gaps_though_they_arrive_unevenly() -> None:
    microphone = Microphone()
    microphone.media.begin()
    for after_ms in (50, 90, 10, 50, 120, 5, 25):
        microphone.hear(after_ms)
    assert microphone.times_ms == [0, 50, 100, 150, 200, 250, 300]


def test_the_first_sound_may_begin_the_meeting() -> None:
    microphone = Microphone()
    microphone.hear()
    microphone.hear()
    assert microphone.times_ms == [0, 50]
    assert microphone.media.now_us() == 50_000


def test_after_a_pause_sound_is_placed_by_its_arrival_again() -> None:
    microphone = Microphone()
    microphone.media.begin()
    for after_ms in (50, 50, 5000, 50):
        microphone.hear(after_ms)
    assert microphone.times_ms == [0, 50, 5050, 5100]


def test_a_clock_that_drifts_is_corrected_before_it_is_heard() -> None:
    microphone = Microphone()
    microphone.media.begin()
    for _ in range(1000):
        microphone.hear(after_ms=51)
    real_ms = 1000 * 51 - PIECE_MS
    assert abs(microphone.times_ms[-1] - real_ms) <= FURTHEST_US / 1000
    steps = [
        later - earlier for earlier, later in zip(microphone.times_ms, microphone.times_ms[1:], strict=False)
    ]
    assert min(steps) == PIECE_MS


def test_the_rate_of_a_piece_is_its_own() -> None:
    microphone = Microphone()
    microphone.media.begin()
    microphone.hear(rate=16_000)
    microphone.hear(rate=48_000)
    assert [(t_us, rate, len(data)) for t_us, rate, data in microphone.recorder.voices["maya"]] == [
        (0, 16_000, 1600),
        (50_000, 48_000, 4800),
    ]


class RoomOutput(io.AudioOutput):
    """The room's side of a voice: takes everything at once, and is played when the test says."""

    def __init__(self) -> None:
        super().__init__(label="room", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE)
        self.calls: list[str] = []

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.calls.append("frame")

    def flush(self) -> None:
        super().flush()
        self.calls.append("flush")

    def clear_buffer(self) -> None:
        self.calls.append("clear")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


class Voice:
    """The agent's voice from the session through the tap to the room."""

    def __init__(self) -> None:
        self.room = RoomOutput()
        self.media = MediaClock(LoopClock())
        self.media.begin()
        self.recorder = InMemoryMeetingRecorder()
        self.tap = VoiceTap(self.room, media_clock=self.media, recorder=self.recorder)

    async def speak(self, pieces: int, first: int = 0) -> None:
        for number in range(first, first + pieces):
            await self.tap.capture_frame(piece(number))
        self.tap.flush()

    def finish(self, *, interrupted: bool = False) -> None:
        self.room.on_playback_finished(playback_position=1.0, interrupted=interrupted)

    def start(self) -> None:
        self.room.on_playback_started(created_at=0)

    @property
    def heard(self) -> list[tuple[int, int]]:
        """Each recorded piece: when in milliseconds, and which."""
        return [
            (t_us // 1000, int.from_bytes(data[:2], "little"))
            for t_us, _, data in self.recorder.voices.get(AGENT_VOICE, [])
        ]


def with_a_voice(scene: Callable[[Voice], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        await scene(Voice())

    run_virtually(play())


def test_speech_is_recorded_when_it_is_heard_not_when_it_is_made() -> None:
    async def scene(voice: Voice) -> None:
        await asyncio.sleep(1)
        await voice.speak(4)
        await asyncio.sleep(0.5)
        voice.start()
        await asyncio.sleep(0.2)
        voice.finish()
        assert voice.heard == [(1500, 0), (1550, 1), (1600, 2), (1650, 3)]

    with_a_voice(scene)


def test_the_end_of_speech_records_what_is_left() -> None:
    async def scene(voice: Voice) -> None:
        voice.start()
        await voice.speak(4)
        await asyncio.sleep(0.06)
        voice.finish()
        assert [number for _, number in voice.heard] == [0, 1, 2, 3]

    with_a_voice(scene)


def test_the_room_gets_everything_and_its_reports_reach_the_session() -> None:
    async def scene(voice: Voice) -> None:
        reported: list[str] = []
        voice.tap.on("playback_started", lambda _: reported.append("started"))
        voice.tap.on("playback_finished", lambda _: reported.append("finished"))
        await voice.speak(2)
        voice.start()
        voice.tap.pause()
        voice.tap.resume()
        voice.finish()
        assert voice.room.calls == ["frame", "frame", "flush", "pause", "resume"]
        assert reported == ["started", "finished"]
        assert voice.tap.sample_rate == RATE
        assert voice.tap.can_pause
        event = await voice.tap.wait_for_playout()
        assert not event.interrupted

    with_a_voice(scene)


def test_of_an_interrupted_speech_only_what_was_spoken_is_recorded() -> None:
    async def scene(voice: Voice) -> None:
        await voice.speak(40)
        voice.start()
        await asyncio.sleep(0.42)
        voice.tap.clear_buffer()
        voice.finish(interrupted=True)
        await asyncio.sleep(5)
        numbers = [number for _, number in voice.heard]
        assert numbers == list(range(len(numbers)))
        assert 8 <= len(numbers) <= 9
        assert "clear" in voice.room.calls

    with_a_voice(scene)


def test_a_pause_moves_the_rest_of_the_speech() -> None:
    async def scene(voice: Voice) -> None:
        await voice.speak(8)
        voice.start()
        await asyncio.sleep(0.19)
        voice.tap.pause()
        await asyncio.sleep(3)
        assert [t_ms for t_ms, _ in voice.heard] == [0, 50, 100, 150]
        voice.tap.resume()
        await asyncio.sleep(0.2)
        voice.finish()
        assert [number for _, number in voice.heard] == list(range(8))
        assert [t_ms for t_ms, _ in voice.heard[4:]] == [3190, 3240, 3290, 3340]

    with_a_voice(scene)


def test_a_speech_that_is_interrupted_while_it_is_held_ends_there() -> None:
    async def scene(voice: Voice) -> None:
        await voice.speak(40)
        voice.start()
        await asyncio.sleep(0.19)
        voice.tap.pause()
        await asyncio.sleep(1)
        voice.tap.clear_buffer()
        voice.finish(interrupted=True)
        voice.tap.resume()
        await asyncio.sleep(1)
        assert [number for _, number in voice.heard] == [0, 1, 2, 3]

    with_a_voice(scene)


@pytest.mark.parametrize("thinks_s", [0.0, 2.0])
def test_a_resume_before_a_speech_does_not_begin_it(thinks_s: float) -> None:
    """livekit-agents resumes the output before each speech (voice/agent_activity.py, 1.8.9)."""

    async def scene(voice: Voice) -> None:
        voice.tap.resume()
        await asyncio.sleep(thinks_s)
        await voice.speak(4)
        await asyncio.sleep(0.4)
        assert voice.heard == []
        voice.start()
        began_ms = voice.media.now_us() // 1000
        await asyncio.sleep(0.2)
        voice.finish()
        assert voice.heard == [(began_ms + PIECE_MS * n, n) for n in range(4)]

    with_a_voice(scene)


def test_two_speeches_are_each_at_their_time() -> None:
    async def scene(voice: Voice) -> None:
        for first in (0, 10):
            await voice.speak(2, first)
            voice.start()
            await asyncio.sleep(0.1)
            voice.finish()
            await asyncio.sleep(0.9)
        assert voice.heard == [(0, 0), (50, 1), (1000, 10), (1050, 11)]

    with_a_voice(scene)
