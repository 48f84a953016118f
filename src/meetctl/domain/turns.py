"""When the model would have been asked, where no journal says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from meetctl.domain.recording import SpeechSpan

SPEECH_PROBABILITY = 0.5
"""From this probability on, a window of audio counts as speech (the detector's own default)."""

PAUSE_US = 700_000
"""A silence this long ends an utterance: a pause for breath is shorter, a turn's end longer."""

SHORTEST_US = 250_000
"""Anything shorter is a cough or a click."""


def find_speech(probabilities: Iterable[float], window_us: int) -> list[SpeechSpan]:
    """Join windows of speech into utterances; `window_us` is the length of one window.

    >>> spans = find_speech([0.1] * 10 + [0.9] * 20 + [0.1] * 40, 32_000)
    >>> [(span.start_us, span.end_us) for span in spans]
    [(320000, 960000)]
    """
    spans: list[SpeechSpan] = []
    start_us: int | None = None
    end_us = 0
    now_us = 0
    for probability in probabilities:
        if probability >= SPEECH_PROBABILITY:
            if start_us is None:
                start_us = now_us
            end_us = now_us + window_us
        elif start_us is not None and now_us - end_us >= PAUSE_US:
            spans.append(SpeechSpan(start_us=start_us, end_us=end_us))
            start_us = None
        now_us += window_us
    if start_us is not None:
        spans.append(SpeechSpan(start_us=start_us, end_us=end_us))
    return [span for span in spans if span.end_us - span.start_us >= SHORTEST_US]


def requests_after_speech(spans: Sequence[SpeechSpan]) -> tuple[int, ...]:
    """Return one request at the end of each utterance, in microseconds."""
    return tuple(span.end_us for span in spans)


def requests_at_rate(per_minute: Fraction, duration_us: int) -> tuple[int, ...]:
    """Return evenly spaced requests, the first after one interval, in microseconds.

    >>> requests_at_rate(Fraction(2), 61_000_000)
    (30000000, 60000000)
    """
    if not per_minute:
        return ()
    interval_us = Fraction(60_000_000) / per_minute
    return tuple(int(interval_us * number) for number in range(1, int(duration_us / interval_us) + 1))
