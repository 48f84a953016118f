"""The three meanings of what frames cost, kept apart (CONTRACTS.md).

`every_frame`: each kept frame is billed once. `per_turn`: the last kept frames are attached to each
request and removed afterwards, as the agent does. `history`: they stay in the context and are
billed again with each later request.
"""

from __future__ import annotations

from bisect import bisect_right
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
    kept_us: Sequence[int], tokens: Sequence[int] | int, requests_us: Sequence[int], window: int
) -> dict[Meaning, Usage]:
    """Count images and tokens in each meaning.

    `kept_us` are the kept frames' times, ascending; `tokens` what each is in tokens (or one number
    for all); `requests_us` the times of the requests, ascending; `window` how many frames one takes.
    A request takes frames kept at its time or before.

    >>> usage = count_usage([0, 1_000_000, 2_000_000], 100, [1_500_000, 2_500_000], 2)
    >>> usage["every_frame"].tokens, usage["per_turn"].tokens, usage["history"].tokens
    (300, 400, 600)
    """
    count = len(kept_us)
    if isinstance(tokens, int):
        return _count(kept_us, requests_us, window, _UniformSum(tokens), count)
    return _count(kept_us, requests_us, window, _PrefixSum(tokens), count)


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


def _count(
    kept_us: Sequence[int],
    requests_us: Sequence[int],
    window: int,
    tokens: _UniformSum | _PrefixSum,
    count: int,
) -> dict[Meaning, Usage]:
    sent = in_history = tokens_sent = tokens_in_history = history_sent = history_tokens = 0
    for request_us in requests_us:
        stop = bisect_right(kept_us, request_us)
        start = max(0, stop - window)
        attached = tokens.between(start, stop)
        sent += stop - start
        tokens_sent += attached
        in_history += stop - start
        tokens_in_history += attached
        history_sent += in_history
        history_tokens += tokens_in_history
    return {
        "every_frame": Usage(sent=count, tokens=tokens.between(0, count)),
        "per_turn": Usage(sent=sent, tokens=tokens_sent),
        "history": Usage(sent=history_sent, tokens=history_tokens),
    }
