"""The rules of the offline providers: which faults hit, what is speech, what is said and understood."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.errors import MediaError, UsageError
from meetctl.stack.offline.audio import StreamResampler, decode_sound, resample
from meetctl.stack.offline.embedding import embed
from meetctl.stack.offline.endpointing import SpeechGate
from meetctl.stack.offline.faults import Fault, FaultPlan, parse_fault
from meetctl.stack.offline.narrator import LONGEST_SENTENCE, split_sentences
from meetctl.stack.offline.recognition import RECOGNITION_RATE, Recognizer, read_phrases
from meetctl.stack.offline.usage_meter import UsageMeter
from meetctl.stack.offline.voice import SpeechError, SpeechSynthesizer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@given(
    share=st.fractions(min_value=Fraction(1, 50), max_value=1),
    requests=st.integers(min_value=1, max_value=200),
)
def test_share_hits_the_first_and_never_strays_by_a_whole_request(share: Fraction, requests: int) -> None:
    plan = FaultPlan()
    plan.add(Fault(provider="openai", kind="500", share=share))
    hit = [plan.draw("openai").status == 500 for _ in range(requests)]
    assert hit[0]
    assert 0 <= sum(hit) - requests * share < 1


def test_count_bounds_a_fault_and_the_next_one_takes_over() -> None:
    plan = FaultPlan()
    plan.add(Fault(provider="rime", kind="429", count=2))
    plan.add(Fault(provider="rime", kind="503"))
    assert [plan.draw("rime").status for _ in range(4)] == [429, 429, 503, 503]
    assert plan.draw("openai").status is None


def test_fault_waits_for_a_request_that_can_meet_it() -> None:
    plan = FaultPlan()
    plan.add(Fault(provider="deepgram", kind="drop", count=1))
    assert plan.draw("deepgram", frozenset({"429"})).fault is None
    assert plan.draw("deepgram", frozenset({"drop"})).fault is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "openai",
        "x:429",
        "openai:429:share=0",
        "openai:429:share=1/0",
        "openai:slow:delay_s=-1",
        "openai:429:a=b",
    ],
)
def test_wrong_fault_names_itself(text: str) -> None:
    with pytest.raises(UsageError, match=f"--fault {text}"):
        parse_fault(text)


def tone(seconds: float, loudness: float, rate: int = RECOGNITION_RATE) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    return (loudness * np.sin(2 * np.pi * 220 * times)).astype(np.int16)


def test_gate_opens_at_speech_and_keeps_its_lead() -> None:
    gate = SpeechGate()
    assert not gate.push(tone(1.0, 20))
    assert gate.push(tone(0.5, 8000))
    gate.push(tone(0.4, 0))
    assert gate.silence_s == pytest.approx(0.4, abs=0.03)
    assert gate.start_s == pytest.approx(0.75, abs=0.06)
    assert len(gate.utterance()) / RECOGNITION_RATE == pytest.approx(0.25 + 0.5 + 0.24, abs=0.1)
    gate.end_utterance()
    assert not gate.speaking
    assert not gate.push(tone(1.0, 20))


def test_gate_stays_shut_for_a_click_and_for_steady_noise() -> None:
    gate = SpeechGate()
    noise = np.random.default_rng(seed=1).normal(0, 150, 5 * RECOGNITION_RATE).astype(np.int16)
    assert not gate.push(noise)
    assert not gate.push(np.concatenate([tone(0.03, 9000), tone(0.5, 0)]))


def test_gate_does_not_depend_on_how_sound_is_cut() -> None:
    sound = np.concatenate([tone(0.5, 0), tone(0.8, 5000), tone(0.3, 0)])
    whole, pieces = SpeechGate(), SpeechGate()
    whole.push(sound)
    for start in range(0, len(sound), 777):
        pieces.push(sound[start : start + 777])
    assert np.array_equal(whole.utterance(), pieces.utterance())
    assert (whole.heard_s, whole.start_s) == (pieces.heard_s, pieces.start_s)


def test_resampling_in_pieces_is_resampling_the_whole() -> None:
    sound = tone(1.0, 9000, rate=48_000)
    stream = StreamResampler(48_000, 16_000)
    pieces = [stream.push(sound[start : start + 960]) for start in range(0, len(sound), 960)]
    joined = np.concatenate([*pieces, stream.finish()])
    assert np.array_equal(joined, resample(sound, 48_000, 16_000))
    assert len(joined) == pytest.approx(16_000, abs=40)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        decode_sound(b"not a sound at all", 16_000)


def test_long_sentences_are_cut_and_nothing_is_lost() -> None:
    text = "word, " * 200 + "end."
    parts = split_sentences(text)
    assert max(map(len, parts)) <= LONGEST_SENTENCE
    assert " ".join(parts).split() == text.split()


@given(st.text(max_size=200))
def test_embedding_is_always_a_unit_vector(text: str) -> None:
    assert np.linalg.norm(embed(text)) == pytest.approx(1.0)


def test_meter_adds_up_sound_without_rounding() -> None:
    meter = UsageMeter()
    for _ in range(1000):
        meter.add_sound("deepgram", "listen", 800, 16_000)
    meter.add("deepgram", "listen", connections=1)
    assert meter.document() == {"deepgram": {"listen": {"audio_s": 50.0, "connections": 1}}}


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[SpeechSynthesizer]:
    with SpeechSynthesizer() as running:
        yield running


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(read_phrases(None))


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-us+m3"])
@pytest.mark.parametrize("rate", [140, 155, 170])
@pytest.mark.parametrize("noise", [0, 30])
def test_every_phrase_is_understood(
    synthesizer: SpeechSynthesizer, recognizer: Recognizer, voice: str, rate: int, noise: int
) -> None:
    for phrase in read_phrases(None):
        spoken = synthesizer.speak(phrase, voice=voice, rate=rate, pitch=50)
        sound = resample(spoken, synthesizer.sample_rate, RECOGNITION_RATE) * 0.5
        quiet = np.zeros(RECOGNITION_RATE // 5)
        padded = np.concatenate([quiet, sound, quiet])
        heard = recognizer.match_phrase(
            (padded + np.random.default_rng(seed=2).normal(0, noise, len(padded))).astype(np.int16)
        )
        assert heard is not None, phrase
        assert heard.text(punctuated=True) == phrase
        assert [word.start_s for word in heard.words] == sorted(word.start_s for word in heard.words)


@pytest.mark.parametrize(
    "sentence",
    [
        "The quick brown fox jumps over the lazy dog",
        "Show me the next slide please",
        "Goodbye",
        "Please stop",
    ],
)
def test_other_sentences_match_no_phrase(
    synthesizer: SpeechSynthesizer, recognizer: Recognizer, sentence: str
) -> None:
    # The gate gives an utterance with some silence around it.
    quiet = np.zeros(RECOGNITION_RATE // 5, np.int16)
    for voice in ("en-us", "en-us+f3", "en-us+m3"):
        spoken = synthesizer.speak(sentence, voice=voice, rate=155, pitch=50)
        sound = resample(spoken, synthesizer.sample_rate, RECOGNITION_RATE)
        assert recognizer.match_phrase(np.concatenate([quiet, sound, quiet])) is None


def test_words_of_an_utterance_are_placed_in_its_sound(synthesizer: SpeechSynthesizer) -> None:
    utterance = synthesizer.utter("Nothing has changed.", voice="en-us", rate=165, pitch=50)
    assert [word.text_position for word in utterance.words] == [0, 8, 12]
    assert [word.sample for word in utterance.words] == sorted(word.sample for word in utterance.words)
    assert utterance.words[-1].sample < len(utterance.samples)


def test_unknown_voice_and_silence_are_errors(synthesizer: SpeechSynthesizer) -> None:
    with pytest.raises(SpeechError, match="no voice 'nobody'"):
        synthesizer.speak("Hello", voice="nobody", rate=160, pitch=50)
    with pytest.raises(SpeechError):
        synthesizer.speak("...", voice="en-us", rate=160, pitch=50)


def test_phrases_file_is_read_without_comments(tmp_path: Path) -> None:
    path = tmp_path / "phrases.txt"
    path.write_text("# what people say\n\n  Hello there. \n", encoding="utf-8")
    assert read_phrases(path) == ["Hello there."]
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no phrase"):
        read_phrases(path)
