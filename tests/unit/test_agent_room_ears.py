"""The ears: all open microphones in one stream, at their pace, and silence only where a turn has to end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from tests.fakes.clock import run_virtually

from meetctl.agent.room_ears import GAP_S, HEARD_RATE, PATIENCE_BLOCKS, TAIL_S, RoomEars
from meetctl.agent.rtc_audio import BLOCK_MS, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

BLOCK_S = BLOCK_MS / 1000
SAMPLES = SAMPLE_RATE * BLOCK_MS // 1000
ENDED_S = GAP_S + TAIL_S + 1
"""After this all silence has been given that follows sound."""


def tone(hertz: int, level: int = 6000, samples: int = SAMPLES) -> rtc.AudioFrame:
    """A piece of a voice that can be told from others; each piece begins anew."""
    wave = (level * np.sin(2 * np.pi * hertz * np.arange(samples) / SAMPLE_RATE)).astype(np.int16)
    return rtc.AudioFrame(wave.tobytes(), SAMPLE_RATE, 1, samples)


QUIET = rtc.AudioFrame(bytes(2 * SAMPLES), SAMPLE_RATE, 1, SAMPLES)


class Listener:
    """The session: takes everything that is heard, and notes what of it is sound."""

    def __init__(self) -> None:
        self.levels: list[Mapping[str, float]] = []
        self.ears = RoomEars(listener=self.levels.append)
        self.ears.on_attached()
        self.samples = np.zeros(0, np.int16)
        self._taking = asyncio.create_task(self._take())

    async def _take(self) -> None:
        async for frame in self.ears:
            assert frame.sample_rate == HEARD_RATE
            assert frame.num_channels == 1
            self.samples = np.concatenate([self.samples, np.frombuffer(frame.data, np.int16)])

    @property
    def heard_s(self) -> float:
        """How much has been given to recognition."""
        return len(self.samples) / HEARD_RATE

    @property
    def sounding_s(self) -> float:
        """How much of it was no silence, to a block."""
        blocks = self.samples[: len(self.samples) // 800 * 800].reshape(-1, 800)
        return float((np.abs(blocks).max(axis=1) > 50).sum() * BLOCK_S) if len(blocks) else 0.0

    def loudness_at(self, hertz: int) -> float:
        """How much of a tone there is in all that was heard."""
        spectrum = np.abs(np.fft.rfft(self.samples.astype(np.float64)))
        frequencies = np.fft.rfftfreq(len(self.samples), 1 / HEARD_RATE)
        return float(spectrum[np.abs(frequencies - hertz) < 15].max())

    async def speak(self, blocks: int, **voices: rtc.AudioFrame) -> None:
        """Let each microphone give so many pieces, at their pace."""
        for _ in range(blocks):
            for track, frame in voices.items():
                self.ears.hear(track, frame)
            await asyncio.sleep(BLOCK_S)

    async def close(self) -> None:
        self._taking.cancel()
        await asyncio.wait([self._taking])
        await self.ears.aclose()


def with_ears(scene: Callable[[Listener], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        listener = Listener()
        await scene(listener)
        await listener.close()

    run_virtually(play())


def test_two_people_are_heard_at_once_and_cost_the_seconds_of_one() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        await room.speak(100, TR_m=tone(400), TR_n=tone(1500))
        assert room.heard_s == pytest.approx(5, abs=0.1)
        maya, noor, nobody = (room.loudness_at(hertz) for hertz in (400, 1500, 3000))
        assert min(maya, noor) > 20 * nobody
        assert len(room.levels) == 100
        assert room.levels[50].keys() == {"maya", "noor"}

    with_ears(scene)


def test_levels_tell_how_loud_each_person_is_whatever_the_others_say() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        await room.speak(2, TR_m=tone(400, 8000), TR_n=tone(400, 100))
        levels = room.levels[-1]
        assert levels["maya"] == pytest.approx(8000 / 2**0.5, rel=0.02)
        assert levels["noor"] == pytest.approx(100 / 2**0.5, rel=0.05)

    with_ears(scene)


def test_a_single_person_is_heard_without_waiting() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.hear("TR_m", tone(400))
        assert len(room.levels) == 1

    with_ears(scene)


def test_a_microphone_that_lags_holds_the_others_up_once_and_not_again() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        await room.speak(10, TR_m=tone(400), TR_n=tone(1500))
        assert len(room.levels) == 10
        await room.speak(1, TR_m=tone(400))
        both = len(room.levels)
        await room.speak(PATIENCE_BLOCKS - 1, TR_m=tone(400))
        assert len(room.levels) == both
        await room.speak(1, TR_m=tone(400))
        assert len(room.levels) == both + PATIENCE_BLOCKS
        await room.speak(20, TR_m=tone(400))
        assert len(room.levels) == both + PATIENCE_BLOCKS + 20
        await room.speak(10, TR_m=tone(400), TR_n=tone(1500))
        assert [len(levels) for levels in room.levels[-9:]] == [2] * 9

    with_ears(scene)


def test_a_microphone_that_has_given_nothing_yet_is_not_waited_for() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        await room.speak(5, TR_m=tone(400))
        assert len(room.levels) == 5

    with_ears(scene)


def test_what_arrives_in_a_burst_is_heard_whole_and_in_order() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        for track in ("TR_m", "TR_n"):
            for place in range(40):
                room.ears.hear(track, tone(400, 1000 + 100 * place))
        levels = [levels["maya"] for levels in room.levels if "maya" in levels]
        assert len(levels) == 40
        assert levels == sorted(levels)

    with_ears(scene)


def test_after_the_last_sound_comes_the_silence_that_ends_a_turn_and_then_nothing() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(20, TR_m=tone(400))
        room.ears.set_muted("TR_m", is_muted=True)
        for _ in range(4):
            await room.speak(round(ENDED_S / BLOCK_S), TR_m=QUIET)
            assert room.heard_s == pytest.approx(1 + TAIL_S, abs=0.1)
        assert room.sounding_s == pytest.approx(1, abs=0.11)

    with_ears(scene)


def test_what_was_said_just_before_muting_is_still_heard() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(10, TR_m=tone(400))
        room.ears.set_muted("TR_m", is_muted=True)
        await room.speak(3, TR_m=tone(400))
        await room.speak(3, TR_m=QUIET)
        assert len(room.levels) == 13

    with_ears(scene)


def test_an_open_microphone_is_heard_though_nobody_speaks() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(200, TR_m=QUIET)
        assert room.heard_s == pytest.approx(10, abs=0.1)

    with_ears(scene)


def test_a_muted_microphone_is_not_waited_for_and_is_heard_again_when_it_opens() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor", is_muted=True)
        await room.speak(10, TR_m=tone(400), TR_n=QUIET)
        assert [levels.keys() for levels in room.levels] == [{"maya"}] * 10
        room.ears.set_muted("TR_n", is_muted=False)
        await room.speak(10, TR_m=tone(400), TR_n=tone(1500))
        assert room.levels[-1].keys() == {"maya", "noor"}
        assert room.loudness_at(1500) > 20 * room.loudness_at(3000)

    with_ears(scene)


def test_who_leaves_in_the_middle_is_heard_to_the_last_piece_and_no_longer_waited_for() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.open("TR_n", "noor")
        await room.speak(10, TR_m=tone(400), TR_n=tone(1500))
        room.ears.hear("TR_n", tone(1500))
        room.ears.close("TR_n")
        assert room.levels[-1].keys() == {"noor"}
        room.ears.hear("TR_n", tone(1500))
        await room.speak(5, TR_m=tone(400))
        assert [levels.keys() for levels in room.levels[-5:]] == [{"maya"}] * 5
        room.ears.close("TR_n")

    with_ears(scene)


def test_who_joins_in_the_middle_is_heard_at_once() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(30, TR_m=tone(400))
        room.ears.open("TR_n", "noor")
        await room.speak(30, TR_m=tone(400), TR_n=tone(1500))
        assert room.heard_s == pytest.approx(3, abs=0.15)
        assert room.loudness_at(1500) > 20 * room.loudness_at(3000)

    with_ears(scene)


def test_muted_ears_hear_nothing_but_the_end_of_the_turn() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(10, TR_m=tone(400))
        room.ears.mute()
        assert room.ears.is_muted
        before_s = room.sounding_s
        await room.speak(200, TR_m=tone(1500))
        assert room.heard_s == pytest.approx(0.5 + TAIL_S, abs=0.1)
        assert room.sounding_s <= before_s + 2 * BLOCK_S
        assert len(room.levels) == 10
        room.ears.unmute()
        await room.speak(10, TR_m=tone(400))
        assert len(room.levels) == 20
        assert room.loudness_at(1500) < room.loudness_at(400) / 20

    with_ears(scene)


def test_nothing_is_kept_for_a_session_that_does_not_listen() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        room.ears.on_detached()
        await room.speak(100, TR_m=tone(400))
        assert room.heard_s == 0
        room.ears.on_attached()
        await room.speak(10, TR_m=tone(400))
        assert room.heard_s == pytest.approx(0.5, abs=0.1)

    with_ears(scene)


def test_pieces_of_any_length_are_put_together() -> None:
    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        for _ in range(100):
            room.ears.hear("TR_m", tone(400, samples=SAMPLES // 5))
        assert len(room.levels) == 20

    with_ears(scene)


def test_too_loud_together_is_cut_off_and_does_not_wrap() -> None:
    async def scene(room: Listener) -> None:
        for track in ("TR_m", "TR_n"):
            room.ears.open(track, track)
        loud = rtc.AudioFrame(np.full(SAMPLES, 30_000, np.int16).tobytes(), SAMPLE_RATE, 1, SAMPLES)
        await room.speak(20, TR_m=loud, TR_n=loud)
        assert room.samples[HEARD_RATE // 2 :].min() > 0

    with_ears(scene)


def test_the_mixer_never_complains_of_a_stream(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scene(room: Listener) -> None:
        room.ears.open("TR_m", "maya")
        await room.speak(10, TR_m=tone(400))
        await asyncio.sleep(600)
        room.ears.open("TR_n", "noor")
        await room.speak(10, TR_m=tone(400), TR_n=tone(400))
        room.ears.close("TR_m")
        await asyncio.sleep(600)

    with_ears(scene)
    assert "AudioMixer" not in caplog.text


def test_a_second_close_does_nothing() -> None:
    async def scene(room: Listener) -> None:
        await room.ears.aclose()
        ended = asyncio.all_tasks()
        await room.ears.aclose()
        assert asyncio.all_tasks() == ended
        assert "room-ears" not in {task.get_name() for task in ended}

    with_ears(scene)
