"""Speech from espeak-ng, through the shared library that the `espeakng_loader` wheel carries."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from meetctl.errors import MeetctlError, UsageError

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
EVENT_LIST_TERMINATED = 0
EVENT_WORD = 1
QUIET_LEVEL = 200


class EspeakEvent(ctypes.Structure):
    """espeak-ng's `espeak_EVENT`: what the speech has reached, and where in the audio."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_uint64),
    )


SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.POINTER(EspeakEvent)
)


class SpeechError(MeetctlError):
    """espeak-ng could not be started, does not know a voice, or could not speak a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWord:
    """A word of a spoken text: where its text begins (from 0, in characters), and when it starts."""

    text_position: int
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Utterance:
    """A spoken text: mono samples without the silence at both ends, and its words in order."""

    samples: npt.NDArray[np.int16]
    words: tuple[SpokenWord, ...]


class SpeechSynthesizer:
    """One running espeak-ng; the library keeps global state, so use one at a time.

    Use it as a context manager. `sample_rate` is in Hz.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise UsageError(
                "the voice needs the package espeakng-loader, which is not installed",
                hint="install meetctl with its extra: meetctl[local]",
            ) from error
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._words: list[SpokenWord] = []
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
        return self.utter(text, voice=voice, rate=rate, pitch=pitch).samples

    def utter(self, text: str, *, voice: str, rate: int, pitch: int) -> Utterance:
        """Return `text` as `speak` does, with the moment at which each word starts.

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
        self._words.clear()
        encoded = text.encode() + b"\0"
        size = ctypes.c_size_t(len(encoded))
        status = library.espeak_Synth(encoded, size, 0, 1, 0, CHARS_UTF8, None, None)
        if status != 0 or library.espeak_Synchronize() != 0 or not self._chunks:
            raise SpeechError(f"espeak-ng could not speak {text!r}")
        return _trim(np.concatenate(self._chunks), self._words)

    def _receive(
        self,
        samples: ctypes._Pointer[ctypes.c_int16] | None,
        count: int,
        events: ctypes._Pointer[EspeakEvent] | None,
    ) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        index = 0
        while events and events[index].type != EVENT_LIST_TERMINATED:
            event = events[index]
            if event.type == EVENT_WORD:
                self._words.append(SpokenWord(text_position=event.text_position - 1, sample=event.sample))
            index += 1
        return 0


def _trim(samples: npt.NDArray[np.int16], words: list[SpokenWord]) -> Utterance:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET_LEVEL)
    if loud.size == 0:
        raise SpeechError("espeak-ng returned silence")
    first, last = int(loud[0]), int(loud[-1])
    return Utterance(
        samples=samples[first : last + 1],
        words=tuple(
            SpokenWord(text_position=word.text_position, sample=max(0, word.sample - first)) for word in words
        ),
    )
