"""A spoken sentence in pieces of the size that speech providers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from meetctl.stack.offline.narrator import SpokenSentence

CHUNK_S = 0.2


def cut_chunks(sentence: SpokenSentence) -> Iterator[npt.NDArray[np.int16]]:
    """Yield a sentence's samples in chunks of 200 ms, the last one shorter."""
    size = round(CHUNK_S * sentence.sample_rate)
    for start in range(0, len(sentence.samples), size):
        yield sentence.samples[start : start + size]
