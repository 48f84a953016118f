"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def growing_pauses(first_s: float, longest_s: float, chance: Callable[[], float]) -> Iterator[float]:
    """Yield pauses without end: each about twice the one before, and none longer than `longest_s`.

    `chance` gives numbers from 0 to 1. A pause is between half and all of its length, so that many who
    failed at once do not all come back at once.

    >>> from itertools import islice
    >>> list(islice(growing_pauses(1, 5, lambda: 1.0), 4)), next(growing_pauses(1, 5, lambda: 0.0))
    ([1.0, 2.0, 4.0, 5.0], 0.5)
    """
    length_s = float(first_s)
    while True:
        yield length_s * (1 + chance()) / 2
        length_s = min(length_s * 2, float(longest_s))
