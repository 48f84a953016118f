"""Whether an answer recites what the agent was told in confidence: its instructions.

A run of consecutive words that also stands in the instructions gives it away. Words are passed on as they
come; only where a few in a row are the instructions' own are they held back until the run breaks off, so
that what gives it away is not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from meetctl.domain.spoken_words import PlacedWord, place_words, spoken_words

LONGEST_RUN = 20
"""So many of the instructions' words in a row are a recital; of a shorter text, all its words.

An answer may well tell a fact in the words of the instructions, which a tenant has put there for that.
"""
STRICT_RUN = 8
"""So many words in a row of a text in which there is nothing to tell."""

SHORTEST_RUN = 5
"""A confidential text with fewer words than this could be said by chance, and is not looked for."""

HELD_RUN = 3
"""From so many words in a row on, the words are held back."""

_APOSTROPHES = ("'", "’")

_Run = tuple[str, ...]


class DisclosureGuard:
    """Knows the runs of words that no answer may contain; made once, it checks any number of answers."""

    def __init__(
        self, confidential: Iterable[str], *, strict: Iterable[str] = (), public: Iterable[str] = ()
    ) -> None:
        """Take the texts that may not be recited, of `strict` not even a sentence.

        Runs that a public text has too are no secret.
        """
        known = {run for text in public for run in _runs(spoken_words(text))}
        telling = {*_telling_runs(confidential, LONGEST_RUN), *_telling_runs(strict, STRICT_RUN)}
        self.telling: Final = frozenset(telling) - known
        """The runs that give the instructions away."""
        self.beginnings: Final = frozenset(part for run in self.telling for part in _runs(list(run)))
        """Every run of words within them, for finding out whether words may become one."""

    def begin(self) -> DisclosureCheck:
        """Begin to check one answer."""
        return DisclosureCheck(self)


class DisclosureCheck:
    """Checks one answer while it comes, in pieces of any size."""

    def __init__(self, guard: DisclosureGuard) -> None:
        self._guard = guard
        self._text = ""
        """What was not passed on yet, or belongs to a word that is not complete."""
        self._passed = 0
        """How many characters of it were passed on."""
        self._read = 0
        """How many characters of it are complete words."""
        self._run: list[PlacedWord] = []
        """The last words that are a run of the instructions."""
        self.is_cut = False
        """Whether the answer recites the instructions; nothing more of it may be said."""

    def feed(self, piece: str) -> str:
        """Take the answer's next piece, and return what may be said of it and of what was held back."""
        if self.is_cut:
            return ""
        self._text += piece
        return self._pass_on(at_end=False)

    def finish(self) -> str:
        """Return what may be said of the rest, when the answer is complete."""
        return "" if self.is_cut else self._pass_on(at_end=True)

    def _pass_on(self, *, at_end: bool) -> str:
        for placed in place_words(self._text, self._read):
            if not at_end and self._may_go_on(placed):
                break
            self._read = placed.end
            self._add(placed)
            if self.is_cut:
                break
        is_held = self.is_cut or (len(self._run) >= HELD_RUN and not at_end)
        until = max(self._passed, self._run[0].start) if is_held else len(self._text)
        passed, self._passed = self._text[self._passed : until], until
        self._forget()
        return passed

    def _may_go_on(self, placed: PlacedWord) -> bool:
        """Tell whether the next piece can still be of this word."""
        rest = self._text[placed.end :]
        return not rest or rest in _APOSTROPHES

    def _add(self, placed: PlacedWord) -> None:
        """Find the longest run that ends with this word."""
        self._run.append(placed)
        while self._run and tuple(each.word for each in self._run) not in self._guard.beginnings:
            del self._run[0]
        words = [each.word for each in self._run]
        self.is_cut = any(tuple(words[start:]) in self._guard.telling for start in range(len(words)))

    def _forget(self) -> None:
        """Drop what was passed on and read, so that a long answer costs no more for each piece."""
        done = min(self._passed, self._read)
        self._text = self._text[done:]
        self._passed, self._read = self._passed - done, self._read - done
        self._run = [each._replace(start=each.start - done, end=each.end - done) for each in self._run]


def _telling_runs(texts: Iterable[str], longest: int) -> Iterator[_Run]:
    for text in texts:
        words = spoken_words(text)
        if len(words) < SHORTEST_RUN:
            continue
        length = min(longest, len(words))
        for start in range(len(words) - length + 1):
            yield tuple(words[start : start + length])


def _runs(words: list[str]) -> Iterator[_Run]:
    """Return every run of a text up to the longest."""
    for length in range(1, min(LONGEST_RUN, len(words)) + 1):
        for start in range(len(words) - length + 1):
            yield tuple(words[start : start + length])
