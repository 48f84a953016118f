"""Finding speech with the detector whose weights come in the livekit-local-inference wheel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
import numpy as np

from meetctl.adapters.media_av.opening import open_media, origin_us, to_us
from meetctl.domain.recording import Recording, SpeechSpan
from meetctl.domain.turns import find_speech

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.ports import Progress

_RATE_HZ = 16_000
"""The only rate the detector knows."""

_LEAST_SILENCE = _RATE_HZ // 20
"""A hole in the sound from this length on is filled; codecs and resamplers are off by less."""


def detect_speech(recording: Recording, progress: Progress) -> list[SpeechSpan]:
    """Return the utterances in the first audio track of each media file, on the media clock."""
    from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES

    window_us = VAD_WINDOW_SAMPLES * 1_000_000 // _RATE_HZ
    spans: list[SpeechSpan] = []
    for path in recording.media:
        with open_media(path) as container, VAD() as detector:
            if not container.streams.audio:
                continue
            origin = origin_us(container, on_media_clock=recording.kind == "bundle")
            stream = container.streams.audio[0]
            begin_us = _start_us(stream)
            sound = _sound(container, stream, begin_us, recording.duration_us)
            windows = _cut(sound, VAD_WINDOW_SAMPLES)
            reported = _report(
                windows, f"listening to {path.name}", recording.duration_us, window_us, progress
            )
            spans += [
                SpeechSpan(start_us=span.start_us + begin_us - origin, end_us=span.end_us + begin_us - origin)
                for span in find_speech(map(detector.predict, reported), window_us)
            ]
    return sorted(spans, key=lambda span: span.start_us)


def _report(
    windows: Iterator[npt.NDArray[np.int16]], step: str, duration_us: int, window_us: int, progress: Progress
) -> Iterator[npt.NDArray[np.int16]]:
    for number, window in enumerate(windows):
        if not number % 256:
            progress(step, number * window_us / 1_000_000, duration_us / 1_000_000, "s")
        yield window


def _start_us(stream: av.AudioStream) -> int:
    if stream.start_time is None or stream.time_base is None:
        return 0
    return to_us(stream.start_time, stream.time_base)


def _sound(
    container: av.container.InputContainer, stream: av.AudioStream, begin_us: int, longest_us: int
) -> Iterator[npt.NDArray[np.int16]]:
    """Decode to 16 kHz mono from the track's begin on, with silence where there is no sound.

    A track that pauses, or has lost packets, so keeps its times; a damaged time cannot make it longer than
    `longest_us`.
    """
    resampler: av.AudioResampler | None = None
    layout: tuple[str, str, int] | None = None
    written = 0
    for frame in _frames(container, stream):
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != layout:
            layout = found
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
        if resampler is None or frame.pts is None or frame.time_base is None:
            continue
        due_us = min(to_us(frame.pts, frame.time_base) - begin_us, longest_us)
        missing = due_us * _RATE_HZ // 1_000_000 - written
        if missing >= _LEAST_SILENCE:
            written += missing
            for start in range(0, missing, _RATE_HZ):
                silence: npt.NDArray[np.int16] = np.zeros(min(_RATE_HZ, missing - start), np.int16)
                yield silence
        for part in resampler.resample(frame):
            samples = part.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            written += len(samples)
            yield samples


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """Decode what can be decoded: a damaged packet is a moment of silence, not the end of the track."""
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue
    except av.error.FFmpegError:
        return  # the file breaks off here, as was said when it was read


def _cut(sound: Iterator[npt.NDArray[np.int16]], samples: int) -> Iterator[npt.NDArray[np.int16]]:
    """Cut into windows of so many samples; the rest at the end is padded."""
    rest = np.empty(0, np.int16)
    for part in sound:
        rest = np.concatenate([rest, part])
        whole = len(rest) - len(rest) % samples
        yield from rest[:whole].reshape(-1, samples)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, samples - len(rest)))
