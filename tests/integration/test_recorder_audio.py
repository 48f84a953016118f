"""The sound of a recording: where each voice is heard, and how far the file reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from tests.live_media import SCREEN, draw_frame, tone

from meetctl.adapters.recorder_av.audio_track import AudioTrack
from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.adapters.recorder_av.voice import Voice

if TYPE_CHECKING:
    from pathlib import Path

RATE = 48_000
LOUD = 1000


def decode_sound(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The samples from 0 on, at 48 kHz, in 16-bit units."""
    with av.open(str(path)) as container:
        parts: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        begin = None
        for frame in container.decode(audio=0):
            if begin is None and frame.pts is not None and frame.time_base is not None:
                begin = round(frame.pts * frame.time_base * RATE)
            parts.append(frame.to_ndarray().reshape(-1).astype(float) * 32768)
    return np.concatenate([np.zeros(begin or 0), *parts])


def is_loud(sound: np.ndarray[tuple[int], np.dtype[np.float64]], begin_ms: int, end_ms: int) -> bool:
    part = sound[begin_ms * 48 : end_ms * 48]
    return bool(np.sqrt((part**2).mean()) > LOUD)


def loudness(sound: np.ndarray[tuple[int], np.dtype[np.float64]], begin_ms: int, end_ms: int) -> float:
    return float(np.sqrt((sound[begin_ms * 48 : end_ms * 48] ** 2).mean()))


def speak(track: AudioTrack, voice: str, begin_ms: int, end_ms: int, *, rate: int = RATE) -> None:
    sound = tone(end_ms - begin_ms, rate=rate)
    step = rate // 50 * 2
    for number, start in enumerate(range(0, len(sound), step)):
        track.add(voice, (begin_ms + 20 * number) * 1000, rate, sound[start : start + step])


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_a_voice_is_heard_when_it_spoke(tmp_path: Path, rate: int) -> None:
    track = AudioTrack(tmp_path / "audio.mkv", 0)
    speak(track, "maya", 1000, 1500, rate=rate)
    track.close(3_000_000)
    sound = decode_sound(tmp_path / "audio.mkv")
    assert not is_loud(sound, 0, 980)
    assert is_loud(sound, 1000, 1040)
    assert is_loud(sound, 1460, 1490)
    assert not is_loud(sound, 1530, 3000)
    assert loudness(sound, 1100, 1400) == pytest.approx(8000 / np.sqrt(2), rel=0.15)


def test_voices_are_mixed_and_gaps_are_silence(tmp_path: Path) -> None:
    track = AudioTrack(tmp_path / "audio.mkv", 0)
    speak(track, "maya", 0, 1000)
    speak(track, "agent", 600, 1000, rate=24_000)
    speak(track, "maya", 1500, 2000)
    track.close(0)
    sound = decode_sound(tmp_path / "audio.mkv")
    assert loudness(sound, 700, 900) > 1.5 * loudness(sound, 100, 500)
    assert not is_loud(sound, 1050, 1470)
    assert is_loud(sound, 1520, 1980)


def test_pieces_that_arrive_unevenly_follow_each_other_without_a_click() -> None:
    voice, jitter_us = Voice(), [0, 60_000, -40_000, 30_000, 0]
    places = [
        (place, len(samples))
        for n, off_us in enumerate(jitter_us)
        for place, samples in voice.place(20_000 * n + off_us, RATE, tone(20))
    ]
    assert places == [(960 * n, 960) for n in range(5)]


def test_a_gap_and_a_jump_back_are_no_jitter() -> None:
    voice = Voice()
    times_ms = [0, 20, 400, 420, 60]
    places = [place for t_ms in times_ms for place, _ in voice.place(t_ms * 1000, RATE, tone(20))]
    assert places == [t_ms * 48 for t_ms in times_ms]


def test_resampling_loses_and_adds_nothing() -> None:
    voice = Voice()
    runs = [run for n in range(50) for run in voice.place(20_000 * n, 16_000, tone(20, rate=16_000))]
    runs += voice.finish()
    assert abs(sum(len(samples) for _, samples in runs) - RATE) <= 1
    ends = [place + len(samples) for place, samples in runs]
    assert [place for place, _ in runs] == [0, *ends[:-1]]


def test_half_a_second_late_is_heard_and_more_is_not(tmp_path: Path) -> None:
    now_us = 0
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: now_us, on_stopped=pytest.fail)
    recorder.write_audio("maya", 0, RATE, tone(20))
    for now_us in (1_500_000, 3_000_000):
        recorder.write_audio("agent", now_us - 500_000, RATE, tone(200))
        recorder.write_audio("late", now_us - 1_400_000, RATE, tone(200))
    recorder.finish()
    sound = decode_sound(tmp_path / "meeting.mkv")
    assert is_loud(sound, 1010, 1190)
    assert is_loud(sound, 2510, 2690)
    assert not is_loud(sound, 150, 300)
    assert not is_loud(sound, 1650, 1800)


def test_silence_is_written_so_that_the_file_reaches_the_present(tmp_path: Path) -> None:
    track = AudioTrack(tmp_path / "audio.mkv", 0)
    track.add("maya", 0, RATE, tone(20))
    for now_ms in range(100, 5000, 100):
        track.write_until(now_ms * 1000 - 500_000)
        if now_ms > 540:
            assert len(decode_sound(tmp_path / "audio.mkv")) >= (now_ms - 540) * 48
    track.abandon()


def test_silence_goes_on_when_nothing_arrives_any_more(tmp_path: Path) -> None:
    now_us = 0
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: now_us, on_stopped=pytest.fail)
    recorder.write_audio("maya", 0, RATE, tone(20))
    now_us = 2_000_000
    recorder.finish()
    assert len(decode_sound(tmp_path / "meeting.mkv")) >= 2 * RATE


def test_silence_is_written_while_pictures_never_stop_coming(tmp_path: Path) -> None:
    now_us = 0
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: now_us, on_stopped=pytest.fail)
    recorder.write_audio("maya", 0, RATE, tone(20))
    assert recorder.write_video(SCREEN, draw_frame(0))
    path = tmp_path / "segments" / "audio.mkv"
    now_us = 2_000_000
    for number in range(1, 20_000):
        if recorder.write_video(SCREEN, draw_frame(number)) and path.exists() and path.stat().st_size > 1000:
            break
    else:
        pytest.fail("no silence was written")
    recorder.finish()


def test_sound_begins_with_the_first_voice_and_not_with_an_hour_of_silence(tmp_path: Path) -> None:
    track = AudioTrack(tmp_path / "audio.mkv", 3_600_000_000)
    speak(track, "maya", 3_600_000, 3_600_200)
    track.close(0)
    with av.open(str(tmp_path / "audio.mkv")) as container:
        times_s = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.pts is not None]
    assert 3599.4 < times_s[0] < 3599.51
    assert 3600.18 <= times_s[-1] < 3600.3


def test_an_unbelievable_time_costs_no_other_voice(tmp_path: Path) -> None:
    recorder = AvMeetingRecorder(tmp_path, now_us=lambda: 0, on_stopped=pytest.fail)
    recorder.write_audio("broken", 86_400_000_000, RATE, tone(20))
    recorder.write_audio("maya", 0, RATE, tone(200))
    recorder.finish()
    sound = decode_sound(tmp_path / "meeting.mkv")
    assert is_loud(sound, 10, 190)
    assert len(sound) < RATE
