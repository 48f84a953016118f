"""Speech from espeak-ng, through the shared library that the `espeakng_loader` wheel carries."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# The constants and signatures are those of espeak-ng's public header:
# https://github.com/espeak-ng/espeak-ng/blob/1.52.0/src/include/espeak-ng/speak_lib.h
AUDIO_OUTPUT_RETRIEVAL = 1
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
PARAMETER_RATE = 1
PARAMETER_PITCH = 3
PARAMETER_RANGE = 4
QUIET_LEVEL = 200

SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)


class SpeechError(Exception):
    """espeak-ng could not be started, does not know a voice, or could not speak a text."""


class SpeechSynthesizer:
    """One running espeak-ng; the library keeps global state, so use one at a time.

    Use it as a context manager. `sample_rate` is in Hz.
    """

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._callback = SynthCallback(self._receive)
        data = str(espeakng_loader.get_data_path()).encode()
        self.sample_rate = int(
            self._library.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, data, INITIALIZE_DONT_EXIT)
        )
        if self.sample_rate <= 0:
            raise SpeechError("espeak-ng could not be started: its data directory was not accepted")
        self._library.espeak_SetSynthCallback(self._callback)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._library.espeak_Terminate()

    def speak(self, text: str, *, voice: str, rate: int, pitch: int) -> npt.NDArray[np.int16]:
        """Return `text` as mono samples without the silence at both ends.

        `voice` is a language with a variant, such as "en-us+f3"; `rate` is in words a minute;
        `pitch` is 0 to 99.

        Raises:
            SpeechError: The voice is unknown, or the text was not spoken.
        """
        library = self._library
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SpeechError(f"espeak-ng has no voice {voice!r}")
        library.espeak_SetParameter(PARAMETER_RATE, rate, 0)
        library.espeak_SetParameter(PARAMETER_PITCH, pitch, 0)
        library.espeak_SetParameter(PARAMETER_RANGE, 55, 0)
        self._chunks.clear()
        encoded = text.encode() + b"\0"
        size = ctypes.c_size_t(len(encoded))
        status = library.espeak_Synth(encoded, size, 0, 1, 0, CHARS_UTF8, None, None)
        if status != 0 or library.espeak_Synchronize() != 0 or not self._chunks:
            raise SpeechError(f"espeak-ng could not speak {text!r}")
        return _trim(np.concatenate(self._chunks))

    def _receive(self, samples: ctypes._Pointer[ctypes.c_int16] | None, count: int, _events: object) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0


def _trim(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET_LEVEL)
    if loud.size == 0:
        raise SpeechError("espeak-ng returned silence")
    return samples[loud[0] : loud[-1] + 1]
