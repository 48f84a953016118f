"""Texts that arrive in pieces, given out in whole sentences."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?…][\"')\]]*\s")


class SentenceBuffer:
    """Keeps what is not yet a sentence.

    >>> buffer = SentenceBuffer()
    >>> buffer.push("It is done. And n"), buffer.take(everything=False)
    (None, 'It is done. ')
    >>> buffer.push("ow?"), buffer.take(everything=True), buffer.take(everything=True)
    (None, 'And now?', '')
    """

    def __init__(self) -> None:
        self._text = ""

    def push(self, text: str) -> None:
        """Add a piece."""
        self._text += text

    def take(self, *, everything: bool) -> str:
        """Take out all whole sentences, or all there is."""
        ends = [match.end() for match in _END.finditer(self._text)]
        end = len(self._text) if everything else (ends[-1] if ends else 0)
        taken, self._text = self._text[:end], self._text[end:]
        return taken

    def clear(self) -> None:
        """Forget all there is."""
        self._text = ""
