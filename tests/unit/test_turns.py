from __future__ import annotations

from fractions import Fraction

from meetctl.domain.turns import find_speech, requests_after_speech, requests_at_rate

WINDOW_US = 32_000


def speech(*parts: tuple[float, float]) -> list[float]:
    """Probabilities for stretches of (seconds, probability)."""
    return [level for seconds, level in parts for _ in range(round(seconds * 1_000_000 / WINDOW_US))]


def test_a_pause_for_breath_does_not_end_an_utterance() -> None:
    assert len(find_speech(speech((1, 0.9), (0.5, 0.1), (1, 0.9), (2, 0.1)), WINDOW_US)) == 1


def test_a_longer_silence_does() -> None:
    assert len(find_speech(speech((1, 0.9), (1, 0.1), (1, 0.9), (2, 0.1)), WINDOW_US)) == 2


def test_a_click_is_no_utterance() -> None:
    assert find_speech(speech((1, 0.1), (0.1, 0.9), (2, 0.1)), WINDOW_US) == []


def test_speech_up_to_the_end_counts() -> None:
    spans = find_speech(speech((1, 0.1), (1, 0.9)), WINDOW_US)
    assert requests_after_speech(spans) == (62 * WINDOW_US,)


def test_requests_at_a_rate_begin_after_the_first_interval() -> None:
    assert requests_at_rate(Fraction(2), 90_000_000) == (30_000_000, 60_000_000, 90_000_000)
    assert requests_at_rate(Fraction(0), 90_000_000) == ()
    assert requests_at_rate(Fraction(1, 2), 90_000_000) == ()
