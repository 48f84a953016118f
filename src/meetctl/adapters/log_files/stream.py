"""A log that comes through a pipe, such as stdin, as the LogSource port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meetctl.adapters.log_files.blocks import BLOCK_BYTES, LineChooser, LineCutter
from meetctl.errors import LogError

if TYPE_CHECKING:
    from meetctl.domain.log_where import Needles


class StreamSource:
    """The lines of a pipe, as they come, until its writer closes it."""

    can_read_backwards = False

    def __init__(self, name: str, descriptor: int) -> None:
        self._name = name
        self._descriptor = descriptor

    @property
    def name(self) -> str:
        """What the pipe is called."""
        return self._name

    def first_time(self) -> str:
        """Return nothing: whoever looked would have to wait, and take away what was seen."""
        return ""

    def lines(self, needles: Needles, *, since: str, follows: bool) -> Iterator[list[bytes]]:  # noqa: ARG002
        """Yield the lines that come, in batches as they come, until the pipe is closed.

        Raises:
            LogError: It cannot be read.
        """
        cutter, chooser = LineCutter(), LineChooser(needles)
        try:
            while block := os.read(self._descriptor, BLOCK_BYTES):
                if region := cutter.feed(block):
                    yield chooser.choose(region)
        except OSError as error:
            raise LogError(f"{self._name} cannot be read: {error.strerror or error}") from error
        if rest := cutter.flush():
            yield [rest]

    def lines_backwards(self, needles: Needles, *, follows: bool) -> Iterator[list[bytes]]:  # noqa: ARG002
        """Refuse: a pipe's end is known only at its end.

        Raises:
            LogError: Always.
        """
        raise LogError(f"{self._name} cannot be read backwards")

    def is_over(self) -> bool:
        """Tell that nothing comes after the pipe was closed."""
        return True

    def poll(self) -> list[bytes]:
        """Return nothing: all there was has been read."""
        return []

    def close(self) -> None:
        """Leave the pipe open; it belongs to whoever started us."""
