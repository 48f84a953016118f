"""The three meanings of what frames cost, kept apart (CONTRACTS.md).

`every_frame`: each kept frame is billed once. `per_turn`: the last kept frames are attached to each
request and removed afterwards, as the agent does. `history`: they stay in the context and are
billed again with each later request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

Meaning = Literal["every_frame", "per_turn", "history"]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)

MEANING_TITLES: dict[Meaning, str] = {
    "every_frame": "every frame once",
    "per_turn": "per request",
    "history": "left in history",
}
"""What a person reads for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How many images were sent, and how many tokens they were."""

    sent: int
    tokens: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(sent=self.sent + other.sent, tokens=self.tokens + other.tokens)


def count_usage(
    kept: int, tokens: Sequence[int] | int, attached: Sequence[tuple[int, int]]
) -> dict[Meaning, Usage]:
    """Count one track's images and tokens in each meaning.

    `kept` is how many frames were kept; `tokens` what each is in tokens (or one number for all);
    `attached` which of them each request takes, in the requests' order, as `attach_ranges` tells: the first
    and the one after the last.

    >>> usage = count_usage(3, 100, [(0, 2), (1, 3)])
    >>> usage["every_frame"].tokens, usage["per_turn"].tokens, usage["history"].tokens
    (300, 400, 600)
    """
    sums = _UniformSum(tokens) if isinstance(tokens, int) else _PrefixSum(tokens)
    requests = (Usage(sent=stop - start, tokens=sums.between(start, stop)) for start, stop in attached)
    own = kept_too = Usage(sent=0, tokens=0)
    for own_part, kept_part in follow_requests(requests):
        own, kept_too = own + own_part, kept_too + kept_part
    return {
        "every_frame": Usage(sent=kept, tokens=sums.between(0, kept)),
        "per_turn": own,
        "history": kept_too,
    }


def follow_requests(requests: Iterable[Usage]) -> Iterator[tuple[Usage, Usage]]:
    """Yield what each of a session's requests takes: its own images, and these with all that came before.

    >>> steps = follow_requests([Usage(sent=2, tokens=200), Usage(sent=1, tokens=100)])
    >>> [(own.tokens, history.tokens) for own, history in steps]
    [(200, 200), (100, 300)]
    """
    history = Usage(sent=0, tokens=0)
    for request in requests:
        history += request
        yield request, history


class _UniformSum:
    """Token sums over frames of one size, without a number for each frame."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def between(self, start: int, stop: int) -> int:
        return (stop - start) * self._tokens


class _PrefixSum:
    """Token sums over frames of any size."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._upto = [0, *accumulate(tokens)]

    def between(self, start: int, stop: int) -> int:
        return self._upto[stop] - self._upto[start]
