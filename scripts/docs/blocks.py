"""Finding the generated blocks of a page, and putting their new contents in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^<!-- (?!end -->)(?P<source>[^\n]+) -->\n(?P<body>.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL
)
_FENCED = re.compile(r"^```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What stands between `<!-- SOURCE -->` and `<!-- end -->`."""

    page: Path
    source: str
    body: str


class BlockError(Exception):
    """A block that cannot be made; the message names its page and source."""

    def __init__(self, block: Block, problem: str) -> None:
        super().__init__(f"{block.page}: <!-- {block.source} -->: {problem}")


def find_blocks(page: Path, text: str) -> Iterator[Block]:
    """Return a page's blocks in their order."""
    for match in _BLOCK.finditer(text):
        yield Block(page=page, source=match["source"], body=match["body"])


def fill_blocks(page: Path, text: str, render: Callable[[Block], str]) -> str:
    """Return the page with each block's body made anew, set off by empty lines."""

    def fill(match: re.Match[str]) -> str:
        block = Block(page=page, source=match["source"], body=match["body"])
        return f"<!-- {block.source} -->\n\n{render(block).strip()}\n\n<!-- end -->"

    return _BLOCK.sub(fill, text)


def fenced_text(block: Block) -> str:
    """Return what the first code block of a body holds.

    Raises:
        BlockError: There is none.
    """
    match = _FENCED.search(block.body)
    if match is None:
        raise BlockError(block, "there is no code block in it")
    return match["text"]


def fence(language: str, text: str) -> str:
    """Return a code block; spaces at the ends of lines are dropped."""
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return f"```{language}\n{lines}\n```"
