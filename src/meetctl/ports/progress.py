"""Telling how far a step has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


class Progress(Protocol):
    """Told how far a step has come; free to ignore it."""

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        """Report `done` of `total` ("bytes", "frames", "s" …; total 0 when unknown) for the named step."""
