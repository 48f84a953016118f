"""Speech to text by pocketsphinx: a grammar of known phrases first, its English language model otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

RECOGNITION_RATE = 16_000
"""What pocketsphinx's acoustic model was trained on, in Hz."""
FRAMES_PER_S = 100
"""pocketsphinx counts time in frames of 10 ms."""
PLAUSIBLE = 0.47
"""Least score of a phrase that was really said. Measured with espeak-ng's voices en-us, f3 and m3 at 140 to
170 words a minute: phrases of the grammar score 0.49 to 0.73, other sentences that fill a whole phrase at
most 0.46."""
UNKNOWN_CONFIDENCE = 0.5
"""What is reported where there is no score."""
NOISE = 12.0
"""Standard deviation of the noise that speech is heard over, in steps of a 16-bit sample."""
SEARCH = "phrases"
_QUESTION_WORDS = frozenset(
    ["what", "how", "who", "where", "when", "why", "which", "can", "could", "do", "does", "did", "is", "are"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWord:
    """One word, in lower case and as it is written, from `start_s` to `end_s` in its sound."""

    word: str
    punctuated: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said; no words when nothing was understood."""

    words: tuple[HeardWord, ...]
    confidence: float
    """pocketsphinx's own score from 0 to 1 with the grammar; 0.5 where there is none."""

    def text(self, *, punctuated: bool) -> str:
        """Return the words as one line."""
        return " ".join(word.punctuated if punctuated else word.word for word in self.words)


NOTHING = Transcript(words=(), confidence=0.0)


def read_phrases(path: Path | None) -> list[str]:
    """Return the phrases of a file, one a line; the bundled ones where no file is given.

    Empty lines and those that start with # are left out.

    Raises:
        UsageError: The file cannot be read, or has no phrase.
    """
    try:
        if path is None:
            text = (resources.files("meetctl") / "data" / "offline_phrases.txt").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--phrases {path}: cannot be read as text") from error
    lines = (line.strip() for line in text.splitlines())
    phrases = [line for line in lines if line and not line.startswith("#")]
    if not phrases:
        raise UsageError(f"--phrases {path}: has no phrase", hint="write one phrase a line")
    return phrases


def plain_words(text: str) -> list[str]:
    """Return a text's words as the dictionary has them.

    >>> plain_words("Thank you, that's all. Goodbye!")
    ['thank', 'you', "that's", 'all', 'goodbye']
    """
    return re.findall(r"[a-z']+", text.lower())


class Recognizer:
    """Understands English, one piece of speech at a time, and holds Python's lock while it does."""

    def __init__(self, phrases: Sequence[str]) -> None:
        """Make the decoder of the phrases; the free one is made when it is first needed.

        Raises:
            UsageError: pocketsphinx is not installed, or its dictionary lacks a word of a phrase.
        """
        self._phrases = {" ".join(plain_words(phrase)): phrase for phrase in phrases}
        self._matching = self._make_matching()
        self._free: Any = None

    def match_phrase(self, samples: Samples) -> Transcript | None:
        """Return the phrase that was said from start to end; None when it was none of them."""
        decoder = self._matching
        _hear(decoder, samples)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        if hypothesis is None or hypothesis.best_score < PLAUSIBLE:
            return None
        written = self._phrases.get(hypothesis.hypstr)
        return _transcript(decoder, written.split(), hypothesis.best_score) if written else None

    def guess(self, samples: Samples) -> Transcript:
        """Return the best reading of speech that still goes on."""
        decoder = self._matching
        _hear(decoder, samples)
        hypothesis = decoder.hyp()
        guessed = (
            _transcript(decoder, hypothesis.hypstr.split(), UNKNOWN_CONFIDENCE) if hypothesis else NOTHING
        )
        decoder.end_utt()
        return guessed

    def transcribe(self, samples: Samples) -> Transcript:
        """Return the phrase that was said, or whatever the language model makes of it."""
        matched = self.match_phrase(samples)
        if matched is not None:
            return matched
        self._free = self._free or _make_decoder()
        _hear(self._free, samples)
        self._free.end_utt()
        hypothesis = self._free.hyp()
        if hypothesis is None or not hypothesis.hypstr:
            return NOTHING
        return _transcript(self._free, _punctuate(hypothesis.hypstr.split()), UNKNOWN_CONFIDENCE)

    def _make_matching(self) -> Any:
        decoder = _make_decoder(lm=None)
        for phrase in self._phrases:
            for word in phrase.split():
                if decoder.lookup_word(word) is None:
                    raise UsageError(
                        f"the recognizer's dictionary lacks the word {word!r} of the phrase {phrase!r}",
                        hint="use other words in the file of --phrases",
                    )
        alternatives = " | ".join(self._phrases)
        decoder.add_jsgf_string(
            SEARCH, f"#JSGF V1.0;\ngrammar {SEARCH};\npublic <phrase> = {alternatives};\n"
        )
        decoder.activate_search(SEARCH)
        return decoder


def _make_decoder(**settings: Any) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise UsageError(
            "the ears need the package pocketsphinx, which is not installed",
            hint="install meetctl with its extra: meetctl[local]",
        ) from error
    # It reports each sentence that is not in its grammar as an error; here that is an answer like any other.
    return Decoder(samprate=RECOGNITION_RATE, loglevel="FATAL", **settings)


def _hear(decoder: Any, samples: Samples) -> None:
    """Let a decoder hear a piece of speech as a whole, over a little noise.

    Of a digital silence, whose energy has no logarithm, the acoustic model makes nothing.
    """
    noise = np.random.default_rng(seed=0).normal(0.0, NOISE, len(samples))
    noisy = np.clip(samples + noise, -32768, 32767).astype(np.int16)
    decoder.start_utt()
    decoder.process_raw(noisy.tobytes(), False, True)


def _punctuate(words: list[str]) -> list[str]:
    written = [word.capitalize() if word == "i" or word.startswith("i'") else word for word in words]
    mark = "?" if words[0] in _QUESTION_WORDS else "."
    written[0] = written[0].capitalize()
    written[-1] += mark
    return written


def _transcript(decoder: Any, written: list[str], confidence: float) -> Transcript:
    """Return the decoder's words with their times; fillers such as <sil> are no words."""
    segments = [segment for segment in decoder.seg() or () if segment.word[0] not in "<[("]
    words = tuple(
        HeardWord(
            word=re.sub(r"\(\d+\)$", "", segment.word),
            punctuated=punctuated,
            start_s=segment.start_frame / FRAMES_PER_S,
            end_s=(segment.end_frame + 1) / FRAMES_PER_S,
        )
        for segment, punctuated in zip(segments, written, strict=False)
    )
    return Transcript(words=words, confidence=round(min(1.0, confidence), 3))
