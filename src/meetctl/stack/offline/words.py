"""Which words of a text carry its meaning, and how near two texts are by them."""

from __future__ import annotations

import re

STOP_WORDS = frozenset(
    """
    a about all am an and any are as at be been but by can could did do does for from get give had
    has have he hello her here him his how i if in into is it its just know let like many may me
    more most much must my no not now of on one or our out over please say see she should so some
    tell than thank that the their them then there these they this those to too us very want was we
    were what when where which who why will with would yes you your
    """.split()  # noqa: SIM905  a list of words reads best as text
)
SHORTEST_STEM = 4
LONGEST_ENDING = 4


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning, in lower case and in their order.

    >>> content_words("What do you know about the Refund policy?")
    ['refund', 'policy']
    """
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
    return [word for word in words if word not in STOP_WORDS]


def stem(word: str) -> str:
    """Return a word without the endings that plurals have.

    >>> stem("policies"), stem("policy"), stem("refunds")
    ('polic', 'polic', 'refund')
    """
    return word.removesuffix("s").removesuffix("ie").removesuffix("y")


def same_stem(one: str, other: str) -> bool:
    """Tell whether two words are forms of one, roughly: equal but for a short ending.

    >>> same_stem("policy", "policies"), same_stem("change", "changed"), same_stem("art", "artist")
    (True, True, False)
    """
    short, long = sorted((stem(one), stem(other)), key=len)
    is_ending = len(short) >= SHORTEST_STEM and len(long) - len(short) <= LONGEST_ENDING
    return one == other or short == long or (is_ending and long.startswith(short))


def shared_words(question: str, text: str) -> set[str]:
    """Return the meaning words of `question` that `text` has in some form.

    >>> sorted(shared_words("What is the refund policy?", "Refunds follow our policies."))
    ['policy', 'refund']
    """
    others = set(content_words(text))
    return {word for word in content_words(question) if any(same_stem(word, other) for other in others)}
