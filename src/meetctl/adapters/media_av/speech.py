"""Finding speech with the detector whose weights come in the livekit-local-inference wheel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
import numpy as np

from meetctl.adapters.media_av.opening import open_media, origin_us
from meetctl.domain.recording import Recording, SpeechSpan
from meetctl.domain.turns import find_speech

if TYPE_CHECKING:
    import numpy.typing as npt

    from meetctl.ports import Progress

_RATE_HZ = 16_000
"""The only rate the detector knows."""


def detect_speech(recording: Recording, progress: Progress) -> list[SpeechSpan]:
    """Return the utterances in the first audio track of each media file, on the media clock."""
    from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES

    window_us = VAD_WINDOW_SAMPLES * 1_000_000 // _RATE_HZ
    spans: list[SpeechSpan] = []
    for path in recording.media:
        with open_media(path) as container, VAD() as detector:
            if not container.streams.audio:
                continue
            stream = container.streams.audio[0]
            begin_us = _start_us(stream) - origin_us(container, on_media_clock=recording.kind == "bundle")
            windows = _windows(container, stream, VAD_WINDOW_SAMPLES)
            reported = _report(
                windows, f"listening to {path.name}", recording.duration_us, window_us, progress
            )
            spans += [
                SpeechSpan(start_us=span.start_us + begin_us, end_us=span.end_us + begin_us)
                for span in find_speech(map(detector.predict, reported), window_us)
            ]
    return spans


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
    return int(stream.start_time * stream.time_base * 1_000_000)


def _windows(
    container: av.container.InputContainer, stream: av.AudioStream, samples: int
) -> Iterator[npt.NDArray[np.int16]]:
    """Decode to 16 kHz mono and cut into the detector's windows; the rest at the end is padded."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
    rest = np.empty(0, np.int16)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue  # a damaged packet is a moment of silence, not the end of the track
        for frame in frames:
            for part in resampler.resample(frame):
                rest = np.concatenate([rest, part.to_ndarray().reshape(-1)])
        whole = len(rest) - len(rest) % samples
        yield from rest[:whole].reshape(-1, samples)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, samples - len(rest)))
