"""The three meanings of what frames cost, kept apart (CONTRACTS.md).

`every_frame`: each kept frame is billed once. `per_turn`: the last kept frames are attached to each
request and removed afterwards, as the agent does. `history`: they stay in the context and are
billed again with each later request.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    sent = tokens_sent = history_sent = history_tokens = 0
    for start, stop in attached:
        sent += stop - start
        tokens_sent += sums.between(start, stop)
        history_sent += sent
        history_tokens += tokens_sent
    return {
        "every_frame": Usage(sent=kept, tokens=sums.between(0, kept)),
        "per_turn": Usage(sent=sent, tokens=tokens_sent),
        "history": Usage(sent=history_sent, tokens=history_tokens),
    }


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
