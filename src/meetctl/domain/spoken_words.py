"""Words as they are spoken, whatever a recogniser or a model wrote around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_SMALL_TALK = frozenset(
    """
    a ah all alright am and are bye can cool day do fine go good goodbye great hello hey hi how i is it
    just know later me mm moment morning much my nice no not now of oh ok okay on one please really right
    see so sorry stop sure talk talking thank thanks that the then there this to very wait well what yeah
    yep yes you your
    """.split()  # noqa: SIM905  a list of words reads best as text
)


class PlacedWord(NamedTuple):
    """A word as it is spoken, and where it stands in the text as it was written."""

    word: str
    start: int
    end: int


def spoken_words(text: str) -> list[str]:
    """Return the words of a text in their order, without case, marks and apostrophes.

    >>> spoken_words("Don't leave — the Meeting’s over!")
    ['dont', 'leave', 'the', 'meetings', 'over']
    """
    return [placed.word for placed in place_words(text)]


def place_words(text: str, start: int = 0) -> Iterator[PlacedWord]:
    """Return the words of a text from `start` on, with their places.

    >>> next(place_words("Well, don't.", 5))
    PlacedWord(word='dont', start=6, end=11)
    """
    for match in _WORD.finditer(text, start):
        folded = unicodedata.normalize("NFKC", match.group()).casefold()
        yield PlacedWord(re.sub(r"['’]", "", folded), match.start(), match.end())


def is_small_talk(text: str) -> bool:
    """Tell whether a text says nothing that one could search for; in English, and true for no words.

    >>> is_small_talk("Yes, thank you very much."), is_small_talk("What about pricing?")
    (True, False)
    """
    return all(word in _SMALL_TALK for word in spoken_words(text))
