"""Who spoke when: from how loud each person's microphone was, and from whom the server called active."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

AUDIBLE_LEVEL = 100.0
"""Root mean square of 16-bit samples below which nobody speaks: about -50 dB."""

_ABOVE_NOISE = 2.0
"""How many times louder than its own noise a microphone is when somebody speaks into it."""
_NOISE_RISE = 1.01
"""How much louder a microphone's noise is taken to be after each piece that is not quieter."""
_NEAR_TIE = 0.8
"""From this share of the most on, whoever spoke nearly as much may have been the speaker as well."""

SERVER_LATENESS_US = 700_000
"""How long after its sound the server calls somebody active: 0.6 to 0.9 s were measured."""

KEPT_US = 180_000_000
"""How far back it is known who spoke."""


class SpeakerTimeline:
    """Who spoke when, for the last minutes; all times are microseconds on one clock, and never run backwards.

    What the microphones themselves give is exact to a piece of sound, so it decides. The server's word is
    late and coarse: it decides where two people spoke nearly as much, or nothing was heard.

    >>> timeline = SpeakerTimeline()
    >>> for place in range(20):
    ...     timeline.hear(50_000 * place, {"maya": 3000.0 if place < 12 else 20.0, "noor": 30.0})
    >>> timeline.speaker(0, 1_000_000)
    'maya'
    >>> timeline.speaker(700_000, 1_000_000)
    """

    def __init__(self) -> None:
        self._noise: dict[str, float] = {}
        self._loudest: deque[tuple[int, str]] = deque()
        self._active: deque[tuple[int, frozenset[str]]] = deque()

    def hear(self, t_us: int, levels: Mapping[str, float]) -> None:
        """Note how loud each microphone was in the piece of sound that has just ended.

        Levels are root mean squares of 16-bit samples; whoever has no open microphone is left out.
        """
        spoken: dict[str, float] = {}
        for identity, level in levels.items():
            noise = self._noise.get(identity, AUDIBLE_LEVEL / _ABOVE_NOISE)
            if level >= max(AUDIBLE_LEVEL, _ABOVE_NOISE * noise):
                spoken[identity] = level - noise
            self._noise[identity] = min(max(level, 1.0), noise * _NOISE_RISE)
        if spoken:
            self._loudest.append((t_us, max(spoken, key=spoken.__getitem__)))
        while self._loudest and self._loudest[0][0] < t_us - KEPT_US:
            self._loudest.popleft()

    def announce(self, t_us: int, identities: Iterable[str]) -> None:
        """Note whom the server calls active from now on."""
        self._active.append((t_us - SERVER_LATENESS_US, frozenset(identities)))
        # The one before the oldest time that is still known says who was active then.
        while len(self._active) > 1 and self._active[1][0] < t_us - KEPT_US:
            self._active.popleft()

    def speaker(self, begin_us: int, end_us: int) -> str | None:
        """Return who spoke most between two times; None when nobody is known to have spoken."""
        heard: Counter[str] = Counter()
        for t_us, identity in reversed(self._loudest):
            if t_us < begin_us:
                break
            heard[identity] += t_us <= end_us
        announced = self._announced(begin_us, end_us)
        if not heard.total():
            return max(announced, key=announced.__getitem__, default=None)
        most = max(heard.values())
        near = [identity for identity, pieces in heard.items() if pieces >= _NEAR_TIE * most]
        return max(near, key=lambda identity: (announced[identity], heard[identity]))

    def _announced(self, begin_us: int, end_us: int) -> Counter[str]:
        """Return how many microseconds of a stretch the server called each person active."""
        active_us: Counter[str] = Counter()
        ends = [t_us for t_us, _ in self._active][1:]
        for (from_us, identities), until_us in zip(self._active, [*ends, end_us], strict=False):
            overlap_us = min(until_us, end_us) - max(from_us, begin_us)
            if overlap_us > 0:
                active_us.update(dict.fromkeys(identities, overlap_us))
        return active_us
