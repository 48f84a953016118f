"""Embeddings by hashing: no meaning, but the same for the same text, and near for texts that share words."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict

from meetctl.stack.offline.words import content_words, stem

MODEL = "offline-hashing"
DIMENSIONS = 1536
"""As many as OpenAI's text-embedding-3-small has."""
_WORD_WEIGHT = 1.0
_PART_WEIGHT = 0.35
_PART_LENGTH = 4


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a vector of length 1.

    Each meaning word, and each run of 4 letters in it so that forms of a word are near, adds to or takes
    from one dimension that its hash names ("feature hashing", https://arxiv.org/abs/0902.2206).

    >>> def nearness(one: str, other: str) -> float:
    ...     return sum(a * b for a, b in zip(embed(one), embed(other)))
    >>> nearness("refund policy", "Our policy: refunds take 14 days") > nearness("refund policy", "Hi there")
    True
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for word in map(stem, content_words(text) or text.lower().split()):
        weights[word] += _WORD_WEIGHT
        padded = f"<{word}>"
        for start in range(len(padded) - _PART_LENGTH + 1):
            weights[padded[start : start + _PART_LENGTH]] += _PART_WEIGHT
    vector = [0.0] * dimensions
    for feature, weight in weights.items():
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
        vector[(digest >> 1) % dimensions] += (1 if digest & 1 else -1) * math.log1p(weight)
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else [1.0, *vector[1:]]
