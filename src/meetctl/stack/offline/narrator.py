"""Speech for the event loop: texts cut into sentences, spoken one after the other in a thread."""

from __future__ import annotations

import asyncio
import re
import zlib
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from meetctl.stack.offline.audio import resample
from meetctl.stack.offline.voice import SpeechSynthesizer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy.typing as npt

    from meetctl.stack.offline.voice import Utterance

VOICES = ("f3", "m3", "f2", "m7", "f4", "m1")
"""espeak-ng's variants that strangers' voices become, so that different voices differ."""
RATE_WPM = 165
PITCH = 50
PAUSE_S = 0.15
"""Silence after a sentence."""
LONGEST_SENTENCE = 240
"""Characters; a longer one is cut at a comma or a space, so that its first sound comes soon."""
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word as it was written, from `start_s` to `end_s` in its sound."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpokenSentence:
    """One sentence: mono samples, with the pause after it, and when each word is spoken."""

    text: str
    sample_rate: int
    samples: npt.NDArray[np.int16]
    words: tuple[TimedWord, ...]

    @property
    def duration_s(self) -> float:
        """How long the sound is."""
        return len(self.samples) / self.sample_rate


def split_sentences(text: str) -> list[str]:
    """Return a text's sentences, each with its mark and none of them long.

    >>> split_sentences("Yes. It costs 1.50 dollars! Is that all")
    ['Yes.', 'It costs 1.50 dollars!', 'Is that all']
    """
    return [part for sentence in _BETWEEN_SENTENCES.split(text.strip()) for part in _cut(sentence)]


def pick_voice(name: str, language: str = "en") -> str:
    """Return the espeak-ng voice that stands in for a provider's voice, always the same for the same name.

    >>> pick_voice("astra") == pick_voice("astra"), pick_voice("astra", "de").partition("+")[0]
    (True, 'de')
    """
    tongue = language.lower().replace("_", "-").partition("-")[0]
    tongue = "en-us" if tongue in ("", "en", "eng") else tongue
    return f"{tongue}+{VOICES[zlib.crc32(name.encode()) % len(VOICES)]}"


class Narrator:
    """Speaks for all who ask, one sentence at a time, because espeak-ng keeps global state."""

    def __init__(self) -> None:
        """Start espeak-ng.

        Raises:
            UsageError: espeakng-loader is not installed.
            SpeechError: espeak-ng does not start.
        """
        self._synthesizer = SpeechSynthesizer()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")

    def close(self) -> None:
        """Let the sentence that is being spoken end, and stop."""
        self._thread.shutdown(cancel_futures=True)
        self._synthesizer.__exit__(None, None, None)

    async def narrate(
        self, text: str, *, voice: str, sample_rate: int, speed: float = 1.0
    ) -> AsyncIterator[SpokenSentence]:
        """Yield a text sentence by sentence, each as soon as it is spoken; nothing for a text without words.

        Raises:
            SpeechError: espeak-ng does not know the voice, or cannot speak the text.
        """
        loop = asyncio.get_running_loop()
        for sentence in split_sentences(text):
            if any(character.isalnum() for character in sentence):
                yield await loop.run_in_executor(
                    self._thread, self._speak, sentence, voice, sample_rate, speed
                )

    def _speak(self, sentence: str, voice: str, sample_rate: int, speed: float) -> SpokenSentence:
        speakable = "".join(character if character.isprintable() else " " for character in sentence)
        utterance = self._synthesizer.utter(speakable, voice=voice, rate=round(RATE_WPM * speed), pitch=PITCH)
        own_rate = self._synthesizer.sample_rate
        return SpokenSentence(
            text=sentence,
            sample_rate=sample_rate,
            samples=np.concatenate(
                [
                    resample(utterance.samples, own_rate, sample_rate),
                    np.zeros(round(PAUSE_S * sample_rate), np.int16),
                ]
            ),
            words=_time_words(sentence, utterance, own_rate),
        )


def _cut(sentence: str) -> list[str]:
    parts = []
    while len(sentence) > LONGEST_SENTENCE:
        at = sentence.rfind(",", 1, LONGEST_SENTENCE) + 1 or sentence.rfind(" ", 1, LONGEST_SENTENCE)
        at = at if at > 0 else LONGEST_SENTENCE
        parts.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*parts, sentence] if sentence else parts


def _time_words(sentence: str, utterance: Utterance, rate: int) -> tuple[TimedWord, ...]:
    """Give each written word the moment at which espeak-ng begins it.

    espeak-ng may speak one written word as several ("1,105"), or two as one; a word that it does not name
    begins with the one before it.
    """
    positions = [word.text_position for word in utterance.words]
    starts = [word.sample / rate for word in utterance.words]
    spans = [(match.start(), match.group()) for match in re.finditer(r"\S+", sentence)]
    begin_s: list[float] = []
    for start, text in spans:
        first = bisect_right(positions, start - 1)
        is_named = first < len(positions) and positions[first] < start + len(text)
        begin_s.append(starts[first] if is_named else (begin_s[-1] if begin_s else 0.0))
    end_s = [*begin_s[1:], len(utterance.samples) / rate]
    return tuple(
        TimedWord(text=text, start_s=round(begin, 3), end_s=round(max(begin, end), 3))
        for (_, text), begin, end in zip(spans, begin_s, end_s, strict=True)
    )
