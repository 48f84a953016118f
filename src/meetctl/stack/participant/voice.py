"""A scripted person's voice: text to samples, as its microphone publishes them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.stack.offline.voice import SpeechSynthesizer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SAMPLE_RATE = 48_000
"""In Hz: what WebRTC's Opus runs at."""

_PEAK = 16_000

# espeak-ng keeps one state for the whole process, and two people in it may want to speak at once.
_ESPEAK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How a person sounds, in espeak-ng's terms."""

    name: str = "en-us+f3"
    rate: int = 150
    """Words a minute."""
    pitch: int = 50
    """0 to 99."""


def synthesize(text: str, voice: Voice) -> npt.NDArray[np.int16]:
    """Return `text` as mono samples at SAMPLE_RATE, without silence at the ends. Blocks.

    Raises:
        MeetctlError: The voice is not installed or not known, or there is nothing in `text` to speak.
    """
    import numpy as np

    with _ESPEAK, SpeechSynthesizer() as synthesizer:
        spoken = synthesizer.speak(text, voice=voice.name, rate=voice.rate, pitch=voice.pitch)
        samples = _resample(spoken, synthesizer.sample_rate).astype(np.int64)
    loudest = max(1, int(np.abs(samples).max()))
    return (samples * _PEAK // loudest).astype(np.int16)


def _resample(samples: npt.NDArray[np.int16], rate: int) -> npt.NDArray[np.int16]:
    import av
    import numpy as np

    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray().reshape(-1) for given in (frame, None) for part in resampler.resample(given)]
    return np.concatenate(parts).astype(np.int16)
