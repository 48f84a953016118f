"""A kept frame's picture, small enough to show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePicture:
    """Pixels, row by row from the top, three bytes each: red, green, blue."""

    width: int
    height: int
    rgb: bytes
